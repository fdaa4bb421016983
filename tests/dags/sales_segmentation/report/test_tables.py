"""The headings and formats of the answers in tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emr_pipeline.report_data import ReportData
from sales_segmentation.report import formatting
from sales_segmentation.report.markdown import markdown
from sales_segmentation.report.tables import table

Build = Callable[..., ReportData]


def test_a_column_has_a_heading_and_a_format(data: Build) -> None:
    shown = table(data().answers["top_customers_by_spend"])
    assert [column.heading for column in shown.columns.values()] == [
        "Customer", "Type", "Region", "Spend", "Orders", "Segment",
    ]  # fmt: skip
    assert shown.rows[0]["total_spend"] == "€90,000"


def test_null_and_nan_are_shown_as_unknown(data: Build) -> None:
    assert table(data().answers["chosen_k"]).rows[1]["calinski_harabasz"] == "–"
    assert formatting.parse_number("NaN") is None


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (formatting.integer(1_048_575), "1,048,575"),
        (formatting.percent(12.34), "12.3%"),
        (formatting.percent(0.0003), "<0.1%"),
        (formatting.percent(0.0), "0.0%"),
        (formatting.short_money(7_695_818), "€7.70 million"),
        (formatting.short_money(950.4), "€950"),
        (formatting.tick(50_000), "50 thousand"),
        (formatting.duration(171.2), "2 min 51 s"),
        (formatting.duration(3900), "1 h 05 min"),
        (formatting.size(4_934_148), "4.9 MB"),
        (formatting.day("2026-01-31"), "31 January 2026"),
    ],
)
def test_numbers_are_formatted_for_readers(shown: str, text: str) -> None:
    assert shown == text


def test_text_of_the_data_is_escaped_in_a_markdown_table(data: Build) -> None:
    text = markdown(data(rejected_lines=[{"reason": "a|b\nc\\ <b>", "order_lines": "1200"}]))
    assert "| a\\|b c\\\\ \\<b\\> | 1,200 |" in text
