"""The run date: the form, else the logical date, else the day of the trigger."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from sales_segmentation.jobs import run_date

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
LATER = datetime(2024, 3, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("param", "logical_date", "run_after", "expected"),
    [
        ("2023-12-31", NOON, LATER, "2023-12-31"),
        (None, NOON, LATER, "2024-02-29"),
        (None, None, LATER, "2024-03-01"),
    ],
)
def test_run_date(
    param: str | None, logical_date: datetime | None, run_after: datetime, expected: str
) -> None:
    dag_run = SimpleNamespace(logical_date=logical_date, run_after=run_after)
    assert run_date(dag_run, {"run_date": param}) == expected
