"""Run one command and see that it, and every process it started, is gone at the end.

``python supervisor.py COMMAND...``: standard input is the leash. While the other end is held, the command runs and
its exit code becomes ours. The byte ``T`` asks its processes to end (SIGTERM) and kills them after a grace
time; anything else, and the end of the stream (our owner is dead, even by SIGKILL), kills them at once.

The owner starts this program as the leader of a new session; "every process" means every process of that
session. One that opens a session of its own (setsid) escapes.

Only the standard library and no package: this has to start fast and alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

GRACE_SECONDS = 5.0
ASK, KILL = b"T", b"K"


def members(session: int) -> list[int]:
    """Return the living processes of the session, its leader left out."""
    return [pid for pid, alive in _processes() if alive and pid != session and _session_of(pid) == session]


def signal_members(session: int, number: signal.Signals) -> None:
    for pid in members(session):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def kill_members(session: int) -> None:
    """Kill until none is left: a process may be born while the list is read."""
    for _ in range(100):
        if not members(session):
            return
        signal_members(session, signal.SIGKILL)
        time.sleep(0.02)


def _processes() -> list[tuple[int, bool]]:
    """Return each process id and whether it is more than a zombie."""
    if Path("/proc/self/stat").exists():
        return [(int(p.name), _is_alive(p)) for p in Path("/proc").iterdir() if p.name.isdigit()]
    lines = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    return [(int(pid), not state.startswith("Z")) for pid, state in map(str.split, lines.splitlines())]


def _is_alive(process: Path) -> bool:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _obey(session: int, child: subprocess.Popen[bytes]) -> None:
    if os.read(0, 1) == ASK:
        signal_members(session, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
    kill_members(session)


def main(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    session = os.getpid()
    threading.Thread(target=_obey, args=(session, child), daemon=True).start()
    code = child.wait()
    kill_members(session)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # not sys.exit: the thread may sit in read(0)
