"""How ``pytest -n auto`` distributes the tests: whole files, the longest first, and all tests of Spark to one worker.

Each worker with tests of Spark starts Java, loads Spark's classes and compiles them, which costs as much as many tests.
"""

from __future__ import annotations

import os

import pytest
from xdist.scheduler import LoadFileScheduling

SPARK = ("tests/spark/", "tests/contracts/test_input.py", "tests/contracts/test_your_own_file.py")
"""The folder and the files whose tests use the Spark session."""

LONGEST = (*SPARK, "tests/e2e/", "tests/localaws/test_wheel.py", "tests/plugins/test_wheel.py")


class Scheduling(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return SPARK[0] if nodeid.startswith(SPARK) else super()._split_scope(nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than cores, because many tests wait for processes or for a time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config) -> Scheduling:
    return Scheduling(config)
