"""What a run stands for: its date, and its jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sales_segmentation.jobs import plan, run_date, validate_params, whole

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
LATER = datetime(2024, 3, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("param", "logical_date", "run_after", "expected"),
    [
        ("2023-12-31", NOON, LATER, "2023-12-31"),
        (None, NOON, LATER, "2024-02-29"),
        (None, None, LATER, "2024-03-01"),
        # 23:30 of the day before in UTC
        (None, None, datetime(2026, 2, 1, 0, 30, tzinfo=ZoneInfo("Europe/Berlin")), "2026-01-31"),
    ],
)
def test_run_date(
    param: str | None, logical_date: datetime | None, run_after: datetime, expected: str
) -> None:
    dag_run = SimpleNamespace(logical_date=logical_date, run_after=run_after)
    assert run_date(dag_run, {"run_date": param}) == expected


@pytest.mark.parametrize(
    ("score_with", "names"),
    [(None, ["preprocess", "pca", "kmeans"]), ("2024-02-29", ["preprocess", "score"])],
)
def test_a_run_fits_unless_it_scores_with_another_runs_model(
    score_with: str | None, names: list[str]
) -> None:
    assert [job.name for job in plan({"score_with": score_with})] == names


FORM = {"score_with": None, "k_min": 2, "k_max": 2}


def test_a_range_of_k_without_any_is_refused_by_the_names_of_the_form() -> None:
    assert validate_params(FORM, FORM) == ""
    assert validate_params({**FORM, "k_min": 5, "k_max": 4}, FORM) == (
        "Fewest segments (k_min) is 5, which is more than Most segments (k_max), 4: swap them"
    )


def test_what_does_not_count_is_not_refused() -> None:
    """Scoring fits nothing, so the range of k is not read."""
    assert validate_params({"score_with": "2024-02-29", "k_min": 5, "k_max": 4}, FORM) == ""


def test_a_name_that_the_form_does_not_have_is_refused() -> None:
    """Airflow's API takes any name, and a run with a misspelt one would cost money for nothing."""
    assert validate_params({**FORM, "kmax": 4}, FORM) == (
        "there is no param kmax; there are score_with, k_min, k_max"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(value: float) -> None:
    """The form lets NaN pass, and the job would refuse it on a paid cluster."""
    assert validate_params({**FORM, "k_max": value}, FORM) == f"k_max is {value}: give a number"


@pytest.mark.parametrize(
    ("value", "written"),
    [(4.0, "4"), (1e3, "1000"), (4, "4"), (0.9, "0.9"), (True, "True"), (None, "None"), ("4.0", "4.0")],
)
def test_a_whole_number_is_written_without_a_point(value: Any, written: str) -> None:
    assert str(whole(value)) == written
