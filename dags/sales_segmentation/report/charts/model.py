"""Charts of the fit: the choice of the number of segments, and the principal components."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.chart import ACCENT, FAINT, INK, MUTED, Chart, draw_chart, is_narrow
from sales_segmentation.report.formatting import decimal, parse_column, parse_number, percent, tick
from sales_segmentation.report.overview import overview

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def explained_variance(data: ReportData) -> Chart | None:
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
        axes.set_xticks(components[::4] if is_narrow(axes) and len(components) > 10 else components)
        axes.set_ylim(0, 105)
        axes.yaxis.set_major_formatter(lambda value, _: percent(value, 0))
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("Principal component")
        axes.set_ylabel("Share of the variance")

    caption = (
        f"The first {figures.retained} of {len(rows)} principal components (dark bars) are kept. Together they explain "
        f"{percent(figures.variance_kept)} of the variance among the customers (line)."
    )
    return draw_chart("explained_variance", "How much do the components keep?", caption, draw, height=3.0)


def model_selection(data: ReportData) -> Chart | None:
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
    return draw_chart("model_selection", "How many segments are there?", caption, draw, height=3.1, panels=2)
