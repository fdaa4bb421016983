"""How far the segments are apart, in words that follow from the silhouettes of the customers."""

from __future__ import annotations

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.formatting import decimal, parse_column, percent

CLEAR, BLURRED = 0.01, 0.1
"""Shares of the customers who are nearer to another segment than to their own."""


def separation(data: ReportData) -> str:
    """Return the mean silhouette and the share of customers nearer to another segment, or an empty string."""
    rows = [row for row in data.answers["segment_silhouette"] if row["silhouette"]]
    if len(rows) < 2:
        return ""
    sizes = parse_column(rows, "customers")
    customers = sum(sizes)
    silhouettes = parse_column(rows, "silhouette")
    mean = sum(size * value for size, value in zip(sizes, silhouettes, strict=True)) / customers
    nearer = sum(parse_column(rows, "nearer_to_another")) / customers
    if nearer <= CLEAR:
        verdict = "almost no customer is nearer to another segment"
    elif nearer <= BLURRED:
        verdict = (
            f"{percent(100 * nearer)} of the customers are nearer to another segment: the edges are blurred"
        )
    else:
        verdict = (
            f"{percent(100 * nearer)} of the customers are nearer to another segment: the segments overlap"
        )
    return f"The mean silhouette is {decimal(mean)}; {verdict}."
