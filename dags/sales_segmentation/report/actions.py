"""The customers to act on, with the reason of each, as a table and as a CSV file."""

from __future__ import annotations

import csv
import io

from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.report.formatting import decimal, integer, parse_number

CSV_FILE = "customers_to_act_on.csv"
SHOWN = 10
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs text that starts with one of these as a formula: https://owasp.org/www-community/attacks/CSV_Injection"""


def actions(data: ReportData) -> Rows:
    """Return the customers, those with the highest spend first, with the reason in words as the last column."""
    return [
        {name: value for name, value in row.items() if name != "mean_days_between_orders"}
        | {"why": _reason(row)}
        for row in data.answers["customers_to_act_on"]
    ]


def actions_csv(data: ReportData) -> bytes:
    """Return the customers as CSV with the byte-order mark by which spreadsheets recognise UTF-8."""
    rows, text = actions(data), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(f"'{value}" if value.startswith(FORMULA) else value for value in row.values())
    return text.getvalue().encode("utf-8-sig")


def _reason(row: dict[str, str]) -> str:
    since = integer(parse_number(row["days_since_last_order"]))
    usual = decimal(parse_number(row["mean_days_between_orders"]), 0)
    often = integer(parse_number(row["total_orders"]))
    return f"ordered {often} times, every {usual} days on average, but not in the last {since} days"
