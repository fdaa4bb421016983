"""Each sentence of the summary follows from numbers, and is left out if they are missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.summary import summary

Build = Callable[..., ReportData]


def test_the_sentences_of_the_summary(data: Build) -> None:
    assert summary(data()) == [
        "400 customers placed 3,000 orders between 1 January 2024 and 31 December 2025, worth €1.25 million.",
        "They form 2 segments. The segment with the most revenue is segment 0 (large B2B orders): 25% of the customers "
        "and 80% of the revenue.",
        "With a silhouette of 0.41, the segments overlap at their edges: customers near an edge could belong to either "
        "segment.",
        "The strongest region is Bremen with 60% of the revenue, and the strongest category is Water with 72%.",
        "Revenue in the twelve months to December 2025 was €621 thousand, 2.4% more than in the twelve months before.",
        "100 of 10,000 lines (1.0%) were rejected, 75% of them with the reason “quantity below one”.",
    ]


@pytest.mark.parametrize(
    ("silhouette", "verdict"),
    [
        ("0.71", "clearly separated"),
        ("0.51", "reasonably well separated"),
        ("0.26", "edges"),
        ("0.25", "rough guide"),
    ],
)
def test_the_rating_of_the_separation_depends_on_the_silhouette(
    data: Build, silhouette: str, verdict: str
) -> None:
    chosen = [data().answers["chosen_k"][0] | {"silhouette": silhouette}]
    assert any(verdict in sentence for sentence in summary(data(chosen_k=chosen)))


def test_fewer_than_24_months_are_not_compared(data: Build) -> None:
    months = data().answers["monthly_revenue"][:23]
    assert not any("twelve" in sentence for sentence in summary(data(monthly_revenue=months)))


def test_an_incomplete_month_is_not_compared(data: Build) -> None:
    totals = [data().answers["totals"][0] | {"last_day": "2025-12-30"}]
    months = [
        {"month": "2023-12-01", "revenue": "49900.0", "orders": "1"},
        *data().answers["monthly_revenue"],
    ]
    sentences = summary(data(totals=totals, monthly_revenue=months))
    assert any("the twelve months to November 2025 was €620 thousand" in sentence for sentence in sentences)


def test_years_with_a_month_without_sales_are_not_compared(data: Build) -> None:
    months = [row for row in data().answers["monthly_revenue"] if row["month"] != "2025-03-01"]
    before = {"month": "2023-12-01", "revenue": "49900.0", "orders": "1"}
    assert not any("twelve" in sentence for sentence in summary(data(monthly_revenue=[before, *months])))


def test_sentences_without_data_are_left_out(data: Build) -> None:
    nothing = {question: [] for question in data().answers if question != "totals"}
    assert summary(data(**nothing)) == [
        "400 customers placed 3,000 orders between 1 January 2024 and 31 December 2025, worth €1.25 million.",
        "All 9,900 lines of the input are valid.",
    ]
