"""The main numbers of a run, which the tiles of the page, the summary and the key figures share."""

from __future__ import annotations

from dataclasses import dataclass

from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.report.formatting import parse_column, parse_number

RETURNED = "returned"
"""The reason of a return that the mapping sets aside."""


@dataclass(frozen=True)
class Overview:
    """The main numbers of a run; None where an answer lacks the value."""

    valid: int
    rejected: int
    customers: int
    orders: int
    revenue: float
    first_day: str
    last_day: str
    segments: int
    silhouette: float | None
    """The silhouette of the chosen k. None for a scoring run: it was measured on the customers of the fit."""
    k_tried: tuple[int, ...]
    retained: int
    """The number of principal components that were kept."""
    variance_kept: float | None
    """The share of the variance that they explain, in percent."""
    fitted: bool
    """False for a scoring run, which uses the models of an earlier run."""
    drifted: int
    """The number of features that have shifted much since the earlier run."""
    returned: int
    """The number of returns that are set aside. They are in rejected_sales, but do not count as rejected lines."""

    @property
    def lines(self) -> int:
        return self.valid + self.rejected + self.returned

    @property
    def rejected_percent(self) -> float:
        return 100 * self.rejected / self.lines if self.lines else 0.0


def overview(data: ReportData) -> Overview:
    """Return the main numbers of a run."""
    answers, facts = data.answers, data.facts
    totals = answers["totals"][0] if answers["totals"] else {}
    chosen = [row for row in answers["chosen_k"] if row["chosen"] == "true"]
    retained = [row for row in answers["explained_variance"] if row["retained"] == "true"]
    reasons = {row["reason"]: int(row["order_lines"]) for row in answers["rejected_lines"]}
    returned = reasons.pop(RETURNED, 0)
    fitted = "score" not in facts["plan"]

    def total(column: str) -> float:
        return parse_number(totals.get(column, "")) or 0.0

    return Overview(
        valid=int(total("order_lines")),
        rejected=sum(reasons.values()),
        customers=int(total("customers")),
        orders=int(total("orders")),
        revenue=total("revenue"),
        first_day=totals.get("first_day", ""),
        last_day=totals.get("last_day", ""),
        segments=len(answers["segment_profile"]),
        silhouette=parse_number(chosen[0]["silhouette"]) if chosen and fitted else None,
        k_tried=tuple(int(row["k"]) for row in answers["chosen_k"]),
        retained=len(retained),
        variance_kept=parse_number(retained[-1]["cumulative_percent"]) if retained else None,
        fitted=fitted,
        drifted=sum(row["drifted"] == "true" for row in answers["feature_drift"]),
        returned=returned,
    )


def top_row(rows: Rows, column: str) -> tuple[dict[str, str], float]:
    """Return the row with the largest value of a column, and its share of the sum in percent.

    ``rows`` must not be empty.
    """
    values = parse_column(rows, column)
    best = max(range(len(rows)), key=values.__getitem__)
    return rows[best], 100 * values[best] / (sum(values) or 1.0)
