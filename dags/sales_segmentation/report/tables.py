"""The answers as tables: the heading of each column and the format of its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emr_pipeline.report_data import Rows
from sales_segmentation.report.formatting import (
    UNKNOWN,
    decimal,
    integer,
    money,
    month,
    parse_number,
    percent,
    plain_words,
)


@dataclass(frozen=True)
class ColumnFormat:
    """The heading of a column, and the function that formats the text of its values."""

    heading: str
    format: Callable[[str], str]
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """The formats of the columns by name, and the rows with formatted values."""

    columns: dict[str, ColumnFormat]
    rows: Rows


def _text(value: str) -> str:
    return value or UNKNOWN


def _integer(value: str) -> str:
    return integer(parse_number(value))


def _money(value: str) -> str:
    return money(parse_number(value))


def _percent(value: str) -> str:
    return percent(parse_number(value))


def _decimal(value: str) -> str:
    return decimal(parse_number(value))


COLUMN_FORMATS = {
    "average_discount_percent": ColumnFormat("Average discount", _percent),
    "b2b_percent": ColumnFormat("B2B", _percent),
    "calinski_harabasz": ColumnFormat("Calinski-Harabasz", _integer),
    "category": ColumnFormat("Category", _text, numeric=False),
    "chosen": ColumnFormat("Chosen", lambda value: "yes" if value == "true" else "", numeric=False),
    "component": ColumnFormat("Component", _integer),
    "conditions": ColumnFormat("Conditions", _text, numeric=False),
    "coverage_percent": ColumnFormat("Of the segment", _percent),
    "cumulative_percent": ColumnFormat("Cumulative", _percent),
    "customer_id": ColumnFormat("Customer", _text, numeric=False),
    "customer_type": ColumnFormat("Type", _text, numeric=False),
    "customers": ColumnFormat("Customers", _integer),
    "customers_percent": ColumnFormat("Share of customers", _percent),
    "days_since_last_order": ColumnFormat("Days since last order", _integer),
    "gap": ColumnFormat("Gap", _decimal),
    "given_column": ColumnFormat("Nearest column", plain_words, numeric=False),
    "k": ColumnFormat("Segments (k)", _integer),
    "label": ColumnFormat("Label", _text, numeric=False),
    "mean_discount_percent": ColumnFormat("Mean discount", _percent),
    "mean_orders": ColumnFormat("Mean orders", lambda value: decimal(parse_number(value), 1)),
    "mean_spend": ColumnFormat("Mean spend", _money),
    "month": ColumnFormat("Month", month, numeric=False),
    "mutual_information": ColumnFormat("Mutual information", _decimal),
    "order_lines": ColumnFormat("Order lines", _integer),
    "orders": ColumnFormat("Orders", _integer),
    "orders_per_month": ColumnFormat("Orders per month", _decimal),
    "precision_percent": ColumnFormat("In the segment", _percent),
    "product_diversity": ColumnFormat("Product diversity, 0 to 1", _decimal),
    "reason": ColumnFormat("Reason", plain_words, numeric=False),
    "region": ColumnFormat("Region", _text, numeric=False),
    "retained": ColumnFormat("Kept", lambda value: "yes" if value == "true" else "", numeric=False),
    "revenue": ColumnFormat("Revenue", _money),
    "revenue_percent": ColumnFormat("Share of revenue", _percent),
    "rfm_group": ColumnFormat("RFM group", _text, numeric=False),
    "rule": ColumnFormat("Rule", _integer),
    "segment": ColumnFormat("Segment", _text, numeric=False),
    "silhouette": ColumnFormat("Silhouette", _decimal),
    "smallest_percent": ColumnFormat("Smallest segment", _percent),
    "stability": ColumnFormat("Stability", _decimal),
    "total_orders": ColumnFormat("Orders", _integer),
    "total_spend": ColumnFormat("Spend", _money),
    "unique_categories": ColumnFormat("Categories", _integer),
    "unique_products": ColumnFormat("Products", _integer),
    "units": ColumnFormat("Units", _integer),
    "variance_percent": ColumnFormat("Explained variance", _percent),
    "why": ColumnFormat("Reason", _text, numeric=False),
    "wssse": ColumnFormat("WSSSE", _integer),
}
"""The format of each column by its name in the SQL; rendering a column without one raises KeyError."""


def table(rows: Rows) -> Table:
    """Return the answer to a question as a table."""
    names = list(rows[0]) if rows else []
    shown = [{name: COLUMN_FORMATS[name].format(row[name]) for name in names} for row in rows]
    return Table({name: COLUMN_FORMATS[name] for name in names}, shown)
