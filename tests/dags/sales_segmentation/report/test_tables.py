"""Answers are shown as a reader writes them: headings in words, numbers with separators."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emr_pipeline.report_data import ReportData
from sales_segmentation.report import numbers
from sales_segmentation.report.markdown import markdown
from sales_segmentation.report.tables import table

Build = Callable[..., ReportData]


def test_a_column_has_a_heading_and_its_own_way_of_writing(data: Build) -> None:
    shown = table(data().answers["top_customers_by_spend"])
    assert [column.heading for column in shown.columns.values()] == [
        "Customer", "Type", "Region", "Spend", "Orders", "Segment",
    ]  # fmt: skip
    assert shown.rows[0]["total_spend"] == "€90,000"


def test_null_and_nan_are_unknown(data: Build) -> None:
    assert table(data().answers["chosen_k"]).rows[1]["calinski_harabasz"] == "–"
    assert numbers.number("NaN") is None


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (numbers.whole(1_048_575), "1,048,575"),
        (numbers.percent(12.34), "12.3%"),
        (numbers.percent(0.0003), "<0.1%"),
        (numbers.percent(0.0), "0.0%"),
        (numbers.short_money(7_695_818), "€7.70 million"),
        (numbers.short_money(950.4), "€950"),
        (numbers.tick(50_000), "50 thousand"),
        (numbers.duration(171.2), "2 min 51 s"),
        (numbers.duration(3900), "1 h 05 min"),
        (numbers.size(4_934_148), "4.9 MB"),
        (numbers.day("2026-01-31"), "31 January 2026"),
    ],
)
def test_numbers_are_written_for_a_reader(shown: str, text: str) -> None:
    assert shown == text


def test_text_of_the_data_stays_in_its_cell_of_a_markdown_table(data: Build) -> None:
    text = markdown(data(rejected_lines=[{"reason": "a|b\nc\\ <b>", "order_lines": "1200"}]))
    assert "| a\\|b c\\\\ \\<b\\> | 1,200 |" in text
