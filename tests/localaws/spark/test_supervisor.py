"""The supervisor ends all processes of its command."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localaws.spark import supervisor

# A child and a grandchild in another process group (like PySpark's worker daemon), which ignore SIGTERM.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import os, time; os.setpgid(0, 0); time.sleep(600)"])
open(sys.argv[1], "w").close()
time.sleep(600)
"""


def start_supervisor(*command: str) -> subprocess.Popen[bytes]:
    supervisor_command = [sys.executable, "-I", supervisor.__file__, *command]
    return subprocess.Popen(supervisor_command, stdin=subprocess.PIPE, bufsize=0, start_new_session=True)


def start_stubborn(tmp_path: Path) -> subprocess.Popen[bytes]:
    process = start_supervisor(sys.executable, "-c", STUBBORN, str(tmp_path / "up"))
    while len(supervisor.session_processes(process.pid)) < 2 or not (tmp_path / "up").exists():
        time.sleep(0.02)
    return process


@pytest.mark.parametrize(("command", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_the_exit_code_is_that_of_the_command(command: str, code: int) -> None:
    with start_supervisor("sh", "-c", command) as process:
        assert process.wait(30) == code


def test_background_processes_of_the_command_are_killed() -> None:
    with start_supervisor("sh", "-c", "sleep 600 & exit 3") as process:
        assert process.wait(30) == 3
    assert supervisor.session_processes(process.pid) == []


@pytest.mark.parametrize("message", [supervisor.KILL, b""])
def test_kill_or_the_end_of_the_pipe_ends_all_processes(tmp_path: Path, message: bytes) -> None:
    with start_stubborn(tmp_path) as process:
        assert process.stdin
        process.stdin.write(message) if message else process.stdin.close()
        assert process.wait(30) == 137
    assert supervisor.session_processes(process.pid) == []


def test_a_command_that_is_stopped_while_it_starts_can_be_killed() -> None:
    for _ in range(10):
        with start_supervisor("sleep", "600") as process:
            while not supervisor.session_processes(process.pid):
                pass
            supervisor.signal_session(process.pid, signal.SIGSTOP)
            assert process.stdin
            process.stdin.write(supervisor.KILL)
            try:
                assert process.wait(10) == 137
            finally:
                process.kill()  # also if the supervisor does not read the pipe
                supervisor.kill_session(process.pid)


@pytest.mark.parametrize("message", [supervisor.KILL, supervisor.TERMINATE])
def test_a_command_that_starts_after_the_message_is_killed(message: bytes) -> None:
    slow_start = f"""
import os, subprocess, sys, time
sys.path.insert(0, {str(Path(supervisor.__file__).parent)!r})
import supervisor
start = subprocess.Popen
subprocess.Popen = lambda *arguments, **options: time.sleep(0.5) or start(*arguments, **options)
os._exit(supervisor.main(["sleep", "20"]))
"""
    command = [sys.executable, "-I", "-c", slow_start]
    ended = subprocess.run(command, input=message, start_new_session=True, timeout=60, check=False)
    assert ended.returncode == 137


def test_terminate_gives_the_command_a_grace_period(tmp_path: Path) -> None:
    script = f"trap 'sleep 0.2; touch {tmp_path}/tidied; exit 0' TERM; touch {tmp_path}/up; while :; do sleep 0.1; done"
    with start_supervisor("sh", "-c", script) as process:
        while not (tmp_path / "up").exists():
            time.sleep(0.02)
        assert process.stdin
        process.stdin.write(supervisor.TERMINATE)
        assert process.wait(30) == 0
    assert (tmp_path / "tidied").exists()


def test_processes_that_ignore_sigterm_are_killed_after_the_grace_period(tmp_path: Path) -> None:
    with start_stubborn(tmp_path) as process:
        assert process.stdin
        process.stdin.write(supervisor.TERMINATE)
        assert process.wait(60) == 137
    assert supervisor.session_processes(process.pid) == []
