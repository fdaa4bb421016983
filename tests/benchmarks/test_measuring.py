"""The cost of a program includes all its processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.measuring import measure

MEGABYTE = 2**20
HOLD = "b = bytearray(200 * 2**20)\nfor i in range(0, len(b), 4096): b[i] = 1\nimport time; time.sleep(1)"


def test_the_memory_of_child_processes_is_counted(tmp_path: Path) -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"
    cost = measure([[sys.executable, "-c", parent]], os.environ, tmp_path / "log")
    assert cost.failure == ""
    assert 200 * MEGABYTE < cost.memory < 300 * MEGABYTE


def test_the_cpu_time_of_all_commands_is_added(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    cost = measure([[sys.executable, "-c", burn]] * 2, os.environ, tmp_path / "log")
    assert cost.cpu >= 0.6


def test_no_command_runs_after_a_failed_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    cost = measure(
        [[sys.executable, "-c", "print('one'); exit(3)"], [sys.executable, "-c", "print('two')"]],
        os.environ,
        log,
    )
    assert cost.failure == f"exit code 3, see {log}"
    assert log.read_text() == "one\n"
