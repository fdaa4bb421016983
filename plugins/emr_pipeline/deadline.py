"""From when the time of a run is counted, for Airflow's deadline alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk.definitions.deadline import BaseDeadlineReference


class RunCreated(BaseDeadlineReference):
    """The creation of the run, at which Airflow asks for it; a run that is cleared keeps its deadline.

    Airflow's own ``DAGRUN_QUEUED_AT`` would be counted anew, but with it 3.3.0 and later answer whoever clears a task
    with an error 500: https://github.com/apache/airflow/issues/70368.
    """

    def _evaluate_with(self, **_: Any) -> datetime:
        return datetime.now(UTC)
