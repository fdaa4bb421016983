"""What has happened to the customers since the latest earlier run, in numbers and in one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.report.formatting import integer, parse_column, percent


@dataclass(frozen=True)
class Migration:
    """The customers of both runs, and those of one run only."""

    earlier: str
    """The earlier run date."""
    rows: Rows
    stayed: int
    """Customers in the segment that matches their earlier one."""
    moved: int
    gained: int
    lost: int

    @property
    def sentence(self) -> str:
        both = self.stayed + self.moved
        parts = []
        if both:
            share = percent(100 * self.stayed / both, 0)
            parts.append(f"{share} of the {integer(both)} customers of both runs stayed in the same segment")
        for count, change in ((self.gained, "new"), (self.lost, "gone")):
            parts.append(f"{integer(count)} {'is' if count == 1 else 'are'} {change}")
        return f"{'; '.join(parts)}."


def migration(data: ReportData) -> Migration | None:
    """Return the migration, or None if there is no earlier run to compare with."""
    rows = data.answers["segment_migration"]
    if not rows:
        return None
    both = [row for row in rows if row["earlier_segment"] and row["segment"]]
    return Migration(
        rows[0]["earlier_run_date"],
        rows,
        stayed=_customers(row for row in both if row["matched"] == "true"),
        moved=_customers(row for row in both if row["matched"] != "true"),
        gained=_customers(row for row in rows if not row["earlier_segment"]),
        lost=_customers(row for row in rows if not row["segment"]),
    )


def _customers(rows: Iterable[dict[str, str]]) -> int:
    return int(sum(parse_column(list(rows), "customers")))
