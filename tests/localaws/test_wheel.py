"""The wheel has all files, and works in an environment that has nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import copy
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("installed_localaws.py")


class Environment:
    """An empty virtual environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run its Python outside the repository and return how it ended; the output is one text."""
        program = str(self._folder / "bin" / "python")
        variables = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "PYTEST"))}
        return subprocess.run(
            [program, *arguments],
            cwd=self._folder,
            env=variables,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def install(self, *packages: str) -> None:
        """Install packages in the versions of the locks."""
        locks = [
            f"--constraint={ROOT / name}" for name in ("requirements-localaws.txt", "requirements-dev.txt")
        ]
        ended = self.python("-m", "pip", "install", "--quiet", "--no-compile", *locks, *packages)
        assert ended.returncode == 0, ended.stdout

    def use(self, tests: str) -> None:
        """Run those tests of PROGRAM whose names match ``tests``."""
        copy(PROGRAM, self._folder)
        ended = self.python("-m", "pytest", "-q", PROGRAM.name, "-k", tests)
        assert ended.returncode == 0, ended.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("environment"))


@pytest.fixture(scope="module")
def wheel(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    ended = environment.python(
        "-m", "pip", "wheel", "--no-deps", f"--wheel-dir={folder}", str(ROOT / "localaws")
    )
    assert ended.returncode == 0, ended.stdout
    (built,) = folder.glob("localaws-*.whl")
    return built


def test_the_wheel_has_all_files_of_the_package(wheel: Path) -> None:
    found = {str(p.relative_to(ROOT)) for p in (ROOT / "localaws").rglob("*") if p.is_file()}
    expected = {name for name in found if "__pycache__" not in name}
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == expected - {"localaws/pyproject.toml", "localaws/LICENSE"}


def test_it_works_without_extras_and_with_athena(wheel: Path, environment: Environment) -> None:
    environment.install(str(wheel), "pytest")
    environment.use("not with_its_extra")
    environment.install(f"{wheel}[athena]")
    environment.use("athena_with_its_extra")


@pytest.mark.wheels
def test_it_runs_a_spark_step_with_emr(wheel: Path, environment: Environment) -> None:
    environment.install(f"{wheel}[emr]", "pytest")
    environment.use("emr_with_its_extra")


def test_the_project_root_is_not_a_package(environment: Environment) -> None:
    ended = environment.python("-m", "pip", "install", str(ROOT))
    assert ended.returncode != 0
    assert "Install one of its parts: pip install ./localaws, pip install ./plugins" in ended.stdout
