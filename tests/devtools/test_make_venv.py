"""The environment is created with uv if installed, otherwise with venv and pip, for the Python version of the lock."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from devtools import make_venv

LOCKS = ["one.txt", "two.txt"]


def test_uv_is_used_if_it_is_installed() -> None:
    create, install = make_venv.commands(Path("venv"), LOCKS, "/usr/bin/python3.11", "/bin/uv")
    assert create[:2] == ["/bin/uv", "venv"]
    assert "--seed" in create
    assert install[-4:] == ["-r", "one.txt", "-r", "two.txt"]


def test_venv_and_pip_are_used_without_uv() -> None:
    create, install = make_venv.commands(Path("venv"), LOCKS, "/usr/bin/python3.11", None)
    assert create == ["/usr/bin/python3.11", "-m", "venv", "--clear", "venv"]
    assert install[0] == "venv/bin/pip"
    assert install[-4:] == ["-r", "one.txt", "-r", "two.txt"]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("#    uv pip compile --python-version 3.11 lock.in -o lock.txt\n")
    return path


def test_the_python_version_is_read_from_the_lock(lock: Path) -> None:
    assert make_venv.required_python(lock) == "3.11"
    lock.write_text("six==1.17.0\n")
    with pytest.raises(SystemExit, match=r"lock\.txt does not say its Python version"):
        make_venv.required_python(lock)


def test_a_python_on_the_path_that_fails_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Such as a shim of pyenv for a version that is not selected."""
    for name, output in {"python3.99": "exit 1", "python3": "echo 3.99"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{output}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert make_venv.find_python("3.99") == str(tmp_path / "python3")
    assert make_venv.find_python("3.98") == ""
    assert make_venv.find_python(".".join(map(str, sys.version_info[:2]))) == sys.executable


def test_a_missing_python_version_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["make_venv.py", str(tmp_path), str(lock)])
    monkeypatch.setattr(make_venv, "find_python", lambda _: "")
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(SystemExit, match=r"needs Python 3\.11, which was not found\. Install it"):
        make_venv.main()
    assert not (tmp_path / "complete").exists()


def test_a_failed_installation_is_not_marked_as_complete(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["make_venv.py", str(tmp_path), str(lock)])
    monkeypatch.setattr(make_venv, "commands", lambda *_: [[sys.executable, "-c", "raise SystemExit(3)"]])
    with pytest.raises(SystemExit, match=r"installing into .* failed .*status 3"):
        make_venv.main()
    assert not (tmp_path / "complete").exists()
