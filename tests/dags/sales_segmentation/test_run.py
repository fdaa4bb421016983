"""The dates and the jobs of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sales_segmentation.run import int_if_whole, jobs, lock_key, run_date

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
LATER = datetime(2024, 3, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("param", "logical_date", "run_after", "expected"),
    [
        ("2023-12-31", NOON, LATER, "2023-12-31"),
        (None, NOON, LATER, "2024-02-29"),
        (None, None, LATER, "2024-03-01"),
        # 23:30 on the day before in UTC
        (None, None, datetime(2026, 2, 1, 0, 30, tzinfo=ZoneInfo("Europe/Berlin")), "2026-01-31"),
    ],
)
def test_run_date(
    param: str | None, logical_date: datetime | None, run_after: datetime, expected: str
) -> None:
    dag_run = SimpleNamespace(logical_date=logical_date, run_after=run_after)
    assert run_date(dag_run, {"run_date": param}) == expected


def test_all_runs_of_a_run_date_have_the_same_lock() -> None:
    def key(param: str | None, logical_date: datetime | None) -> str:
        return lock_key(
            {"dag_run": SimpleNamespace(logical_date=logical_date), "params": {"run_date": param}}
        )

    assert key("2024-02-29", None) == key(None, NOON) == "locks/run_date=2024-02-29.json"
    assert key(None, LATER) != key(None, NOON)


@pytest.mark.parametrize(
    ("score_with", "names"),
    [(None, ["preprocess", "pca", "kmeans"]), ("2024-02-29", ["preprocess", "score"])],
)
def test_the_jobs_of_a_run(score_with: str | None, names: list[str]) -> None:
    assert [job.name for job in jobs({"score_with": score_with})] == names


@pytest.mark.parametrize(
    ("value", "written"),
    [(4.0, "4"), (1e3, "1000"), (4, "4"), (0.9, "0.9"), (True, "True"), (None, "None"), ("4.0", "4.0")],
)
def test_a_whole_number_is_written_without_a_decimal_point(value: Any, written: str) -> None:
    assert str(int_if_whole(value)) == written
