"""How ``pytest -n auto`` distributes the tests: whole files, the longest first, and the tests of Spark in two parts.

Each worker with tests of Spark starts Java, loads Spark's classes and compiles them, which costs as much as many tests.
"""

from __future__ import annotations

import os

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

SPARK = {
    "tests/spark/segmentation/": "segmentation",
    "tests/spark/": "jobs",
    "tests/contracts/test_input.py": "jobs",
    "tests/contracts/test_your_own_file.py": "jobs",
}
"""The folders and files whose tests use the Spark session, and the part of these tests that each belongs to."""

LONGEST = (*SPARK, "tests/e2e/", "tests/localaws/test_wheel.py", "tests/plugins/test_wheel.py")
"""The folders and files that start first, in this order."""


class Scheduling(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        parts = (part for start, part in SPARK.items() if nodeid.startswith(start))
        return next(parts, super()._split_scope(nodeid))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: [not item.nodeid.startswith(start) for start in LONGEST])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than cores, because many tests wait for processes or for a time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)
