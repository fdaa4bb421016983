"""The names and colours of segments and features in charts."""

from __future__ import annotations

import textwrap

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.chart import SEGMENTS


def segment_colour(segment: int) -> str:
    return SEGMENTS[segment % len(SEGMENTS)]


def feature_name(feature: str) -> str:
    """``share_soft_drinks`` is Share of soft drinks."""
    words = feature.replace("_", " ").replace("avg ", "average ")
    words = f"share of {words.removeprefix('share ')}" if words.startswith("share ") else words
    return (words[:1].upper() + words[1:]).replace("b2b", "B2B")


def segment_labels(data: ReportData) -> dict[int, str]:
    return {int(row["segment"]): row["label"] for row in data.answers["segment_profile"]}


def segment_name(segment: int, labels: dict[int, str]) -> str:
    return f"{segment}  {labels.get(segment, '')}".strip()


def segment_heading(segment: int, labels: dict[int, str], narrow: bool) -> str:
    """Return the name of a segment beside a row or a column of cells; in a narrow chart only its number."""
    return str(segment) if narrow else textwrap.fill(segment_name(segment, labels), 18)


def short_name(name: str, longest: int = 32) -> str:
    return textwrap.shorten(name, longest, placeholder="…") if " " in name else name[:longest]
