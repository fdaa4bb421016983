"""Each sentence of the summary follows from numbers, and is left out if they are missing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.actions import actions_csv
from sales_segmentation.report.methods import methods
from sales_segmentation.report.news import news
from sales_segmentation.report.overview import overview
from sales_segmentation.report.separation import separation
from sales_segmentation.report.summary import key_figures, summary
from tests.dags.sales_segmentation.report.conftest import METRICS

Build = Callable[..., ReportData]


def test_the_sentences_of_the_summary(data: Build) -> None:
    assert summary(data()) == [
        "400 customers placed 3,000 orders between 1 January 2024 and 31 December 2025, worth €1.25 million.",
        "They are divided into 2 segments. The segment with the most revenue is segment 0 (large B2B orders): 25% of "
        "the customers and 80% of the revenue.",
        "The mean silhouette is 0.41; 3.0% of the customers are nearer to another segment: the edges are blurred.",
        "60 customers are in the RFM groups At Risk and Cannot Lose Them: they ordered often, but less lately than "
        "most. They have 36% of the revenue.",
        "The strongest region is Bremen with 60% of the revenue, and the strongest category is Water with 72%.",
        "Revenue in the twelve months to December 2025 was €621 thousand, 2.4% more than in the twelve months before.",
        "100 of 10,000 lines (1.0%) were rejected, 75% of them with the reason “quantity below one”.",
    ]


def test_the_findings_of_the_job_follow_the_segments(data: Build) -> None:
    metrics = {"kmeans": {"findings": ["The customers hardly form groups."]}}

    assert summary(data(metrics=metrics))[2] == "The customers hardly form groups."


def test_findings_of_another_fit_are_left_out(data: Build) -> None:
    metrics = {"kmeans": {"findings": ["The customers hardly form groups."]}}
    facts = data().facts | {"plan": ["preprocess", "score"]}

    assert "The customers hardly form groups." not in summary(data(metrics=metrics, facts=facts))


@pytest.mark.parametrize(
    ("nearer", "verdict"),
    [("1", "almost no customer"), ("9", "2.8% of the customers"), ("40", "12.5% of the customers"), ("", "")],
)
def test_the_words_about_the_separation_follow_from_the_silhouettes(
    data: Build, nearer: str, verdict: str
) -> None:
    rows = [
        {"segment": "0", "customers": "100", "silhouette": "0.5", "nearer_to_another": "0"},
        {"segment": "1", "customers": "220", "silhouette": "0.3", "nearer_to_another": nearer},
    ]
    found = separation(data(segment_silhouette=rows if nearer else rows[:1]))
    assert verdict in found
    assert found.startswith("The mean silhouette is 0.36; ") == bool(nearer)
    assert ("blurred" in found, "overlap" in found) == (nearer == "9", nearer == "40")


def test_what_is_new_since_the_earlier_run(data: Build) -> None:
    assert news(data()) == [
        "Compared with 31 December 2025: 98% of the 376 customers of both runs stayed in the same segment; 24 are new; "
        "9 are gone.",
        "The revenue in the data is €1.25 million, 8.9% more than in the earlier run.",
        "The largest move: 6 customers from the earlier segment 0 (small B2C orders) to segment 0 (large B2B orders).",
        "Warning: 1 of 3 features have shifted much (PSI above 0.25): total spend (0.31).",
    ]
    assert key_figures(overview(data())).endswith(", 1.0% rejected, 1 feature with drift")
    unmatched = [row | {"matched": "false"} for row in data().answers["segment_migration"]]
    assert news(data(segment_migration=unmatched))[2] == (
        "Segments 0, 1 are new: they have no customer of an earlier segment with a similar profile."
    )


def test_a_first_run_has_nothing_to_compare_with(data: Build) -> None:
    first = data(segment_migration=[], feature_drift=[])
    assert news(first) == ["No earlier run has segments, so nothing can be compared yet."]
    assert "drift" not in key_figures(overview(first))


def test_the_methods_follow_from_the_parameters(data: Build) -> None:
    found = dict(methods(data()))
    assert found["Cleaning"][1:] == [
        "Rules that lines of this input broke: quantity below one, missing key.",
        "The run fails if more than 5.0% of the lines are rejected.",
    ]
    assert found["Features"][0] == "2 features of each customer: average discount, recency days."
    assert "best of 5 starts" in found["Segments"][1]
    assert not any("refined" in sentence for sentence in found["Segments"])
    kmeans = METRICS["kmeans"] | {"refinement": {"passes": 4, "moved": 0.042}}
    refined = dict(methods(data(metrics={"kmeans": kmeans})))["Segments"]
    assert "4.2% of the customers changed the segment" in refined[-1]
    pca = {"parameters": {"feature-set": "notebook"}, "features": ["total_orders"], "notes": []}
    assert dict(methods(data(metrics={"pca": pca})))["Features"][1] == (
        "Each feature is scaled from its minimum and maximum to 0 and 1."
    )
    few = [data().answers["segment_profile"][0] | {"customers": "29"}]
    assert (
        "Fewer than 30 customers are in segment 0" in dict(methods(data(segment_profile=few)))["Limits"][-1]
    )
    assert "Change over time" not in dict(methods(data(segment_migration=[])))


def test_the_methods_say_what_a_mapping_leaves_out(data: Build) -> None:
    mapping = {"without": ["Region"], "returns": "set_aside", "separator": ";"}
    preprocess = METRICS["preprocess"] | {"parameters": {"mapping": mapping}}
    assert dict(methods(data(metrics={"preprocess": preprocess})))["Cleaning"][:2] == [
        "The files have no Region: region_count is 0, and the report has no revenue by region.",
        "Returns are kept in rejected_sales and are not used; they do not count as rejected lines.",
    ]


def test_returns_that_are_set_aside_are_no_rejected_lines(data: Build) -> None:
    returns = [{"reason": "returned", "order_lines": "100"}]
    both = data(rejected_lines=[*returns, {"reason": "missing_key", "order_lines": "50"}])

    assert summary(data(rejected_lines=returns))[-1] == (
        "All 9,900 other lines of the input are valid. 100 returns are set aside."
    )
    assert summary(both)[-1] == (
        "50 of 10,050 lines (0.5%) were rejected, 100% of them with the reason “missing key”. "
        "100 returns are set aside."
    )
    assert key_figures(overview(data(rejected_lines=returns))).split(", ")[3] == "0.0% rejected"


def test_a_customer_to_act_on_has_a_reason_and_no_formula_in_the_csv(data: Build) -> None:
    rows = [row | {"customer_id": "=1+2"} for row in data().answers["customers_to_act_on"]]
    lines = list(csv.DictReader(io.StringIO(actions_csv(data(customers_to_act_on=rows)).decode("utf-8-sig"))))
    assert lines[0]["customer_id"] == "'=1+2"
    assert lines[0]["why"] == "ordered 40 times, every 12 days on average, but not in the last 95 days"
    assert lines[0]["total_spend"] == "60000.5"


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
