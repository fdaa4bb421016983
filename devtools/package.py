"""Builds the files for an Airflow elsewhere in ``dist/``: ``python -m devtools.package [--wheels]``.

``dist/mwaa/`` is for Amazon MWAA, ``dist/git-sync/`` for an Airflow that gets its DAGs from a Git repository. With
``--wheels`` the packages of ``requirements-mwaa.txt`` are in ``plugins.zip``, for an MWAA without internet access.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from devtools.paths import PROJECT

DIST = PROJECT / "dist"
SETTINGS_FILE = PROJECT / ".env.aws"
"""The settings that ``make deploy`` has written."""

LOCK = PROJECT / "requirements-mwaa.txt"
PLUGINS_FOLDER = "/usr/local/airflow/plugins"
"""Where MWAA unpacks ``plugins.zip``."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""A fixed time: the same files give the same zip, and MWAA needs no update."""

PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64")
"""Platforms whose wheels work on Amazon Linux 2023, the system of the MWAA image, with glibc 2.34."""

STARTUP = """\
# Amazon MWAA runs this script before it starts a component of Airflow, and keeps the variables that it exports.
export EMR_PIPELINE_JOBS_FOLDER="$AIRFLOW_HOME/dags/spark"
export AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE=True
"""


def build_mwaa(folder: Path, settings: Mapping[str, str], wheels: bool = False) -> None:
    """Write ``dags/``, ``plugins.zip``, ``requirements.txt`` and ``startup.sh`` into an empty ``folder``.

    ``settings`` are exported by ``startup.sh``.
    """
    _copy(PROJECT / "dags", folder / "dags")
    # MWAA has no folder next to the DAGs.
    _copy(PROJECT / "spark", folder / "dags" / "spark")
    requirements = [line for line in LOCK.read_text().splitlines() if "==" in line and "#" not in line]
    plugins = {path.relative_to(PROJECT / "plugins"): path for path in _plugin_files()}
    if wheels:
        plugins |= {Path(path.name): path for path in _download(folder / "wheels")}
        requirements = [f"--find-links {PLUGINS_FOLDER}", "--no-index", *requirements]
    _zip(folder / "plugins.zip", plugins)
    shutil.rmtree(folder / "wheels", ignore_errors=True)
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements))
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
    (folder / "startup.sh").write_text(STARTUP + exports)


def build_git_sync(folder: Path) -> None:
    """Write ``dags/`` and ``spark/`` for the repository, and ``image/`` with what the image installs."""
    _copy(PROJECT / "dags", folder / "dags")
    _copy(PROJECT / "spark", folder / "spark")
    image = folder / "image"
    image.mkdir()
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*wheel, f"--wheel-dir={image}", str(PROJECT / "plugins")], check=True)
    shutil.copy(PROJECT / "requirements.txt", image)


def read_settings(file: Path) -> dict[str, str]:
    """Return the settings of the pipeline in a file with lines NAME=value; {} if it does not exist."""
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = (line.partition("=") for line in lines if line.startswith("EMR_PIPELINE_"))
    return {name: value for name, _, value in pairs}


def _copy(source: Path, destination: Path) -> None:
    shutil.copytree(source, destination, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


def _plugin_files() -> list[Path]:
    """Return the files that belong into a plugins folder; the others are for the wheel."""
    plugins = PROJECT / "plugins"
    package = [path for path in (plugins / "emr_pipeline").rglob("*") if "__pycache__" not in path.parts]
    return [
        plugins / ".airflowignore",
        plugins / "emr_pipeline_view.py",
        *sorted(path for path in package if path.is_file()),
    ]


def _download(folder: Path) -> list[Path]:
    """Download the wheels of the lock for MWAA and return their paths."""
    platforms = [f"--platform={platform}" for platform in PLATFORMS]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    target = ["--only-binary=:all:", "--no-deps", "--python-version=3.12", *platforms]
    subprocess.run([*pip, *target, f"--dest={folder}", "-r", str(LOCK)], check=True)
    return sorted(folder.glob("*.whl"))


def _zip(file: Path, files: Mapping[Path, Path]) -> None:
    """Write a zip with ``files``, by their names in it."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(str(name), EPOCH)
            entry.external_attr = 0o644 << 16  # readable for the user of Airflow
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m devtools.package", description=__doc__)
    parser.add_argument(
        "--wheels", action="store_true", help="put the wheels into plugins.zip, for an MWAA without internet"
    )
    wheels = parser.parse_args().wheels
    for name in ("mwaa", "git-sync"):
        shutil.rmtree(DIST / name, ignore_errors=True)
    settings = read_settings(SETTINGS_FILE)
    try:
        build_mwaa(DIST / "mwaa", settings, wheels)
        build_git_sync(DIST / "git-sync")
    except subprocess.CalledProcessError as error:
        sys.exit(f"pip failed, see its message above: {shlex.join(map(str, error.cmd))}")
    print("dist/mwaa: for Amazon MWAA, see docs/mwaa.md")
    print("dist/git-sync: for an Airflow with a Git repository, see docs/mwaa.md")
    if "EMR_PIPELINE_BUCKET" not in settings:
        print("EMR_PIPELINE_BUCKET is not set: run make deploy first, or add it to dist/mwaa/startup.sh")


if __name__ == "__main__":
    main()
