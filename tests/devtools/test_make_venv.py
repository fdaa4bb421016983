"""The environment is made with uv when it is there, with venv and pip when not, and by Python 3.11 only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from devtools import make_venv

LOCKS = ["one.txt", "two.txt"]


def test_uv_is_used_when_it_is_there() -> None:
    made, installed = make_venv.commands(Path("venv"), LOCKS, "/usr/bin/python3.11", "/bin/uv")
    assert made[:2] == ["/bin/uv", "venv"]
    assert installed[-4:] == ["-r", "one.txt", "-r", "two.txt"]


def test_venv_and_pip_do_without_uv() -> None:
    made, installed = make_venv.commands(Path("venv"), LOCKS, "/usr/bin/python3.11", None)
    assert made == ["/usr/bin/python3.11", "-m", "venv", "--clear", "venv"]
    assert installed[0] == "venv/bin/pip"
    assert installed[-4:] == ["-r", "one.txt", "-r", "two.txt"]


def test_another_python_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    monkeypatch.setattr(sys, "argv", ["make_venv.py", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"Python 3\.11 is needed, .* is 3\.12; install it"):
        make_venv.main()
    assert not (tmp_path / "complete").exists()


def test_a_failed_installation_is_not_complete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["make_venv.py", str(tmp_path)])
    monkeypatch.setattr(make_venv, "commands", lambda *_: [[sys.executable, "-c", "raise SystemExit(3)"]])
    with pytest.raises(SystemExit, match=r"installing into .* failed .*status 3"):
        make_venv.main()
    assert not (tmp_path / "complete").exists()
