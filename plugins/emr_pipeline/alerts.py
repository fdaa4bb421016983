"""Alerts about a run: a line in the log, and a message to an Amazon SNS topic if one is set.

The message is not a template, so that user input, such as a run id, is never rendered. If an alert cannot be sent,
Airflow logs the error, and the run is not affected.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.providers.common.compat.sdk import conf
from airflow.sdk import Context
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert

from emr_pipeline.deadline import RunCreated
from emr_pipeline.settings import Settings

SUBJECT_LENGTH = 99
"""https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: less than 100 characters."""


class RunAlert(SnsNotifier):
    """The base class of the alerts; with an empty ``topic_arn`` an alert is only logged."""

    def __init__(self, *, topic_arn: str, aws_conn_id: str, **kwargs: Any) -> None:
        super().__init__(target_arn=topic_arn, aws_conn_id=aws_conn_id, message="", **kwargs)

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render nothing. So an alert also works in ``dag.test()``, which has no template environment."""

    def log_message(self, dag_id: str, run_id: str, problem: str) -> bool:
        """Set and log the message; return whether it must also be sent."""
        base = conf.get("api", "base_url", fallback="http://localhost:8080/").rstrip("/")
        self.subject = f"{dag_id}: {problem}"[:SUBJECT_LENGTH]
        self.message = f"{dag_id}: {problem}. Run {run_id}: {base}/dags/{dag_id}/runs/{quote(run_id)}"
        self.log.error("ALERT %s", self.message)
        return bool(self.target_arn)


class FailureAlert(RunAlert):
    """Names the failed tasks of a run; the DAG processor calls it as the DAG's ``on_failure_callback``."""

    def notify(self, context: Context) -> None:
        dag_id, run_id = context["dag"].dag_id, context["run_id"]
        tasks = ", ".join(failed_tasks(context)) or "no task, see the run"
        if self.log_message(dag_id, run_id, f"failed in {tasks}"):
            super().notify(context)


def failed_tasks(context: Context) -> list[str]:
    """Return the ids of the failed tasks of a run; only the last one if Airflow does not return the task states."""
    ti: Any = context.get("ti")
    if ti is None:
        return []
    try:
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    except Exception:  # noqa: BLE001 - an alert that names one task is better than none
        return [ti.task_id]
    # The key of an instance of a mapped task is <task id>_<index>.
    mapped = [task.task_id for task in context["dag"].tasks if task.is_mapped]
    failed = [name for name, state in states.items() if state == "failed"]
    return sorted({next((m for m in mapped if name.rpartition("_")[0] == m), name) for name in failed})


class LateAlert(RunAlert):
    """Reports that a run has not ended in time; the triggerer calls it with a context of the run without tasks."""

    async def async_notify(self, context: Context) -> None:
        run: Any = context["dag_run"]
        # FailureAlert has reported the run, but Airflow keeps its deadline: https://github.com/apache/airflow/issues/60927
        # A backfill creates all its runs at once, and most of them wait for hours.
        if run["state"] == "failed" or run["run_type"] == "backfill":
            return
        deadline: datetime = context["deadline"]["deadline_time"]  # type: ignore[typeddict-item]
        problem = f"late, its deadline was {deadline:%Y-%m-%d %H:%M} UTC and it is {run['state']}"
        if self.log_message(run["dag_id"], run["dag_run_id"], problem):
            await super().async_notify(context)


def late_after(interval: timedelta, settings: Settings) -> DeadlineAlert:
    """Return a DAG's deadline: LateAlert is called ``interval`` after the creation of a run that has not ended."""
    return DeadlineAlert(
        name=f"ends within {interval}",
        reference=RunCreated(),
        interval=interval,
        callback=AsyncCallback(LateAlert, kwargs=_topic(settings)),
    )


def on_failure(settings: Settings) -> FailureAlert:
    """Return the ``on_failure_callback`` of a DAG."""
    return FailureAlert(**_topic(settings))


def _topic(settings: Settings) -> dict[str, str]:
    return {"topic_arn": settings.alert_topic_arn, "aws_conn_id": settings.aws_conn_id}
