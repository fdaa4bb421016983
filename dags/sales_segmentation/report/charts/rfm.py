"""The chart of the RFM grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.chart import (
    DIVERGING,
    INK,
    ON_EXTREME,
    ON_PALE,
    ON_STRONG,
    PAPER,
    Chart,
    draw_chart,
)
from sales_segmentation.report.formatting import integer, parse_column, percent, short_money

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCORES = range(1, 6)
SHARE_STEP = 4.0
"""Percent of the revenue between two neighbouring colours of the grid."""


def rfm_grid(data: ReportData) -> Chart | None:
    rows = data.answers["rfm_grid"]
    if not rows:
        return None
    cells = {(int(row["recency_score"]), int(row["frequency_score"])): row for row in rows}

    def draw(axes: Axes) -> None:
        from matplotlib.patches import Rectangle

        for (recency, frequency), row in cells.items():
            share = parse_column([row], "revenue_percent")[0]
            colour, ink = _share_colours(share)
            edge = INK if row["at_risk"] == "true" else PAPER
            axes.add_patch(
                Rectangle(
                    (frequency - 0.47, recency - 0.46),
                    0.94,
                    0.92,
                    facecolor=colour,
                    edgecolor=edge,
                    linewidth=1.8,
                )
            )
            customers = integer(parse_column([row], "customers")[0])
            text = f"{row['rfm_group'].replace(' ', chr(10), 1)}\n{customers} · {percent(share, 0)}"
            axes.text(
                frequency, recency, text, ha="center", va="center", color=ink, fontsize=7.5, linespacing=1.25
            )
        axes.set_xlim(0.5, 5.5)
        axes.set_ylim(0.5, 5.5)
        axes.set_xticks(SCORES, ["1\nfewest orders", "2", "3", "4", "5\nmost orders"])
        axes.set_yticks(SCORES, ["1\nlong ago", "2", "3", "4", "5\nlast"])
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)
        axes.set_xlabel("Frequency score")
        axes.set_ylabel("Recency score")

    risk = [row for row in rows if row["at_risk"] == "true"]
    customers = sum(parse_column(risk, "customers"))
    at_risk = (
        f"The framed cells are at risk: {integer(customers)} customers who ordered often, but not lately, with a spend "
        f"of {short_money(sum(parse_column(risk, 'revenue')))} "
        f"({percent(sum(parse_column(risk, 'revenue_percent')))} of the revenue)."
        if risk
        else "No customer is at risk."
    )
    caption = f"Customers and share of the revenue by recency and frequency score, each in fifths. {at_risk}"
    return draw_chart("rfm_grid", "Who is loyal, who is new, and who may leave?", caption, draw, height=4.2)


def _share_colours(share: float) -> tuple[str, str]:
    """Return the colours of a cell and of the text in it; more revenue is stronger."""
    step = min(4, round(share / SHARE_STEP))
    ink = ON_EXTREME if step == 4 else ON_STRONG if step == 3 else ON_PALE
    return DIVERGING[4 - step], ink
