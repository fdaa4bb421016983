"""The chart of the RFM grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.report.chart import (
    INK,
    PAPER,
    Chart,
    cell_colours,
    draw_chart,
    is_narrow,
)
from sales_segmentation.report.formatting import integer, parse_column, percent, short_money

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCORES = range(1, 6)
SHARE_STEP = 6.0
"""Percent of the revenue between two neighbouring colours of the grid."""


def rfm_grid(data: ReportData) -> Chart | None:
    rows = data.answers["rfm_grid"]
    if not rows:
        return None
    groups: dict[str, Rows] = {}
    for row in rows:
        groups.setdefault(row["rfm_group"], []).append(row)

    def draw(axes: Axes) -> None:
        for name, cells in groups.items():
            _draw_group(axes, name, cells)
        axes.set_xlim(0.5, 5.5)
        axes.set_ylim(0.5, 5.5)
        few, many = ("few", "many") if is_narrow(axes) else ("fewest orders", "most orders")
        axes.set_xticks(SCORES, [f"1\n{few}", "2", "3", "4", f"5\n{many}"])
        axes.set_yticks(SCORES, ["1\nlong ago", "2", "3", "4", "5\nlately"])
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)
        axes.set_xlabel("Frequency score: number of orders")
        axes.set_ylabel("Recency score: last order")

    risk = [row for row in rows if row["at_risk"] == "true"]
    at_risk = (
        f"At risk (framed): {integer(sum(parse_column(risk, 'customers')))} customers who ordered often, but less "
        f"lately than most. Their past spend of {short_money(sum(parse_column(risk, 'revenue')))} is "
        f"{percent(sum(parse_column(risk, 'revenue_percent')))} of the revenue."
        if risk
        else "No customer who ordered often has a low recency score."
    )
    caption = (
        "Each group with its customers and its share of the revenue; darker is more revenue. A score is a quintile "
        f"of the customers, 5 for the latest last order or the most orders. {at_risk}"
    )
    return draw_chart("rfm_grid", "Who is loyal, who is new, and who may leave?", caption, draw, height=4.2)


def _draw_group(axes: Axes, name: str, cells: Rows) -> None:
    """Draw the rectangle around the cells of a group, with its name and numbers."""
    from matplotlib.patches import Rectangle

    recency, frequency = (
        [int(cell[score]) for cell in cells] for score in ("recency_score", "frequency_score")
    )
    share = sum(parse_column(cells, "revenue_percent"))
    step = min(4, round(share / SHARE_STEP))
    colour, ink = cell_colours(-step)
    left, bottom = min(frequency) - 0.47, min(recency) - 0.46
    width, height = max(frequency) - min(frequency) + 0.94, max(recency) - min(recency) + 0.92
    edge = INK if cells[0]["at_risk"] == "true" else PAPER
    axes.add_patch(Rectangle((left, bottom), width, height, facecolor=colour, edgecolor=edge, linewidth=1.8))
    words = name.replace(" ", "\n", 1) if width < 1 else name
    numbers = f"{integer(sum(parse_column(cells, 'customers')))} · {percent(share, 0)}"
    axes.text(
        left + width / 2,
        bottom + height / 2,
        f"{words}\n{numbers}",
        ha="center",
        va="center",
        color=ink,
        fontsize=6.8 if is_narrow(axes) else 8.5,
        linespacing=1.25,
    )
