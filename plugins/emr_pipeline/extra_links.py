"""The link between tasks and the pages in the web UI: XCom keys, and an operator extra link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import conf
from airflow.sdk import BaseOperatorLink

URL_PREFIX = "emr-pipeline"
"""The path of the pages, below that of Airflow."""

STEP = "emr_step"
"""XCom key of the step that a task waits for: a mapping with ``target``, ``cluster_id`` and ``step_id``."""

KEY_FIGURES = "key_figures"
"""XCom key of the task that publishes the report: one line of text for the list of reports and the run's note."""

FAILURE = "failure"
"""XCom key of a failed task: the cause in one line, for the run's note and the page of its step."""

QUERY_ID = "query_id"
"""XCom key of a task that runs a statement on Athena: its query execution id, also if the query fails."""

COST = "run_cost"
"""XCom key of the task that records the cost of the run: one line of text for the run's note."""


class StepLink(BaseOperatorLink):
    """The link to the page of the task's step.

    Airflow's UI reads the address from an XCom, which Airflow pushes only when the task ends or is deferred.
    """

    name = "Step and log"
    xcom_key = "emr_step_page"
    page = "step"

    def get_link(self, operator: object, *, ti_key: Any) -> str:
        """Return the address relative to the root of the UI, which only the browser knows."""
        names = (quote(name, safe="") for name in (ti_key.dag_id, ti_key.run_id, ti_key.task_id))
        path = "{}/dags/{}/runs/{}/tasks/{}/{}".format(URL_PREFIX, *names, self.page)
        mapped = ti_key.map_index is not None and ti_key.map_index >= 0
        return f"{path}?map_index={ti_key.map_index}" if mapped else path


class SparkUiLink(StepLink):
    """The link to the Spark UI of the task's step, also when its cluster has ended."""

    name = "Spark UI"
    xcom_key = "emr_spark_ui"
    page = "spark-ui"


LINKS = (StepLink(), SparkUiLink())


def step_page(ti: Any) -> str:
    """Return the absolute address of the page of the task's step, below Airflow's ``[api] base_url``."""
    base = conf.get("api", "base_url", fallback="http://localhost:8080/").rstrip("/")
    return f"{base}/{StepLink().get_link(None, ti_key=ti)}"


def push_step(ti: Any, step: Mapping[str, str]) -> None:
    """Push the XComs for the step's pages and the links to them, so that both work while the task still waits."""
    ti.xcom_push(key=STEP, value=dict(step))
    for link in LINKS:
        ti.xcom_push(key=link.xcom_key, value=link.get_link(None, ti_key=ti))
