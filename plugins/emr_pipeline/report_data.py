"""What a report of a run is made from: all of it small, none of it the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emr_pipeline.cost import ClusterCost

Rows = list[dict[str, str]]
"""The answer to a question; all values are text as Athena gives them, NULL is ''."""


@dataclass(frozen=True)
class ReportData:
    """The answers by question, the metrics by job, and what is known of the run."""

    answers: Mapping[str, Rows]
    metrics: Mapping[str, Mapping[str, Any]]
    """A job whose file could not be read is missing."""
    facts: Mapping[str, Any]
    """What the DAG itself says of the run."""
    seconds: float | None = None
    """From the start of the run until now."""
    cluster: ClusterCost | None = None
