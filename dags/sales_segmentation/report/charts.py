"""The charts of the report, each from one or two answers. A chart without data is not drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import date
from statistics import median
from typing import TYPE_CHECKING, Any

from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.report.chart import (
    ACCENT,
    DIVERGING,
    FAINT,
    INK,
    MARKERS,
    MUTED,
    ON_EXTREME,
    ON_PALE,
    ON_STRONG,
    PAPER,
    SEGMENTS,
    Chart,
    draw_chart,
)
from sales_segmentation.report.formatting import (
    CURRENCY,
    decimal,
    integer,
    month,
    parse_column,
    parse_number,
    percent,
    short_money,
    tick,
)
from sales_segmentation.report.overview import overview, top_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 20
LONGEST_NAME = 32
DEVIATION_STEP = 0.4
"""Standard deviations between two neighbouring colours of the heatmap."""


def draw_charts(data: ReportData) -> dict[str, Chart]:
    """Return the charts that have data, by name."""
    drawn = (draw(data) for draw in CHARTS)
    return {chart.name: chart for chart in drawn if chart}


def _revenue_by_region(data: ReportData) -> Chart | None:
    return _bars(
        data.answers["revenue_by_region"], "region", "regions", "revenue_by_region", "Revenue by region"
    )


def _revenue_by_category(data: ReportData) -> Chart | None:
    rows = data.answers["revenue_by_category"]
    return _bars(rows, "category", "categories", "revenue_by_category", "Revenue by category")


def _bars(rows: Rows, column: str, plural: str, name: str, title: str) -> Chart | None:
    """Return a chart with horizontal bars of revenue, the largest on top, with their shares."""
    if not rows:
        return None
    shown = rows[:MOST_BARS]
    revenue, total = parse_column(shown, "revenue"), sum(parse_column(rows, "revenue")) or 1.0
    best, share = top_row(rows, "revenue")

    def draw(axes: Axes) -> None:
        drawn = axes.barh(range(len(shown)), revenue, color=ACCENT, height=0.7)
        shares = [f"{short_money(value)}  ({percent(100 * value / total)})" for value in revenue]
        axes.bar_label(drawn, shares, padding=4, color=INK, fontsize=8.5)
        axes.set_yticks(range(len(shown)), [_short_name(row[column]) for row in shown])
        axes.set_ylim(len(shown) - 0.5, -0.6)
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)
        axes.set_xticks([])
        axes.set_xlim(0, 1.28 * max(*revenue, 1.0))
        axes.set_xlabel("Revenue in euros, and share of the total revenue")

    caption = f"{best[column]} has the largest revenue of {len(rows)} {plural}: {percent(share)} of the total revenue."
    if len(rows) > MOST_BARS:
        caption += f" Only the {MOST_BARS} largest are shown."
    return draw_chart(name, title, caption, draw, height=0.9 + 0.26 * len(shown))


def _monthly_revenue(data: ReportData) -> Chart | None:
    rows = data.answers["monthly_revenue"]
    if not rows:
        return None
    months = [date.fromisoformat(row["month"][:10]) for row in rows]
    revenue = parse_column(rows, "revenue")
    best, worst = revenue.index(max(revenue)), revenue.index(min(revenue))

    def draw(axes: Axes) -> None:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        when: Any = months  # matplotlib accepts dates, but its type hints do not
        axes.fill_between(when, revenue, color=FAINT, alpha=0.35, linewidth=0)
        axes.plot(when, revenue, color=ACCENT, linewidth=2)
        for at, above in {best: True, worst: False}.items():
            axes.plot(when[at], revenue[at], "o", color=ACCENT, markersize=6)
            axes.annotate(
                f"{months[at]:%b %Y}: {short_money(revenue[at])}",
                (when[at], revenue[at]),
                xytext=(0, 8 if above else -15),
                textcoords="offset points",
                ha="right" if at > 0.8 * len(months) else "left" if at < 0.2 * len(months) else "center",
                fontsize=8.5,
            )
        locator = AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
        axes.yaxis.set_major_formatter(lambda value, _: tick(value, CURRENCY))
        axes.set_ylim(0, 1.15 * max(*revenue, 1.0))
        axes.margins(x=0.01)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("Month of the order")
        axes.set_ylabel("Revenue in euros")

    caption = (
        f"Revenue in {len(rows)} months. The highest was {short_money(revenue[best])} in {month(rows[best]['month'])}, "
        f"the lowest {short_money(revenue[worst])} in {month(rows[worst]['month'])}. "
        "The first and the last month may be incomplete."
    )
    return draw_chart("monthly_revenue", "Revenue by month", caption, draw, height=3.2)


def _customer_types(data: ReportData) -> Chart | None:
    rows = data.answers["customer_types"]
    if not rows:
        return None
    measures = {"customers": "Customers", "orders": "Orders", "revenue": "Revenue"}
    shares = {}
    for measure in measures:
        values = parse_column(rows, measure)
        shares[measure] = [100 * value / (sum(values) or 1.0) for value in values]

    def draw(axes: Axes) -> None:
        left = [0.0] * len(measures)
        for index, row in enumerate(rows):
            widths = [shares[measure][index] for measure in measures]
            colour = (ACCENT, FAINT)[index % 2]
            axes.barh(
                range(len(measures)),
                widths,
                left=left,
                color=colour,
                height=0.62,
                edgecolor=PAPER,
                linewidth=1.5,
            )
            for at, width in enumerate(widths):
                if width >= 9:
                    text = f"{_short_name(row['customer_type'])} {percent(width, 0)}"
                    ink = PAPER if colour == ACCENT else ON_STRONG
                    axes.text(left[at] + width / 2, at, text, ha="center", va="center", color=ink, fontsize=9)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        axes.set_yticks(range(len(measures)), list(measures.values()))
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.xaxis.set_major_formatter(lambda value, _: percent(value, 0))
        axes.grid(visible=False)
        axes.set_xlabel("Share of the total")

    best, share = top_row(rows, "revenue")
    caption = (
        f"{best['customer_type']} customers are {percent(shares['customers'][rows.index(best)], 0)} of all customers "
        f"and have {percent(share, 0)} of the revenue."
    )
    return draw_chart("customer_types", "Customer types", caption, draw, height=1.9)


def _explained_variance(data: ReportData) -> Chart | None:
    rows = data.answers["explained_variance"]
    if not rows:
        return None
    figures = overview(data)
    components = [int(row["component"]) for row in rows]
    cumulative = parse_column(rows, "cumulative_percent")

    def draw(axes: Axes) -> None:
        colours = [ACCENT if row["retained"] == "true" else FAINT for row in rows]
        axes.bar(components, parse_column(rows, "variance_percent"), color=colours, width=0.75)
        axes.plot(components, cumulative, color=INK, linewidth=1.6, marker="o", markersize=3.5)
        axes.text(components[-1], cumulative[-1] - 9, "cumulative", ha="right", fontsize=8.5)
        if figures.retained:
            at = figures.retained - 1
            axes.annotate(
                f"{figures.retained} kept: {percent(figures.variance_kept)}",
                (components[at], cumulative[at]),
                xytext=(6, -16),
                textcoords="offset points",
                fontsize=8.5,
                fontweight="bold",
            )
        axes.set_xticks(components)
        axes.set_ylim(0, 105)
        axes.yaxis.set_major_formatter(lambda value, _: percent(value, 0))
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("Principal component")
        axes.set_ylabel("Share of the variance")

    caption = (
        f"The first {figures.retained} of {len(rows)} principal components (dark bars) are kept. Together they explain "
        f"{percent(figures.variance_kept)} of the variance among the customers (line)."
    )
    return draw_chart("explained_variance", "Explained variance", caption, draw, height=3.0)


def _model_selection(data: ReportData) -> Chart | None:
    rows = data.answers["chosen_k"]
    if not rows:
        return None
    ks = [int(row["k"]) for row in rows]
    chosen = next((at for at, row in enumerate(rows) if row["chosen"] == "true"), None)

    def curve(axes: Axes, values: list[float], title: str, label: str) -> None:
        from matplotlib.ticker import MaxNLocator

        axes.plot(ks, values, color=ACCENT, linewidth=2, marker="o", markersize=4.5)
        if chosen is not None:
            axes.axvline(ks[chosen], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
            axes.plot(ks[chosen], values[chosen], "o", color=ACCENT, markersize=11, markeredgecolor=INK)
            axes.text(
                ks[chosen],
                1.0,
                f" chosen: k = {ks[chosen]} ",
                transform=axes.get_xaxis_transform(),
                ha="left" if chosen < len(ks) / 2 else "right",
                va="top",
                fontsize=8.5,
                fontweight="bold",
            )
        axes.set_title(title)
        axes.set_xlabel("Number of segments (k)")
        axes.set_ylabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.margins(x=0.08, y=0.16)

    def draw(elbow: Axes, silhouette: Axes) -> None:
        curve(
            elbow,
            parse_column(rows, "wssse"),
            "Elbow: how compact the segments are",
            "Sum of squares (WSSSE)",
        )
        elbow.yaxis.set_major_formatter(lambda value, _: tick(value))
        curve(
            silhouette,
            parse_column(rows, "silhouette"),
            "Silhouette: how well they are separated",
            "Silhouette, −1 to 1",
        )

    choice = (
        ""
        if chosen is None
        else f" k = {ks[chosen]} was chosen, silhouette {decimal(parse_number(rows[chosen]['silhouette']))}."
    )
    caption = (
        f"{len(ks)} numbers of segments were tried. Left: with more segments the sum of squares always falls. The bend "
        "of the line shows where more segments help little. Right: a higher silhouette means better separation."
        f"{choice}"
    )
    return draw_chart("model_selection", "How many segments?", caption, draw, height=3.1, panels=2)


def _segment_plane(data: ReportData) -> Chart | None:
    points = data.answers["segment_sample"]
    if not points:
        return None
    by_segment: dict[int, list[tuple[float, float]]] = {}
    for point, x, y in zip(points, parse_column(points, "pc1"), parse_column(points, "pc2"), strict=True):
        by_segment.setdefault(int(point["segment"]), []).append((x, y))
    labels = _labels(data)
    variance = parse_column(data.answers["explained_variance"], "variance_percent")

    def draw(axes: Axes) -> None:
        for segment, places in sorted(by_segment.items()):
            x, y = zip(*places, strict=True)
            axes.scatter(
                x,
                y,
                s=15,
                color=segment_colour(segment),
                marker=MARKERS[segment % len(MARKERS)],
                alpha=0.6,
                linewidths=0,
                label=_segment_name(segment, labels),
            )
        for segment, places in sorted(by_segment.items()):
            x, y = zip(*places, strict=True)
            badge = {
                "boxstyle": "circle,pad=0.3",
                "facecolor": PAPER,
                "edgecolor": segment_colour(segment),
                "linewidth": 2,
            }
            axes.text(
                median(x),
                median(y),
                str(segment),
                ha="center",
                va="center",
                fontweight="bold",
                fontsize=10,
                bbox=badge,
            )
        axes.tick_params(axis="y", labelcolor=MUTED)
        axes.set_xlabel(_component_name(1, variance))
        axes.set_ylabel(_component_name(2, variance))
        figure = axes.get_figure(root=True)
        assert figure is not None
        columns = 2 if len(by_segment) > 1 else 1
        legend = figure.legend(
            loc="outside lower left", ncols=columns, fontsize=8.5, markerscale=1.8, handletextpad=0.2
        )
        for handle in legend.legend_handles:
            if handle is not None:
                handle.set_alpha(1)

    complete = len(points) == sum(parse_column(data.answers["segment_profile"], "customers"))
    sample = (
        f"All {integer(len(points))} customers"
        if complete
        else f"A random sample of {integer(len(points))} customers"
    )
    caption = (
        f"{sample} in the plane of the first two principal components. Customers that are close together behave "
        "similarly. A number marks the centre of its segment."
    )
    rows = (len(by_segment) + 1) // 2
    return draw_chart("segment_plane", "Map of the segments", caption, draw, height=4.6 + 0.2 * rows)


def _segment_heatmap(data: ReportData) -> Chart | None:
    rows = data.answers["segment_features"]
    if not rows:
        return None
    deviation = {(int(row["segment"]), row["feature"]): parse_number(row["deviation"]) or 0.0 for row in rows}
    segments = sorted({segment for segment, _ in deviation})
    spread = {
        feature: max(abs(deviation.get((segment, feature), 0.0)) for segment in segments)
        for feature in dict.fromkeys(row["feature"] for row in rows)
    }
    features = sorted(spread, key=lambda feature: (-spread[feature], feature))
    labels = _labels(data)

    def draw(axes: Axes) -> None:
        from matplotlib.patches import Rectangle

        for row, feature in enumerate(features):
            for column, segment in enumerate(segments):
                value = deviation.get((segment, feature), 0.0)
                colour, ink = _deviation_colours(value)
                axes.add_patch(
                    Rectangle(
                        (column - 0.5, row - 0.5), 1, 1, facecolor=colour, edgecolor=PAPER, linewidth=1.5
                    )
                )
                text = f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0.0"
                axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=8.5)
        names = [textwrap.fill(_segment_name(segment, labels), 18) for segment in segments]
        axes.set_xlim(-0.5, len(segments) - 0.5)
        axes.set_ylim(len(features) - 0.5, -0.5)
        axes.set_xticks(range(len(segments)), names)
        axes.set_yticks(range(len(features)), [feature_name(feature) for feature in features])
        axes.tick_params(axis="x", top=False, labeltop=True, bottom=False, labelbottom=False, labelcolor=INK)
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)
        axes.set_xlabel("Mean of the segment, in standard deviations from the mean of all customers")

    source = "" if overview(data).fitted else " The values are from the run that fitted the models."
    caption = (
        "Difference between the mean of each segment and the mean of all customers, in standard deviations: orange is "
        f"above the mean, blue is below it. The features that differ most between the segments are on top.{source}"
    )
    return draw_chart(
        "segment_heatmap",
        "How the segments differ",
        caption,
        draw,
        height=1.5 + 0.27 * len(features),
        width=max(7.4, 2.2 + 1.0 * len(segments)),
    )


CHARTS: tuple[Callable[[ReportData], Chart | None], ...] = (
    _segment_plane,
    _segment_heatmap,
    _model_selection,
    _explained_variance,
    _revenue_by_region,
    _revenue_by_category,
    _monthly_revenue,
    _customer_types,
)


def segment_colour(segment: int) -> str:
    return SEGMENTS[segment % len(SEGMENTS)]


def feature_name(feature: str) -> str:
    """``share_soft_drinks`` is Share of soft drinks."""
    words = feature.replace("_", " ").replace("avg ", "average ")
    words = f"share of {words.removeprefix('share ')}" if words.startswith("share ") else words
    return (words[:1].upper() + words[1:]).replace("b2b", "B2B")


def _labels(data: ReportData) -> dict[int, str]:
    return {int(row["segment"]): row["label"] for row in data.answers["segment_profile"]}


def _segment_name(segment: int, labels: dict[int, str]) -> str:
    return f"{segment}  {labels.get(segment, '')}".strip()


def _short_name(name: str) -> str:
    return textwrap.shorten(name, LONGEST_NAME, placeholder="…") if " " in name else name[:LONGEST_NAME]


def _component_name(component: int, variance: list[float]) -> str:
    share = f", {percent(variance[component - 1])} of the variance" if len(variance) >= component else ""
    return f"Principal component {component}{share}"


def _deviation_colours(deviation: float) -> tuple[str, str]:
    """Return the colours of a cell and of the number in it."""
    step = max(-4, min(4, round(deviation / DEVIATION_STEP)))
    ink = ON_EXTREME if abs(step) == 4 else ON_STRONG if abs(step) == 3 else ON_PALE
    return DIVERGING[step + 4], ink
