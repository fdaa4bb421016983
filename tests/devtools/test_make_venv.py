"""The environment is created with uv if installed, otherwise with venv and pip, and only with Python 3.11."""

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


def test_another_python_version_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    monkeypatch.setattr(sys, "argv", ["make_venv.py", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"Python 3\.11 is required, .* is 3\.12; install it"):
        make_venv.main()
    assert not (tmp_path / "complete").exists()


def test_a_failed_installation_is_not_marked_as_complete(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["make_venv.py", str(tmp_path)])
    monkeypatch.setattr(make_venv, "commands", lambda *_: [[sys.executable, "-c", "raise SystemExit(3)"]])
    with pytest.raises(SystemExit, match=r"installing into .* failed .*status 3"):
        make_venv.main()
    assert not (tmp_path / "complete").exists()
