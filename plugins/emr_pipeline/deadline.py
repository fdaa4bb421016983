"""A reference for Airflow's deadline alerts: the time from which the interval is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk.definitions.deadline import BaseDeadlineReference


class RunCreated(BaseDeadlineReference):
    """The creation of the run, when Airflow evaluates the reference; a run that is cleared keeps its deadline.

    Airflow's ``DAGRUN_QUEUED_AT`` would start again, but with it Airflow 3.3.0 and later respond with an error 500 when
    a task is cleared: https://github.com/apache/airflow/issues/70368.
    """

    def _evaluate_with(self, **_: Any) -> datetime:
        return datetime.now(UTC)
