"""Measures a program with all its processes: wall time, CPU time and peak memory. Linux only."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.5
"""Interval between memory samples. One sample of a process with 9 GB takes 0.1 s of CPU time."""


@dataclass(frozen=True)
class Cost:
    """``wall`` and ``cpu`` in seconds, ``memory`` the highest sampled sum in bytes, ``failure`` a message or ''."""

    wall: float
    cpu: float
    memory: int
    failure: str = ""


def measure(commands: Sequence[Sequence[str]], environment: Mapping[str, str], log: Path) -> Cost:
    """Run the commands one after the other, with their output in ``log``, and return their total cost.

    Stops at the first command that fails.
    """
    began, cpu, peak = time.monotonic(), _cpu_of_children(), 0
    failure = ""
    with log.open("wb") as output:
        for command in commands:
            with subprocess.Popen(
                command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT
            ) as process:
                peak = max(peak, _watch(process))
            if process.returncode:
                failure = f"exit code {process.returncode}, see {log}"
                break
    return Cost(time.monotonic() - began, _cpu_of_children() - cpu, peak, failure)


def _cpu_of_children() -> float:
    """Return the CPU seconds of all ended descendants whose parents have waited for them."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(process: subprocess.Popen[bytes]) -> int:
    peak = 0
    while True:
        try:
            process.wait(SAMPLE_SECONDS)
        except subprocess.TimeoutExpired:
            peak = max(peak, memory_of_tree(process.pid))
        else:
            return peak


def memory_of_tree(pid: int) -> int:
    """Return the memory of a process and its descendants in bytes; shared pages are counted once."""
    try:
        parent = psutil.Process(pid)
        return sum(_proportional(each.pid) for each in (parent, *parent.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def _proportional(pid: int) -> int:
    """Return the Pss in bytes (https://docs.kernel.org/filesystems/proc.html); 0 if the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
