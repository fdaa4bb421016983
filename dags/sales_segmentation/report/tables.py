"""The answers as tables: what each column is called, and how its values are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emr_pipeline.report_data import Rows
from sales_segmentation.report.numbers import UNKNOWN, decimal, money, month, number, percent, whole, words


@dataclass(frozen=True)
class Column:
    """A heading, and how the text of Athena's answer is shown below it."""

    heading: str
    show: Callable[[str], str]
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """``rows`` hold the shown text by the name of the column."""

    columns: dict[str, Column]
    rows: Rows


def _text(value: str) -> str:
    return value or UNKNOWN


def _whole(value: str) -> str:
    return whole(number(value))


def _money(value: str) -> str:
    return money(number(value))


def _percent(value: str) -> str:
    return percent(number(value))


def _decimal(value: str) -> str:
    return decimal(number(value))


COLUMNS = {
    "average_discount_percent": Column("Average discount", _percent),
    "calinski_harabasz": Column("Calinski-Harabasz", _whole),
    "category": Column("Category", _text, numeric=False),
    "chosen": Column("Chosen", lambda value: "yes" if value == "true" else "", numeric=False),
    "component": Column("Component", _whole),
    "cumulative_percent": Column("Cumulative", _percent),
    "customer_id": Column("Customer", _text, numeric=False),
    "customer_type": Column("Type", _text, numeric=False),
    "customers": Column("Customers", _whole),
    "customers_percent": Column("Share of customers", _percent),
    "days_since_last_order": Column("Days since last order", _whole),
    "k": Column("Segments (k)", _whole),
    "label": Column("Label", _text, numeric=False),
    "mean_discount_percent": Column("Mean discount", _percent),
    "mean_orders": Column("Mean orders", lambda value: decimal(number(value), 1)),
    "mean_spend": Column("Mean spend", _money),
    "month": Column("Month", month, numeric=False),
    "order_lines": Column("Order lines", _whole),
    "orders": Column("Orders", _whole),
    "orders_per_month": Column("Orders per month", _decimal),
    "product_diversity": Column("Diversity, 0 to 1", _decimal),
    "reason": Column("Reason", words, numeric=False),
    "region": Column("Region", _text, numeric=False),
    "retained": Column("Kept", lambda value: "yes" if value == "true" else "", numeric=False),
    "revenue": Column("Revenue", _money),
    "revenue_percent": Column("Share of revenue", _percent),
    "segment": Column("Segment", _text, numeric=False),
    "silhouette": Column("Silhouette", _decimal),
    "stability": Column("Stability", _decimal),
    "total_orders": Column("Orders", _whole),
    "total_spend": Column("Spend", _money),
    "unique_categories": Column("Categories", _whole),
    "unique_products": Column("Products", _whole),
    "units": Column("Units", _whole),
    "variance_percent": Column("Explained", _percent),
    "wssse": Column("Within-segment squares", _whole),
}
"""By the name in the SQL; a test holds that there is one for each column that is shown."""


def table(rows: Rows) -> Table:
    """Return the table of an answer."""
    names = list(rows[0]) if rows else []
    shown = [{name: COLUMNS[name].show(row[name]) for name in names} for row in rows]
    return Table({name: COLUMNS[name] for name in names}, shown)
