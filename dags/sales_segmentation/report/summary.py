"""The run in words: each sentence is made by one rule from the numbers, and left out where they are missing."""

from __future__ import annotations

from datetime import date, timedelta

from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.report.formatting import (
    day,
    decimal,
    integer,
    month,
    parse_column,
    percent,
    plain_words,
    short_money,
)
from sales_segmentation.report.overview import Overview, overview, top_row

YEAR = 12


def key_figures(figures: Overview) -> str:
    """Return one short line."""
    parts = [
        f"{figures.segments} segments",
        f"silhouette {decimal(figures.silhouette)}" if figures.fitted else "an earlier model",
        f"{integer(figures.valid)} valid lines",
        f"{percent(figures.rejected_percent)} rejected",
    ]
    return ", ".join(parts)


def summary(data: ReportData) -> list[str]:
    """Return the sentences, the most important first."""
    figures = overview(data)
    answers = data.answers
    sentences = [
        _volume(figures),
        _segments(answers["segment_profile"]),
        _separation(figures),
        _strongest(answers["revenue_by_region"], answers["revenue_by_category"]),
        _trend(answers["monthly_revenue"], figures.last_day),
        _quality(figures, answers["rejected_lines"]),
    ]
    if not figures.fitted:
        sentences.append(
            f"Nothing was fitted in this run: the models of {day(data.facts['model_date'])} give the segments."
        )
    return [sentence for sentence in sentences if sentence]


def _volume(figures: Overview) -> str:
    return (
        f"{integer(figures.customers)} customers placed {integer(figures.orders)} orders between "
        f"{day(figures.first_day)} and {day(figures.last_day)}, worth {short_money(figures.revenue)}."
    )


def _segments(profile: Rows) -> str:
    if not profile:
        return ""
    best, share = top_row(profile, "revenue")
    return (
        f"They form {len(profile)} segments. The one that brings most, segment {best['segment']} "
        f"({best['label'] or 'without a label'}), has {percent(parse_column([best], 'customers_percent')[0], 0)} "
        f"of the customers and brings {percent(share, 0)} of the revenue."
    )


def _separation(figures: Overview) -> str:
    """The limits are those of Kaufman and Rousseeuw, Finding Groups in Data, 1990, chapter 2."""
    if figures.silhouette is None:
        return ""
    if figures.silhouette > 0.7:
        verdict = "the segments are clearly apart"
    elif figures.silhouette > 0.5:
        verdict = "the segments are reasonably well apart"
    elif figures.silhouette > 0.25:
        verdict = "the segments overlap at their edges; trust the core of each more than its borders"
    else:
        verdict = "the segments overlap widely; take them as a rough guide only"
    return f"With a silhouette of {decimal(figures.silhouette)}, {verdict}."


def _strongest(regions: Rows, categories: Rows) -> str:
    if not regions or not categories:
        return ""
    region, region_share = top_row(regions, "revenue")
    category, category_share = top_row(categories, "revenue")
    return (
        f"The strongest region is {region['region']} with {percent(region_share, 0)} of the revenue, "
        f"the strongest category {category['category']} with {percent(category_share, 0)}."
    )


def _trend(months: Rows, last_day: str) -> str:
    """Compare the last twelve whole months with the twelve before; nothing where a month is missing."""
    if last_day and (date.fromisoformat(last_day) + timedelta(days=1)).day != 1:
        months = months[:-1]
    months = months[-2 * YEAR :]
    ordinals = [12 * int(row["month"][:4]) + int(row["month"][5:7]) for row in months]
    if len(months) < 2 * YEAR or ordinals[-1] - ordinals[0] != len(months) - 1:
        return ""
    revenue = parse_column(months, "revenue")
    before, last = sum(revenue[:YEAR]), sum(revenue[YEAR:])
    if before <= 0:
        return ""
    change = 100 * (last / before - 1)
    how = (
        "about the same as"
        if abs(change) < 0.5
        else f"{percent(abs(change))} {'more' if change > 0 else 'less'} than"
    )
    return f"The twelve months to {month(months[-1]['month'])} brought {short_money(last)}, {how} the twelve before."


def _quality(figures: Overview, rejected: Rows) -> str:
    if not figures.rejected:
        return f"All {integer(figures.read)} lines read were valid."
    reason, share = top_row(rejected, "order_lines")
    return (
        f"{integer(figures.rejected)} of {integer(figures.read)} lines ({percent(figures.rejected_percent)}) were set "
        f"aside as faulty, {percent(share, 0)} of them for “{plain_words(reason['reason'])}”."
    )
