"""The wheels that the bootstrap of a cluster installs where the nodes have no internet access.

EMR Serverless has no bootstrap: its job runs get the same wheels as archives.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from emr_pipeline.cli.console import CommandError

REQUIREMENTS = ("numpy<3",)
PYTHON_VERSION = "3.11"
"""The Python of the jobs, see ``specs.PYTHON_3_11_AND_UTC``."""

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
"""The values of ``Settings.architecture`` for Intel or AMD, and Graviton, by the names in wheels."""


def archive_key(architecture: str) -> str:
    """Return the key of the archive for ``Settings.python_archive``: Spark unpacks it if its name ends with .zip."""
    return f"wheels/numpy-{architecture}.zip"


def archives(wheels: Iterable[Path]) -> dict[str, Path]:
    """Return the wheel of numpy by the key of its archive, for each architecture. A wheel is a zip file."""
    return {
        archive_key(architecture): wheel
        for wheel in wheels
        for suffix, architecture in ARCHITECTURES.items()
        if wheel.name.startswith("numpy-") and wheel.name.endswith(f"{suffix}.whl")
    }


def download(folder: Path) -> list[Path]:
    """Download the wheels for all architectures with pip and return their paths. Raises CommandError."""
    for architecture in ARCHITECTURES:
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON_VERSION}"),
            # Amazon Linux 2023 has glibc 2.34.
            *(f"--platform=manylinux_2_{glibc}_{architecture}" for glibc in (28, 27, 17)),
            f"--dest={folder}",
            *REQUIREMENTS,
        ]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            reason = ended.stderr.strip().rpartition("\n")[2]
            raise CommandError(
                f"pip could not download {', '.join(REQUIREMENTS)} for {architecture}: {reason}. "
                "Download the wheels elsewhere and use --wheels FOLDER, or use --no-wheels if the nodes have internet "
                "access"
            )
    return sorted(folder.glob("*.whl"))
