"""The workers of a job run, from its Spark properties, and the resources that they use.

Nothing here changes how the job runs: the local driver does the work of all workers.
Sources: EMR Serverless User Guide, "Spark job properties" (jobs-spark.html), "Supported worker configurations"
(app-behavior.html); EMR Serverless API Reference, JobRun (totalResourceUtilization, billedResourceUtilization).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from localaws.emr_serverless.errors import validation_error
from localaws.emr_serverless.model import Attempt

# vCPUs of a worker: its minimum and maximum memory and the increment, in GB.
MEMORY_BY_CORES = {1: (2, 8, 1), 2: (4, 16, 1), 4: (8, 30, 1), 8: (16, 60, 4), 16: (32, 120, 8)}
MIN_OVERHEAD = 384 / 1024  # GB
INCLUDED_DISK = 20  # GB of each worker that are not billed
BILLED_SECONDS = 60  # minimum for each worker
NO_MAXIMUM: Mapping[str, str] = {}
_SIZE = re.compile(r"(\d+)\s*([kmgt]?)b?", re.IGNORECASE)
_GB = {"": 1 / 1024, "k": 1 / 1024**2, "m": 1 / 1024, "g": 1, "t": 1024}
"""GB by Spark's unit of memory, whose default is MiB."""


@dataclass(frozen=True)
class Worker:
    cores: int
    memory: int  # GB
    disk: int  # GB


@dataclass(frozen=True)
class Workers:
    """The driver and the executors, whose number does not change while the job runs."""

    driver: Worker
    executor: Worker
    executors: int

    def utilization(self, seconds: int) -> dict[str, float]:
        """Return the members of ResourceUtilization for ``seconds``; ``storageGBHour`` counts whole disks."""
        return self._hours(seconds, self.driver.disk + self.executors * self.executor.disk)

    def billed(self, seconds: int) -> dict[str, float]:
        extra = [max(0, worker.disk - INCLUDED_DISK) for worker in (self.driver, self.executor)]
        return self._hours(max(seconds, BILLED_SECONDS), extra[0] + self.executors * extra[1])

    def _hours(self, seconds: int, disk: int) -> dict[str, float]:
        hours = seconds / 3600
        return {
            "vCPUHour": hours * (self.driver.cores + self.executors * self.executor.cores),
            "memoryGBHour": hours * (self.driver.memory + self.executors * self.executor.memory),
            "storageGBHour": hours * disk,
        }


def total(workers: Workers, attempts: Sequence[Attempt]) -> dict[str, float]:
    """Return ``totalResourceUtilization``."""
    return _sum([workers.utilization(seconds) for seconds in map(execution_seconds, attempts) if seconds])


def billed(workers: Workers, attempts: Sequence[Attempt]) -> dict[str, float]:
    """Return ``billedResourceUtilization``."""
    return _sum([workers.billed(seconds) for seconds in map(execution_seconds, attempts) if seconds])


def execution_seconds(attempt: Attempt) -> int:
    """Return the seconds that an ended attempt has run, rounded up; 0 if it has not."""
    return math.ceil(_seconds(attempt.started, attempt.ended))


def workers_of(properties: Mapping[str, str], maximum: Mapping[str, str] = NO_MAXIMUM) -> Workers:
    """Return the workers that the Spark properties request, with as many executors as ``maximum`` allows.

    ``maximum`` is the maximumCapacity of the application. One executor is always counted. Raises ValidationException
    for sizes that EMR Serverless does not support.
    """
    executors = properties.get("spark.executor.instances") or properties.get(
        "spark.dynamicAllocation.initialExecutors", "3"
    )
    if not executors.isdecimal():
        raise validation_error(f"spark.executor.instances is {executors!r}, it must be a number.")
    driver, executor = _worker(properties, "driver"), _worker(properties, "executor")
    allowed = [
        (_number(maximum[resource]) - of_driver) // of_executor
        for resource, of_driver, of_executor in (
            ("cpu", driver.cores, executor.cores),
            ("memory", driver.memory, executor.memory),
            ("disk", driver.disk, executor.disk),
        )
        if resource in maximum
    ]
    return Workers(driver, executor, min([int(executors), *(max(1, number) for number in allowed)]))


def _number(size: str) -> int:
    """Return the number of a size such as ``16 vCPU`` or ``64GB``."""
    return int(re.match(r"\d+", size)[0])  # type: ignore[index]  # the request was validated


def _worker(properties: Mapping[str, str], role: str) -> Worker:
    cores = properties.get(f"spark.{role}.cores", "4")
    if not cores.isdecimal() or int(cores) not in MEMORY_BY_CORES:
        supported = ", ".join(map(str, MEMORY_BY_CORES))
        raise validation_error(f"spark.{role}.cores is {cores!r}, it must be one of {supported}.")
    heap = _gb(properties.get(f"spark.{role}.memory", "14g"), f"spark.{role}.memory")
    factor = _factor(properties.get(f"spark.{role}.memoryOverheadFactor", "0.1"), role)
    overhead = properties.get(f"spark.{role}.memoryOverhead")
    needed = heap + (
        _gb(overhead, f"spark.{role}.memoryOverhead") if overhead else max(factor * heap, MIN_OVERHEAD)
    )
    minimum, maximum, increment = MEMORY_BY_CORES[int(cores)]
    memory = max(minimum, math.ceil(needed / increment) * increment)
    if memory > maximum:
        raise validation_error(
            f"The {role} with {cores} vCPU needs {needed:.1f} GB, which is spark.{role}.memory with its overhead: "
            f"at most {maximum} GB are supported."
        )
    disk = _gb(
        properties.get(f"spark.emr-serverless.{role}.disk", f"{INCLUDED_DISK}g"),
        f"spark.emr-serverless.{role}.disk",
    )
    return Worker(int(cores), memory, math.ceil(disk))


def _factor(text: str, role: str) -> float:
    try:
        return float(text)
    except ValueError:
        name = f"spark.{role}.memoryOverheadFactor"
        raise validation_error(f"{name} is {text!r}, which is not a number.") from None


def _gb(text: str, name: str) -> float:
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise validation_error(f"{name} is {text!r}, which is not a size such as 14g.")
    return int(match[1]) * _GB[match[2].lower()]


def _seconds(started: datetime | None, ended: datetime | None) -> float:
    return (ended - started).total_seconds() if started and ended else 0.0


def _sum(parts: list[dict[str, float]]) -> dict[str, float]:
    members = ("vCPUHour", "memoryGBHour", "storageGBHour")
    return {member: round(sum(part[member] for part in parts), 3) for member in members}
