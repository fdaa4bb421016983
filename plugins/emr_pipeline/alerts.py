"""Alerts about a run: always a line in the log, and a message of Amazon SNS where a topic is set.

The message is written here and not as a template, so that nothing a user has typed, a run id for one, is rendered.
An alert that cannot be sent changes nothing of the run: Airflow logs what went wrong and goes on.
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
    """What the alerts have in common; ``topic_arn`` may be empty, then the log is all there is."""

    def __init__(self, *, topic_arn: str, aws_conn_id: str, **kwargs: Any) -> None:
        super().__init__(target_arn=topic_arn, aws_conn_id=aws_conn_id, message="", **kwargs)

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render nothing; with nothing to render, an alert also works in ``dag.test()``, which has no templates."""

    def write(self, dag_id: str, run_id: str, trouble: str) -> bool:
        """Log the message and return whether it is also to be sent."""
        base = conf.get("api", "base_url", fallback="http://localhost:8080/").rstrip("/")
        self.subject = f"{dag_id}: {trouble}"[:SUBJECT_LENGTH]
        self.message = f"{dag_id}: {trouble}. Run {run_id}: {base}/dags/{dag_id}/runs/{quote(run_id)}"
        self.log.error("ALERT %s", self.message)
        return bool(self.target_arn)


class FailureAlert(RunAlert):
    """Names the failed tasks of a failed run; for a DAG's ``on_failure_callback``, called in the DAG processor."""

    def notify(self, context: Context) -> None:
        dag_id, run_id = context["dag"].dag_id, context["run_id"]
        tasks = ", ".join(failed_tasks(context)) or "no task, see the run"
        if self.write(dag_id, run_id, f"failed in {tasks}"):
            super().notify(context)


def failed_tasks(context: Context) -> list[str]:
    """Return the failed tasks of a run, each once; only the last of them where Airflow does not tell the others."""
    ti: Any = context.get("ti")
    if ti is None:
        return []
    try:
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    except Exception:  # noqa: BLE001 - an alert that names one task is better than none
        return [ti.task_id]
    # An instance of a mapped task is told as <task id>_<index>.
    mapped = [task.task_id for task in context["dag"].tasks if task.is_mapped]
    failed = [name for name, state in states.items() if state == "failed"]
    return sorted({next((m for m in mapped if name.rpartition("_")[0] == m), name) for name in failed})


class LateAlert(RunAlert):
    """Says that a run has not ended in time; called in the triggerer, with as much context as there is of a run."""

    async def async_notify(self, context: Context) -> None:
        run: Any = context["dag_run"]
        # That run has had its alert, but Airflow keeps its deadline: https://github.com/apache/airflow/issues/60927
        if run["state"] == "failed":
            return
        deadline: datetime = context["deadline"]["deadline_time"]  # type: ignore[typeddict-item]
        trouble = f"late, was to end by {deadline:%Y-%m-%d %H:%M} UTC and is {run['state']}"
        if self.write(run["dag_id"], run["dag_run_id"], trouble):
            await super().async_notify(context)


def late_after(interval: timedelta, settings: Settings) -> DeadlineAlert:
    """Return the deadline of a DAG's runs: an alert ``interval`` after a run was created, unless it has ended."""
    return DeadlineAlert(
        name=f"ends within {interval}",
        reference=RunCreated(),
        interval=interval,
        callback=AsyncCallback(LateAlert, kwargs=_address(settings)),
    )


def on_failure(settings: Settings) -> FailureAlert:
    """Return the callback that tells of a failed run."""
    return FailureAlert(**_address(settings))


def _address(settings: Settings) -> dict[str, str]:
    return {"topic_arn": settings.alert_topic_arn, "aws_conn_id": settings.aws_conn_id}
