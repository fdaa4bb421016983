"""Charts of what has changed since the latest earlier run, and of the revenue of the segments over time."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.report.chart import (
    ACCENT,
    FAINT,
    INK,
    MUTED,
    Chart,
    draw_chart,
    draw_legend,
    is_narrow,
)
from sales_segmentation.report.charts.cells import Cell, draw_cells
from sales_segmentation.report.charts.names import (
    feature_name,
    segment_colour,
    segment_heading,
    segment_labels,
    segment_name,
)
from sales_segmentation.report.formatting import (
    CURRENCY,
    day,
    decimal,
    integer,
    parse_column,
    percent,
    tick,
)
from sales_segmentation.report.migration import migration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SOME_PSI, LARGE_PSI = 0.1, 0.25
"""A feature with a lower PSI has not shifted, one with a higher PSI much (Siddiqi, Credit Risk Scorecards, 2006)."""

MOST_FEATURES = 12


def segment_migration(data: ReportData) -> Chart | None:
    found = migration(data)
    if found is None:
        return None
    old, new = (
        _segments(found.rows, column) + ([""] if ends else [])
        for column, ends in (("earlier_segment", found.gained), ("segment", found.lost))
    )
    cells = _migration_cells(found.rows, old, new)
    old_labels = {
        int(row["earlier_segment"]): row["earlier_label"] for row in found.rows if row["earlier_segment"]
    }
    labels = segment_labels(data)

    def draw(axes: Axes) -> None:
        narrow = is_narrow(axes)
        draw_cells(
            axes,
            cells,
            [segment_heading(int(segment), old_labels, narrow) if segment else "new" for segment in old],
            [segment_heading(int(segment), labels, narrow) if segment else "gone" for segment in new],
        )
        axes.set_xlabel("Segment of this run" + ("" if narrow else "; a frame: the most similar profile"))
        axes.set_ylabel(f"Segment on {day(found.earlier)}")

    caption = (
        f"Customers by their segment on {day(found.earlier)} (rows) and in this run (columns), with the share of the "
        f"row. A frame: the two segments have the most similar profiles. {found.sentence}"
    )
    return draw_chart(
        "segment_migration",
        "Where did the customers move?",
        caption,
        draw,
        height=1.5 + 0.55 * len(old),
        width=max(7.4, 2.2 + 1.0 * len(new)),
    )


def _segments(rows: Rows, column: str) -> list[str]:
    return sorted({row[column] for row in rows if row[column]}, key=int)


def _migration_cells(rows: Rows, old: list[str], new: list[str]) -> dict[tuple[int, int], Cell]:
    """Return the customers of each pair of segments, with their share of those of the earlier segment."""
    totals: Counter[str] = Counter()
    for row, customers in zip(rows, parse_column(rows, "customers"), strict=True):
        totals[row["earlier_segment"]] += int(customers)
    cells = {}
    for row, customers in zip(rows, parse_column(rows, "customers"), strict=True):
        earlier, segment = row["earlier_segment"], row["segment"]
        share = customers / (totals[earlier] or 1) if earlier else 0.0
        text = f"{integer(customers)}\n{percent(100 * share, 0)}" if earlier else integer(customers)
        place = old.index(earlier), new.index(segment)
        cells[place] = Cell(text, -min(4, round(4 * share)), row["matched"] == "true")
    return cells


def feature_drift(data: ReportData) -> Chart | None:
    rows = data.answers["feature_drift"]
    if not rows:
        return None
    shown = rows[:MOST_FEATURES]
    values = parse_column(shown, "psi")

    def draw(axes: Axes) -> None:
        colours = [ACCENT if row["drifted"] == "true" else FAINT for row in shown]
        drawn = axes.barh(range(len(shown)), values, color=colours, height=0.7)
        axes.bar_label(drawn, [decimal(value) for value in values], padding=4, color=INK, fontsize=8.5)
        for limit in (SOME_PSI, LARGE_PSI):
            axes.axvline(limit, color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        axes.set_yticks(range(len(shown)), [feature_name(row["feature"]) for row in shown])
        axes.set_ylim(len(shown) - 0.5, -0.6)
        axes.set_xlim(0, 1.15 * max(*values, 1.2 * LARGE_PSI))
        axes.grid(visible=False)
        axes.set_xlabel("Population stability index (PSI)")

    return draw_chart(
        "feature_drift",
        "Do the customers behave as before?",
        _drift_caption(rows),
        draw,
        height=0.9 + 0.26 * len(shown),
    )


def _drift_caption(rows: Rows) -> str:
    drifted = sum(row["drifted"] == "true" for row in rows)
    found = (
        f"{drifted} of {len(rows)} features have a PSI above {LARGE_PSI} that chance does not explain (dark bars): a "
        "large shift. Sums and tenure also shift when the data covers a longer time."
        if drifted
        else f"No feature of {len(rows)} has a PSI above {LARGE_PSI} that chance does not explain."
    )
    return (
        "How far the distribution of each feature has moved since the earlier run; the lines are at a PSI of "
        f"{SOME_PSI} and {LARGE_PSI}. {found}"
        + (f" Only the {MOST_FEATURES} largest are shown." if len(rows) > MOST_FEATURES else "")
    )


def segment_monthly_revenue(data: ReportData) -> Chart | None:
    rows = data.answers["segment_monthly_revenue"]
    if not rows:
        return None
    by_segment: dict[int, list[dict[str, str]]] = {}
    for row in rows:
        by_segment.setdefault(int(row["segment"]), []).append(row)
    labels = segment_labels(data)

    def draw(axes: Axes) -> None:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        for segment, months in by_segment.items():
            when: Any = [date.fromisoformat(row["month"][:10]) for row in months]
            axes.plot(
                when,
                parse_column(months, "revenue"),
                color=segment_colour(segment),
                linewidth=2,
                label=segment_name(segment, labels),
            )
        locator = AutoDateLocator(minticks=3, maxticks=7 if is_narrow(axes) else 8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
        axes.yaxis.set_major_formatter(lambda value, _: tick(value, CURRENCY.get()))
        axes.set_ylim(bottom=0)
        axes.margins(x=0.01)
        axes.grid(visible=False, axis="x")
        axes.set_ylabel("Revenue")
        draw_legend(axes, len(by_segment))

    caption = (
        "Revenue of each month by the segment that the customer has now. A segment of customers without recent orders "
        "falls by definition. The first and the last month may be incomplete."
    )
    return draw_chart(
        "segment_monthly_revenue",
        "Which segments grow?",
        caption,
        draw,
        height=3.2 + 0.2 * ((len(by_segment) + 1) // 2),
    )
