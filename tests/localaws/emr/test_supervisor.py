"""The supervisor leaves no process of its command behind, however it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from localaws.emr import supervisor

# A child, a grandchild in a process group of its own (as PySpark's worker daemon), both deaf to SIGTERM.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import os, time; os.setpgid(0, 0); time.sleep(600)"])
open(sys.argv[1], "w").close()
time.sleep(600)
"""


def supervised(*command: str) -> subprocess.Popen[bytes]:
    supervisor_command = [sys.executable, "-I", supervisor.__file__, *command]
    return subprocess.Popen(supervisor_command, stdin=subprocess.PIPE, bufsize=0, start_new_session=True)


def started(tmp_path: Path) -> subprocess.Popen[bytes]:
    process = supervised(sys.executable, "-c", STUBBORN, str(tmp_path / "up"))
    while len(supervisor.session_processes(process.pid)) < 2 or not (tmp_path / "up").exists():
        time.sleep(0.02)
    return process


@pytest.mark.parametrize(("command", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_the_exit_code_is_the_commands(command: str, code: int) -> None:
    with supervised("sh", "-c", command) as process:
        assert process.wait(30) == code


def test_what_the_command_leaves_behind_is_killed() -> None:
    with supervised("sh", "-c", "sleep 600 & exit 3") as process:
        assert process.wait(30) == 3
    assert supervisor.session_processes(process.pid) == []


@pytest.mark.parametrize("order", [supervisor.KILL, b""])
def test_the_order_to_kill_or_the_owners_death_ends_every_process(tmp_path: Path, order: bytes) -> None:
    with started(tmp_path) as process:
        assert process.stdin
        process.stdin.write(order) if order else process.stdin.close()
        assert process.wait(30) == 137
    assert supervisor.session_processes(process.pid) == []


def test_asking_gives_the_command_time_to_end_by_itself(tmp_path: Path) -> None:
    script = f"trap 'sleep 0.2; touch {tmp_path}/tidied; exit 0' TERM; touch {tmp_path}/up; while :; do sleep 0.1; done"
    with supervised("sh", "-c", script) as process:
        while not (tmp_path / "up").exists():
            time.sleep(0.02)
        assert process.stdin
        process.stdin.write(supervisor.TERMINATE)
        assert process.wait(30) == 0
    assert (tmp_path / "tidied").exists()


def test_who_does_not_listen_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        assert process.stdin
        process.stdin.write(supervisor.TERMINATE)
        assert process.wait(60) == 137
    assert supervisor.session_processes(process.pid) == []
