"""The summary and the main answers as Markdown, for a terminal, a mail or a chat."""

from __future__ import annotations

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.formatting import day
from sales_segmentation.report.summary import summary
from sales_segmentation.report.tables import Table, table

SHOWN = (
    "segment_profile",
    "chosen_k",
    "revenue_by_region",
    "revenue_by_category",
    "customer_types",
    "top_customers_by_spend",
    "rejected_lines",
)
"""The questions whose answers are shown: those with short answers."""


def markdown(data: ReportData) -> str:
    """Return the short version of the report."""
    parts = [f"# Customer segmentation, {day(data.facts['run_date'])}"]
    parts.append("\n".join(f"- {_plain(sentence)}" for sentence in summary(data)))
    for question in SHOWN:
        title = question.replace("_", " ").capitalize()
        parts.append(f"## {title}\n\n{_table(table(data.answers[question]))}")
    return "\n\n".join(parts) + "\n"


def _table(answer: Table) -> str:
    if not answer.rows:
        return "No rows."
    columns = answer.columns.values()
    lines = [
        [column.heading for column in columns],
        ["---:" if column.numeric else "---" for column in columns],
        *([_plain(value) for value in row.values()] for row in answer.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Return text of the data in one line, escaped so that it is not read as Markdown or HTML."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]<>|#&" else letter for letter in text)
    return " ".join(escaped.split())
