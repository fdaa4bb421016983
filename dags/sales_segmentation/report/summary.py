"""The summary of a run in sentences. Each sentence follows from numbers; it is left out if they are missing."""

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
from sales_segmentation.report.overview import RETURNED, Overview, overview, top_row
from sales_segmentation.report.separation import separation

YEAR = 12
"""Months."""


def key_figures(figures: Overview) -> str:
    """Return the key figures in one short line."""
    parts = [
        f"{figures.segments} segments",
        f"silhouette {decimal(figures.silhouette)}" if figures.fitted else "models of an earlier run",
        f"{integer(figures.valid)} valid lines",
        f"{percent(figures.rejected_percent)} rejected",
    ]
    if figures.drifted:
        parts.append(f"{figures.drifted} feature{'' if figures.drifted == 1 else 's'} with drift")
    return ", ".join(parts)


def summary(data: ReportData) -> list[str]:
    """Return the sentences, the most important ones first."""
    figures = overview(data)
    answers = data.answers
    sentences = [
        _volume(figures),
        _segments(answers["segment_profile"]),
        *_findings(data),
        separation(data),
        _risk(answers["rfm_grid"]),
        _strongest(answers["revenue_by_region"], answers["revenue_by_category"]),
        _trend(answers["monthly_revenue"], figures.last_day),
        _quality(figures, answers["rejected_lines"]),
    ]
    if not figures.fitted:
        sentences.append(
            f"This run fitted no model: the models of {day(data.facts['model_date'])} assigned the segments."
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
        f"They are divided into {len(profile)} segments. The segment with the most revenue is segment "
        f"{best['segment']} ({best['label'] or 'without a label'}): "
        f"{percent(parse_column([best], 'customers_percent')[0], 0)} of the customers and {percent(share, 0)} of the "
        "revenue."
    )


def _findings(data: ReportData) -> list[str]:
    """Return what the fit of this run found: whether segments only repeat a column, and whether there are groups."""
    fitted = "kmeans" in data.facts["plan"]
    return list(data.metrics.get("kmeans", {}).get("findings", [])) if fitted else []


def _risk(grid: Rows) -> str:
    risk = [row for row in grid if row["at_risk"] == "true"]
    if not risk:
        return ""
    return (
        f"{integer(sum(parse_column(risk, 'customers')))} customers are in the RFM groups At Risk and Cannot Lose "
        "Them: they ordered often, but less lately than most. They have "
        f"{percent(sum(parse_column(risk, 'revenue_percent')), 0)} of the revenue."
    )


def _strongest(regions: Rows, categories: Rows) -> str:
    parts: list[str] = []
    for name, rows in (("region", regions), ("category", categories)):
        if rows:
            best, share = top_row(rows, "revenue")
            unit = "" if parts else " of the revenue"
            parts.append(f"he strongest {name} is {best[name]} with {percent(share, 0)}{unit}")
    return f"T{', and t'.join(parts)}." if parts else ""


def _trend(months: Rows, last_day: str) -> str:
    """Compare the last twelve complete months with the twelve months before; empty if a month is missing."""
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
    comparison = (
        "about the same as"
        if abs(change) < 0.5
        else f"{percent(abs(change))} {'more' if change > 0 else 'less'} than"
    )
    until = month(months[-1]["month"])
    return f"Revenue in the twelve months to {until} was {short_money(last)}, {comparison} in the twelve months before."


def _quality(figures: Overview, rejected: Rows) -> str:
    returned = f" {integer(figures.returned)} returns are set aside." if figures.returned else ""
    if not figures.rejected:
        others = "other lines" if returned else "lines"
        return f"All {integer(figures.valid)} {others} of the input are valid.{returned}"
    reason, share = top_row([row for row in rejected if row["reason"] != RETURNED], "order_lines")
    return (
        f"{integer(figures.rejected)} of {integer(figures.lines)} lines ({percent(figures.rejected_percent)}) were "
        f"rejected, {percent(share, 0)} of them with the reason “{plain_words(reason['reason'])}”.{returned}"
    )
