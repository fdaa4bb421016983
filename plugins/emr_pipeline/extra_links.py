"""What tasks leave for the pages in the web UI: XComs under these keys, and a button on the task."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

URL_PREFIX = "emr-pipeline"
"""Where the pages are mounted, below Airflow's own path."""

STEP = "emr_step"
"""XCom of a task that waits for a step: its ``cluster_id`` and ``step_id``."""

KEY_FIGURES = "key_figures"
"""XCom of the task that publishes the report: one line of text for the list of reports."""


class StepLink(BaseOperatorLink):
    """The button that leads to the page of the task's step.

    Airflow's UI reads the address from an XCom, which Airflow itself pushes only when the task ends or defers.
    """

    name = "Step and log"
    xcom_key = "emr_step_page"

    def get_link(self, operator: object, *, ti_key: Any) -> str:
        """Return the address relative to the UI's root, which only the browser knows for certain."""
        names = (quote(name, safe="") for name in (ti_key.dag_id, ti_key.run_id, ti_key.task_id))
        path = "{}/dags/{}/runs/{}/tasks/{}/step".format(URL_PREFIX, *names)
        mapped = ti_key.map_index is not None and ti_key.map_index >= 0
        return f"{path}?map_index={ti_key.map_index}" if mapped else path


def push_step(ti: Any, cluster_id: str, step_id: str) -> None:
    """Make the step's page and the button to it work from now on, while the task still waits."""
    ti.xcom_push(key=STEP, value={"cluster_id": cluster_id, "step_id": step_id})
    ti.xcom_push(key=StepLink.xcom_key, value=StepLink().get_link(None, ti_key=ti))
