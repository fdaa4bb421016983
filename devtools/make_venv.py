"""Create a virtual environment: ``python3 devtools/make_venv.py FOLDER LOCK...``. Needs only Python 3.11.

Uses uv if it is installed, otherwise venv and pip. The file ``complete`` in the folder marks a finished installation.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REQUIRED_PYTHON = (3, 11)


def commands(folder: Path, locks: Sequence[str], python: str, uv: str | None) -> list[list[str]]:
    """Return the commands that create a virtual environment in ``folder`` with the packages of ``locks``."""
    packages = [argument for lock in locks for argument in ("-r", lock)]
    if uv:
        return [
            # --seed: the tests of the wheels call pip
            [uv, "venv", "--quiet", "--clear", "--seed", "--python", python, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *packages],
        ]
    return [
        [python, "-m", "venv", "--clear", str(folder)],
        [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *packages],
    ]


def main() -> None:
    folder, locks = Path(sys.argv[1]), sys.argv[2:]
    if sys.version_info[:2] != REQUIRED_PYTHON:
        have = ".".join(str(part) for part in sys.version_info[:2])
        sys.exit(
            f"Python 3.11 is required, {sys.executable} is {have}; install it or use: make PYTHON=/path/to/python3.11"
        )
    print(f"Installing the locked packages into {folder} (once, a few minutes)", flush=True)
    for command in commands(folder, locks, sys.executable, shutil.which("uv")):
        try:
            subprocess.run(command, check=True)
        except FileNotFoundError:
            sys.exit(f"{command[0]} was not found; on Debian: apt install python3.11-venv")
        except subprocess.CalledProcessError as error:
            sys.exit(
                f"installing into {folder} failed ({error}); fix the error above and run the command again"
            )
    (folder / "complete").touch()


if __name__ == "__main__":
    main()
