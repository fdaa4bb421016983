"""Charts of the revenue by region, category, month and customer type."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.report.chart import ACCENT, FAINT, INK, ON_PALE, PAPER, Chart, draw_chart, is_narrow
from sales_segmentation.report.charts.names import short_name
from sales_segmentation.report.formatting import CURRENCY, month, parse_column, percent, short_money, tick
from sales_segmentation.report.overview import top_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 20


def revenue_by_region(data: ReportData) -> Chart | None:
    return _bars(
        data.answers["revenue_by_region"],
        "region",
        "regions",
        "revenue_by_region",
        "Which regions bring the revenue?",
    )


def revenue_by_category(data: ReportData) -> Chart | None:
    rows = data.answers["revenue_by_category"]
    return _bars(rows, "category", "categories", "revenue_by_category", "Which categories bring the revenue?")


def _bars(rows: Rows, column: str, plural: str, name: str, title: str) -> Chart | None:
    """Return a chart with horizontal bars of revenue, the largest on top, with their shares."""
    if not rows:
        return None
    shown = rows[:MOST_BARS]
    revenue, total = parse_column(shown, "revenue"), sum(parse_column(rows, "revenue")) or 1.0
    best, share = top_row(rows, "revenue")

    def draw(axes: Axes) -> None:
        drawn = axes.barh(range(len(shown)), revenue, color=ACCENT, height=0.7)
        narrow = is_narrow(axes)
        shares = [
            percent(100 * value / total)
            if narrow
            else f"{short_money(value)}  ({percent(100 * value / total)})"
            for value in revenue
        ]
        axes.bar_label(drawn, shares, padding=4, color=INK, fontsize=8.5)
        axes.set_yticks(range(len(shown)), [short_name(row[column], 20 if narrow else 32) for row in shown])
        axes.set_ylim(len(shown) - 0.5, -0.6)
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)
        axes.set_xticks([])
        axes.set_xlim(0, 1.28 * max(*revenue, 1.0))
        axes.set_xlabel("Share of the revenue" if narrow else "Revenue, and share of the total revenue")

    caption = f"{best[column]} has the largest revenue of {len(rows)} {plural}: {percent(share)} of the total revenue."
    if len(rows) > MOST_BARS:
        caption += f" Only the {MOST_BARS} largest are shown."
    return draw_chart(name, title, caption, draw, height=0.9 + 0.26 * len(shown))


def monthly_revenue(data: ReportData) -> Chart | None:
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
        locator = AutoDateLocator(minticks=3, maxticks=7 if is_narrow(axes) else 8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
        axes.yaxis.set_major_formatter(lambda value, _: tick(value, CURRENCY.get()))
        axes.set_ylim(0, 1.15 * max(*revenue, 1.0))
        axes.margins(x=0.01)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("Month of the order")
        axes.set_ylabel("Revenue")

    caption = (
        f"Revenue in {len(rows)} months. The highest was {short_money(revenue[best])} in {month(rows[best]['month'])}, "
        f"the lowest {short_money(revenue[worst])} in {month(rows[worst]['month'])}. "
        "The first and the last month may be incomplete."
    )
    return draw_chart("monthly_revenue", "How does the revenue develop?", caption, draw, height=3.2)


def customer_types(data: ReportData) -> Chart | None:
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
                if width >= (20 if is_narrow(axes) else 9):
                    text = f"{short_name(row['customer_type'])} {percent(width, 0)}"
                    ink = PAPER if colour == ACCENT else ON_PALE
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
    return draw_chart("customer_types", "How much do the customer types bring?", caption, draw, height=1.9)
