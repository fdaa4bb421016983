"""The input of a run's report: query results, metrics and facts, but not the datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emr_pipeline.cost import ClusterCost
from emr_pipeline.prices import Prices

Rows = list[dict[str, str]]
"""A query result; all values are strings, NULL is ''."""


@dataclass(frozen=True)
class ReportData:
    """The query results by question, the metrics by job, and facts about the run."""

    answers: Mapping[str, Rows]
    metrics: Mapping[str, Mapping[str, Any]]
    """Jobs whose metrics file cannot be read are missing."""
    facts: Mapping[str, Any]
    """Facts that the DAG passes to its report, such as the run date."""
    seconds: float | None = None
    """Seconds since the start of the run."""
    cluster: ClusterCost | None = None
    prices: Prices | None = None
    """The list prices of the region; None if the cluster is unknown."""
