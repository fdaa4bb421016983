"""Runs one command under the supervisor, with its faults, until it ends or is stopped."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path

from localaws.spark import supervisor
from localaws.spark.fault_hooks import ProcessFaultHooks

POLL_SECONDS = 0.1  # interval at which the running process is checked


class Stop(Enum):
    """How to end a running command: SIGTERM with a grace period, or SIGKILL."""

    TERMINATE = supervisor.TERMINATE
    KILL = supervisor.KILL


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    work: Path,
    logs: Path,
    fault_hooks: ProcessFaultHooks,
    poll: Callable[[], Stop | None],
) -> int:
    """Run the command in the folder ``work`` and return its exit code; 128 + n if signal n has ended it.

    Its output is written to ``stdout`` and ``stderr`` in the folder ``logs``. ``poll`` is called while the command
    runs. The first time that it returns a Stop, all processes of the command are ended.
    """
    with (logs / "stdout").open("wb") as stdout, (logs / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-I", supervisor.__file__, *fault_hooks.command(command)],
            stdin=subprocess.PIPE,
            bufsize=0,
            stdout=stdout,
            stderr=stderr,
            cwd=work,
            env=environment,
            start_new_session=True,
        )
    try:
        code = _wait(process, fault_hooks, poll)
    finally:
        supervisor.kill_session(process.pid)  # if the supervisor itself was killed
    with (logs / "stderr").open("a", encoding="utf-8") as stderr_text:
        stderr_text.write(fault_hooks.stderr_suffix)
    return code


def _wait(
    process: subprocess.Popen[bytes], fault_hooks: ProcessFaultHooks, poll: Callable[[], Stop | None]
) -> int:
    assert process.stdin
    began = time.monotonic()
    with process.stdin as control_pipe:
        stop: Stop | None = None
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(POLL_SECONDS)
            fault_hooks.trigger(process.pid, time.monotonic() - began)
            if stop is None and (stop := poll()):
                with contextlib.suppress(BrokenPipeError):  # the process has already ended
                    control_pipe.write(stop.value)
