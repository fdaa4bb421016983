"""Create a virtual environment: ``python3 devtools/make_venv.py FOLDER LOCK...``. Needs only a Python.

The locks say in their first lines for which Python they were compiled. This Python is used if it has that version, else
one on the PATH or of pyenv; uv can also download one. Uses uv if it is installed, otherwise venv and pip. The file
``complete`` in the folder marks a finished installation.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def required_python(lock: Path) -> str:
    """Return the Python version that a lock was compiled for, such as ``3.11``."""
    found = re.search(r"--python-version (\d+\.\d+)", lock.read_text())
    if not found:
        sys.exit(f"{lock} does not say its Python version; compile it with uv pip compile --python-version")
    return found[1]


def find_python(version: str) -> str:
    """Return the path of an interpreter of this version, or an empty string."""
    on_path = [shutil.which(f"python{version}") or "", shutil.which("python3") or ""]
    of_pyenv = (Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python")
    # Also a shim of pyenv is on the PATH, which fails if the version is not selected.
    candidates = [sys.executable, *filter(None, on_path), *map(str, sorted(of_pyenv, reverse=True))]
    return next((python for python in candidates if _version(python) == version), "")


def _version(python: str) -> str:
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    ended = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    return ended.stdout.strip()


def commands(folder: Path, locks: Sequence[str], python: str, uv: str | None) -> list[list[str]]:
    """Return the commands that create a virtual environment in ``folder`` with the packages of ``locks``.

    ``python`` is the path of an interpreter, or, for uv, a version that it may download.
    """
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
    uv = shutil.which("uv")
    version = required_python(Path(locks[0]))
    python = find_python(version) or (version if uv else "")
    if not python:
        sys.exit(
            f"{folder} needs Python {version}, which was not found. Install it, for example with pyenv or uv, which "
            f"download it from the internet (Debian 12 has only 3.11, Debian 13 only 3.13, PyPI and npm have no "
            f"Python), or use: make PYTHON=/path/to/python{version}"
        )
    print(f"Installing the locked packages into {folder} (once, a few minutes)", flush=True)
    for command in commands(folder, locks, python, uv):
        try:
            subprocess.run(command, check=True)
        except FileNotFoundError:
            sys.exit(f"{command[0]} was not found; on Debian: apt install python{version}-venv")
        except subprocess.CalledProcessError as error:
            sys.exit(
                f"installing into {folder} failed ({error}); fix the error above and run the command again"
            )
    (folder / "complete").touch()


if __name__ == "__main__":
    main()
