"""Charts of the segments: their place among all customers, and how they differ."""

from __future__ import annotations

import textwrap
from statistics import median
from typing import TYPE_CHECKING

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.chart import (
    INK,
    MARKERS,
    MUTED,
    PAPER,
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
from sales_segmentation.report.formatting import decimal, integer, parse_column, parse_number, percent
from sales_segmentation.report.overview import overview
from sales_segmentation.report.separation import separation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALL_EFFECT = 0.2
"""Standard deviations. Below it, a difference of means is negligible (Cohen, Statistical Power Analysis, 1988)."""

DEVIATION_STEP = 0.4
"""Standard deviations between two neighbouring colours of the heatmap."""


Places = list[tuple[float, float]]


def segment_plane(data: ReportData) -> Chart | None:
    points = data.answers["segment_sample"]
    if not points:
        return None
    by_segment: dict[int, Places] = {}
    for point, x, y in zip(points, parse_column(points, "pc1"), parse_column(points, "pc2"), strict=True):
        by_segment.setdefault(int(point["segment"]), []).append((x, y))
    labels = segment_labels(data)
    variance = parse_column(data.answers["explained_variance"], "variance_percent")

    def draw(axes: Axes) -> None:
        for segment, places in sorted(by_segment.items()):
            _draw_points(axes, segment, places, segment_name(segment, labels))
        for segment, places in sorted(by_segment.items()):
            _draw_badge(axes, segment, places)
        axes.tick_params(axis="y", labelcolor=MUTED)
        axes.set_xlabel(_component_name(1, variance))
        axes.set_ylabel(_component_name(2, variance))
        legend = draw_legend(axes, len(by_segment), markerscale=1.8, handletextpad=0.2)
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
        f"similarly. A number marks the centre of its segment.{_plane(variance)}"
    )
    rows = (len(by_segment) + 1) // 2
    return draw_chart("segment_plane", "Are the segments apart?", caption, draw, height=4.6 + 0.2 * rows)


def _draw_points(axes: Axes, segment: int, places: Places, name: str) -> None:
    x, y = zip(*places, strict=True)
    axes.scatter(
        x,
        y,
        s=15,
        color=segment_colour(segment),
        marker=MARKERS[segment % len(MARKERS)],
        alpha=0.6,
        linewidths=0,
        label=name,
    )


def _draw_badge(axes: Axes, segment: int, places: Places) -> None:
    """Draw the number of the segment at its centre."""
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


def segment_sizes(data: ReportData) -> Chart | None:
    rows = data.answers["segment_profile"]
    if not rows:
        return None
    labels = segment_labels(data)
    segments = [int(row["segment"]) for row in rows]

    def panel(axes: Axes, column: str, title: str, named: bool) -> None:
        values = parse_column(rows, column)
        colours = [segment_colour(segment) for segment in segments]
        drawn = axes.barh(range(len(rows)), values, color=colours, height=0.7)
        axes.bar_label(drawn, [percent(value) for value in values], padding=4, color=INK, fontsize=8.5)
        names = [textwrap.fill(segment_name(segment, labels), 24) for segment in segments]
        axes.set_yticks(range(len(rows)), names if named else [""] * len(rows))
        axes.set_ylim(len(rows) - 0.5, -0.6)
        axes.set_xlim(0, 1.25 * max(*values, 1.0))
        axes.set_xticks([])
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)
        axes.set_title(title)

    def draw(customers: Axes, revenue: Axes) -> None:
        panel(customers, "customers_percent", "Share of the customers", named=True)
        panel(revenue, "revenue_percent", "Share of the revenue", named=is_narrow(revenue))

    size, revenue = (parse_column(rows, column) for column in ("customers_percent", "revenue_percent"))
    best = max(range(len(rows)), key=lambda at: revenue[at] / (size[at] or 1.0))
    caption = (
        f"Segment {segments[best]} brings the most for its size: {percent(size[best])} of the customers and "
        f"{percent(revenue[best])} of the revenue."
    )
    return draw_chart(
        "segment_sizes",
        "How large is each segment, and what does it bring?",
        caption,
        draw,
        height=0.9 + 0.42 * len(rows),
        panels=2,
    )


def segment_silhouettes(data: ReportData) -> Chart | None:
    measured = [point for point in data.answers["segment_sample"] if point["silhouette"]]
    if not measured:
        return None
    by_segment: dict[int, list[float]] = {}
    for point, value in zip(measured, parse_column(measured, "silhouette"), strict=True):
        by_segment.setdefault(int(point["segment"]), []).append(value)
    labels = segment_labels(data)

    def draw(axes: Axes) -> None:
        gap = max(2.0, 0.03 * len(measured))
        top, ticks = 0.0, []
        for segment, values in sorted(by_segment.items()):
            _draw_silhouettes(axes, segment, values, top)
            name = textwrap.fill(segment_name(segment, labels), 24)
            ticks.append((top + len(values) / 2, str(segment) if is_narrow(axes) else name))
            top += len(values) + gap
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_yticks(*zip(*ticks, strict=True))
        axes.set_ylim(top - gap, 0)
        axes.grid(visible=False, axis="y")
        sides = "" if is_narrow(axes) else ": own segment nearer (right) or another one (left)"
        axes.set_xlabel(f"Silhouette{sides}")

    caption = (
        "Each customer of a random sample, by segment. To the right of zero, the customers of the own segment are "
        f"nearer than those of the next one; to the left they are farther away. {separation(data)}{_weakest(data)}"
    )
    return draw_chart(
        "segment_silhouettes",
        "Which segments are clear, and which are blurred?",
        caption,
        draw,
        height=1.6 + 0.45 * len(by_segment),
    )


def _draw_silhouettes(axes: Axes, segment: int, values: list[float], top: float) -> None:
    """Draw the silhouettes of a segment from ``top`` down, the highest first."""
    # A single customer has no area.
    bars = [top + at for at in range(len(values) + 1)]
    heights = sorted(values, reverse=True)
    axes.fill_betweenx(bars, [*heights, heights[-1]], step="post", color=segment_colour(segment), linewidth=0)


def _weakest(data: ReportData) -> str:
    """Return which segment has the lowest mean silhouette."""
    means = {row["segment"]: parse_number(row["silhouette"]) for row in data.answers["segment_silhouette"]}
    if len(means) < 2:
        return ""
    worst = min(means, key=lambda segment: means[segment] or 0.0)
    return f" Segment {worst} has the lowest mean, {decimal(means[worst])}."


def segment_heatmap(data: ReportData) -> Chart | None:
    rows = data.answers["segment_features"]
    if not rows:
        return None
    deviation = {(int(row["segment"]), row["feature"]): parse_number(row["deviation"]) or 0.0 for row in rows}
    segments = sorted({segment for segment, _ in deviation})
    spread = {
        feature: max(abs(deviation.get((segment, feature), 0.0)) for segment in segments)
        for feature in dict.fromkeys(row["feature"] for row in rows)
    }
    differ = [feature for feature in spread if spread[feature] >= SMALL_EFFECT]
    features = sorted(differ, key=lambda feature: (-spread[feature], feature))
    if not features:
        return None
    labels = segment_labels(data)
    cells = {
        (row, column): _deviation_cell(deviation.get((segment, feature), 0.0))
        for row, feature in enumerate(features)
        for column, segment in enumerate(segments)
    }

    def draw(axes: Axes) -> None:
        narrow = is_narrow(axes)
        names = [segment_heading(segment, labels, narrow) for segment in segments]
        small = narrow and len(segments) > 6
        draw_cells(axes, cells, list(map(feature_name, features)), names, fontsize=6.5 if small else 8.5)
        unit = "Mean of the segment, in standard deviations from the mean of all customers"
        axes.set_xlabel("Segment" if narrow else unit)

    source = "" if overview(data).fitted else " The values are from the run that fitted the models."
    caption = (
        "Difference between the mean of each segment and the mean of all customers, in standard deviations: orange is "
        "above the mean, blue is below it. The features that differ most between the segments are on top."
        f"{_left_out(len(spread) - len(features))}{source}"
    )
    return draw_chart(
        "segment_heatmap",
        "How do the segments differ?",
        caption,
        draw,
        height=1.5 + 0.27 * len(features),
        width=max(7.4, 2.2 + 1.0 * len(segments)),
    )


def _deviation_cell(deviation: float) -> Cell:
    text = f"{deviation:+.1f}".replace("-", "−") if abs(deviation) >= 0.05 else "0.0"
    return Cell(text, max(-4, min(4, round(deviation / DEVIATION_STEP))))


def _left_out(features: int) -> str:
    if not features:
        return ""
    words = "feature that differs" if features == 1 else "features that differ"
    return f" {features} {words} by less than {SMALL_EFFECT} {'is' if features == 1 else 'are'} left out."


def _plane(variance: list[float]) -> str:
    """Return what the map cannot show."""
    if len(variance) < 3:
        return ""
    return (
        f" The plane shows {percent(sum(variance[:2]), 0)} of the variance: segments that touch in it may be apart in "
        "another direction."
    )


def _component_name(component: int, variance: list[float]) -> str:
    share = f", {percent(variance[component - 1])} of the variance" if len(variance) >= component else ""
    return f"Principal component {component}{share}"
