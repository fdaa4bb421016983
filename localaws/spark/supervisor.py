"""Run one command, and end it and every process it started.

``python supervisor.py COMMAND...``: standard input is the control pipe. While its other end is open, the command runs,
and its exit code becomes the exit code of this program. The byte ``T`` sends SIGTERM to the processes of the command
and SIGKILL after a grace period. Any other byte, and the end of the stream (the owner has died, even by SIGKILL), send
SIGKILL at once.

The owner starts this program as the leader of a new session; "every process" means every process of that session. A
process that opens its own session (setsid) is not ended.

Uses only the standard library and no package: it must start fast and alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

GRACE_SECONDS = 5.0
TERMINATE, KILL = b"T", b"K"


def session_processes(session: int) -> list[int]:
    """Return the process ids of the session without its leader and zombies."""
    return [pid for pid, alive in _processes() if alive and pid != session and _session_of(pid) == session]


def signal_session(session: int, number: signal.Signals) -> None:
    for pid in session_processes(session):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def kill_session(session: int) -> None:
    """Send SIGKILL until no process is left; a process may start while the list is read."""
    for _ in range(100):
        if not session_processes(session):
            return
        signal_session(session, signal.SIGKILL)
        time.sleep(0.02)


def _processes() -> list[tuple[int, bool]]:
    """Return each process id and whether the process is alive (not a zombie)."""
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


def _watch_control_pipe(session: int) -> None:
    if os.read(0, 1) == TERMINATE:
        signal_session(session, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while session_processes(session) and time.monotonic() < deadline:
            time.sleep(0.02)
    while True:  # until the program ends: the command may start only now
        kill_session(session)
        time.sleep(0.02)


def main(command: list[str]) -> int:
    session = os.getpid()
    threading.Thread(target=_watch_control_pipe, args=(session,), daemon=True).start()
    # With vfork, all threads wait until the child calls exec: a child that is stopped before that could not be killed.
    subprocess._USE_VFORK = False  # type: ignore[misc]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    code = child.wait()
    kill_session(session)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # not sys.exit: the thread may be blocked in read(0)
