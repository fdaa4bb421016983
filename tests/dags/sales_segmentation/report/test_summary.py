"""Each sentence follows from the numbers by one rule, and is left out without them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.summary import summary

Build = Callable[..., ReportData]


def test_the_summary_says_what_the_numbers_say(data: Build) -> None:
    assert summary(data()) == [
        "400 customers placed 3,000 orders between 1 January 2024 and 31 December 2025, worth €1.25 million.",
        "They form 2 segments. The one that brings most, segment 0 (large B2B orders), has 25% of the customers and "
        "brings 80% of the revenue.",
        "With a silhouette of 0.41, the segments overlap at their edges; trust the core of each more than its borders.",
        "The strongest region is Bremen with 60% of the revenue, the strongest category Water with 72%.",
        "The twelve months to December 2025 brought €621 thousand, 2.4% more than the twelve before.",
        "100 of 10,000 lines (1.0%) were set aside as faulty, 75% of them for “quantity below one”.",
    ]


@pytest.mark.parametrize(
    ("silhouette", "verdict"),
    [
        ("0.71", "clearly apart"),
        ("0.51", "reasonably well apart"),
        ("0.26", "edges"),
        ("0.25", "rough guide"),
    ],
)
def test_the_verdict_on_the_separation_follows_the_silhouette(
    data: Build, silhouette: str, verdict: str
) -> None:
    chosen = [data().answers["chosen_k"][0] | {"silhouette": silhouette}]
    assert any(verdict in sentence for sentence in summary(data(chosen_k=chosen)))


def test_no_sentence_compares_years_that_are_not_there(data: Build) -> None:
    months = data().answers["monthly_revenue"][:23]
    assert not any("twelve" in sentence for sentence in summary(data(monthly_revenue=months)))


def test_a_month_that_is_not_over_is_not_compared(data: Build) -> None:
    totals = [data().answers["totals"][0] | {"last_day": "2025-12-30"}]
    months = [
        {"month": "2023-12-01", "revenue": "49900.0", "orders": "1"},
        *data().answers["monthly_revenue"],
    ]
    said = summary(data(totals=totals, monthly_revenue=months))
    assert any("The twelve months to November 2025 brought €620 thousand" in sentence for sentence in said)


def test_years_in_which_a_month_has_no_sales_are_not_compared(data: Build) -> None:
    months = [row for row in data().answers["monthly_revenue"] if row["month"] != "2025-03-01"]
    before = {"month": "2023-12-01", "revenue": "49900.0", "orders": "1"}
    assert not any("twelve" in sentence for sentence in summary(data(monthly_revenue=[before, *months])))


def test_what_no_answer_tells_is_left_out(data: Build) -> None:
    nothing = {question: [] for question in data().answers if question != "totals"}
    assert summary(data(**nothing)) == [
        "400 customers placed 3,000 orders between 1 January 2024 and 31 December 2025, worth €1.25 million.",
        "All 9,900 lines read were valid.",
    ]
