"""Charts of what has changed since the latest earlier run, and of the revenue of the segments over time."""

from __future__ import annotations

import textwrap
from datetime import date
from typing import TYPE_CHECKING, Any

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.chart import (
    ACCENT,
    FAINT,
    INK,
    MUTED,
    PAPER,
    Chart,
    cell_colours,
    draw_chart,
    is_narrow,
)
from sales_segmentation.report.charts.names import feature_name, segment_colour, segment_labels, segment_name
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
"""The limits of Siddiqi, Credit Risk Scorecards, 2006."""

MOST_FEATURES = 12


def segment_migration(data: ReportData) -> Chart | None:
    found = migration(data)
    if found is None:
        return None
    old = sorted({int(row["earlier_segment"]) for row in found.rows if row["earlier_segment"]})
    new = sorted({int(row["segment"]) for row in found.rows if row["segment"]})
    places = {(row["earlier_segment"], row["segment"]): row for row in found.rows}
    rows = [*map(str, old), *([""] if found.gained else [])]
    columns = [*map(str, new), *([""] if found.lost else [])]
    labels = segment_labels(data)
    old_labels = {
        int(row["earlier_segment"]): row["earlier_label"] for row in found.rows if row["earlier_segment"]
    }

    def draw(axes: Axes) -> None:
        from matplotlib.patches import Rectangle

        narrow = is_narrow(axes)
        for at, earlier in enumerate(rows):
            cells = [places.get((earlier, segment)) for segment in columns]
            total = sum(parse_column([cell for cell in cells if cell], "customers")) or 1.0
            for place, cell in enumerate(cells):
                if cell is None:
                    continue
                customers = parse_column([cell], "customers")[0]
                step = min(4, round(4 * customers / total)) if earlier else 0
                colour, ink = cell_colours(-step)
                edge = INK if cell["matched"] == "true" else PAPER
                axes.add_patch(
                    Rectangle(
                        (place - 0.47, at - 0.44),
                        0.94,
                        0.88,
                        facecolor=colour,
                        edgecolor=edge,
                        linewidth=1.8,
                    )
                )
                share = f"\n{percent(100 * customers / total, 0)}" if earlier else ""
                axes.text(
                    place,
                    at,
                    f"{integer(customers)}{share}",
                    ha="center",
                    va="center",
                    color=ink,
                    fontsize=8.5,
                )

        def name(segment: int, names: dict[int, str]) -> str:
            return str(segment) if narrow else textwrap.fill(segment_name(segment, names), 18)

        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xticks(
            range(len(columns)), [*(name(segment, labels) for segment in new), "gone"][: len(columns)]
        )
        axes.set_yticks(
            range(len(rows)), [*(name(segment, old_labels) for segment in old), "new"][: len(rows)]
        )
        axes.tick_params(axis="x", top=False, labeltop=True, bottom=False, labelbottom=False, labelcolor=INK)
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)
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
        height=1.5 + 0.55 * len(rows),
        width=max(7.4, 2.2 + 1.0 * len(columns)),
    )


def feature_drift(data: ReportData) -> Chart | None:
    rows = data.answers["feature_drift"]
    if not rows:
        return None
    shown = rows[:MOST_FEATURES]
    values = parse_column(shown, "psi")
    drifted = [row for row in rows if row["drifted"] == "true"]

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

    caption = (
        "How far the distribution of each feature has moved since the earlier run; the lines are at a PSI of "
        f"{SOME_PSI} and {LARGE_PSI}. "
        + (
            f"{len(drifted)} of {len(rows)} features have a PSI above {LARGE_PSI} that chance does not explain "
            "(dark bars): a large shift. Sums and tenure also shift when the data covers a longer time."
            if drifted
            else f"No feature of {len(rows)} has a PSI above {LARGE_PSI} that chance does not explain."
        )
        + (f" Only the {MOST_FEATURES} largest are shown." if len(rows) > MOST_FEATURES else "")
    )
    return draw_chart(
        "feature_drift",
        "Do the customers behave as before?",
        caption,
        draw,
        height=0.9 + 0.26 * len(shown),
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
        figure = axes.get_figure(root=True)
        assert figure is not None
        columns = 2 if len(by_segment) > 1 and not is_narrow(axes) else 1
        figure.legend(loc="outside lower left", ncols=columns, fontsize=8.5)

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
