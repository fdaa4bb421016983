"""The steps of a run: queued once, found again by their names, and explained when they fail."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from airflow.providers.amazon.aws.hooks.emr import EmrHook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk import BaseOperator, Context
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.cluster import LIVE_STATES
from emr_pipeline.extra_links import StepLink, push_step
from emr_pipeline.failure import REFUSAL, Cause, cause_of
from emr_pipeline.logs import step_folder
from emr_pipeline.operators.base import IdempotentAwsOperator, WaitingOperator
from emr_pipeline.operators.cluster import CreateClusterOperator
from emr_pipeline.specs import StepSpec
from emr_pipeline.step import OPEN_STATES, cancellation, queued_steps, spark_step
from emr_pipeline.triggers.base import Event, Resource
from emr_pipeline.triggers.emr import StepTrigger

Step = dict[str, Any]

LOGS_SECONDS = 360
"""EMR copies the logs of a step to S3 every five minutes.
https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html"""

LOOK_AGAIN = 10
"""Seconds between two checks for logs."""


def latest_steps(client: Any, cluster_id: str) -> dict[str, Step]:
    """Return the newest step of each name on a cluster, as ListSteps returns it."""
    pages = client.get_paginator("list_steps").paginate(ClusterId=cluster_id)
    newest_first = [step for page in pages for step in page["Steps"]]
    return {step["Name"]: step for step in reversed(newest_first)}


def check_alive(client: Any, cluster_id: str, task: BaseOperator) -> None:
    """Raise AirflowFailException with EMR's reason if the cluster accepts no more steps."""
    status = client.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]
    if status["State"] not in LIVE_STATES:
        reason = status.get("StateChangeReason", {}).get("Message", "no reason given")
        raise AirflowFailException(
            f"cluster {cluster_id} is {status['State']}: {reason}; to create a new one, clear {_creator(task)}"
        )


def _creator(task: BaseOperator) -> str:
    """Return the ids of the upstream tasks that create a cluster."""
    upstream = task.get_flat_relatives(upstream=True) if task.has_dag() else ()
    ids = sorted(other.task_id for other in upstream if isinstance(other, CreateClusterOperator))
    return " and ".join(ids) or "the task that creates it"


class AddStepsOperator(IdempotentAwsOperator):
    """Queues the steps of a run together, except those that the cluster already has, and returns their ids by name.

    The cluster is therefore not idle between two steps. Difference to EmrAddStepsOperator: AddJobFlowSteps has no
    client token, so a retry of that operator queues every step a second time.
    """

    aws_hook_class = EmrHook
    template_fields = aws_template_fields("cluster_id", "steps", "plan")
    template_fields_renderers: ClassVar[dict[str, str]] = {"steps": "json"}

    def __init__(
        self, *, cluster_id: str, steps: Sequence[StepSpec], plan: Any = None, **kwargs: Any
    ) -> None:
        """``plan`` lists the names of the steps of this run; None for all steps."""
        super().__init__(**kwargs)
        self.cluster_id = cluster_id
        self.steps = [dict(vars(step)) for step in steps]  # Airflow does not render a frozen dataclass
        self.plan: Sequence[str] | None = plan

    def _planned(self) -> list[Step]:
        steps = [spark_step(StepSpec(**step)) for step in self.steps]
        return [step for step in steps if self.plan is None or step["Name"] in self.plan]

    def reconcile(self, context: Context) -> dict[str, str]:
        return self.find_or_create(find=self._all, create=self._add_missing)

    def _ids(self) -> dict[str, str]:
        return {name: step["Id"] for name, step in latest_steps(self.hook.conn, self.cluster_id).items()}

    def _all(self) -> dict[str, str] | None:
        ids = self._ids()
        return ids if all(step["Name"] in ids for step in self._planned()) else None

    def _add_missing(self) -> dict[str, str]:
        check_alive(self.hook.conn, self.cluster_id, self)
        queued = self._ids()
        missing = [step for step in self._planned() if step["Name"] not in queued]
        self.client_without_retries.add_job_flow_steps(JobFlowId=self.cluster_id, Steps=missing)
        return self._ids()


class AwaitStepOperator(WaitingOperator):
    """Waits for a step, which it finds by name, and returns its id.

    A completed step is accepted, a cancelled one is queued again, and a failed one is queued again when Airflow retries
    the task. Differences to EmrStepSensor: that operator finds a step only by id, cannot repeat it, does not cancel it
    when the task is killed, and does not report the cause of a failure.
    """

    aws_hook_class = EmrHook
    template_fields = aws_template_fields("cluster_id", "step")
    template_fields_renderers: ClassVar[dict[str, str]] = {"step": "json"}
    operator_extra_links = (StepLink(),)

    def __init__(
        self, *, cluster_id: str, step: StepSpec, timeout: timedelta = timedelta(hours=2), **kwargs: Any
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.cluster_id = cluster_id
        self.step = dict(vars(step))  # Airflow does not render a frozen dataclass

    def reconcile(self, context: Context) -> Any:
        found = self._latest()
        first_try = context["ti"].try_number == 1
        rejected = found["Id"] if found and not _is_usable(found, first_try) else None
        step_id = self.find_or_create(find=lambda: self._find(rejected), create=self._queue)
        push_step(context["ti"], self.cluster_id, step_id)
        return self.wait_for(context, StepTrigger, cluster_id=self.cluster_id, step_id=step_id)

    def _latest(self) -> Step | None:
        return latest_steps(self.hook.conn, self.cluster_id).get(self.step["name"])

    def _find(self, rejected: str | None) -> str | None:
        """Return the id of the newest step of this name, None if there is none or it is the rejected one."""
        found = self._latest()
        return found["Id"] if found and found["Id"] != rejected else None

    def _queue(self) -> str:
        check_alive(self.hook.conn, self.cluster_id, self)
        step = spark_step(StepSpec(**self.step))
        response = self.client_without_retries.add_job_flow_steps(JobFlowId=self.cluster_id, Steps=[step])
        return str(response["StepIds"][0])

    def cancel(self, resource: Resource) -> None:
        listed = self.hook.conn.list_steps(**queued_steps(resource["cluster_id"]))
        self.hook.conn.cancel_steps(**cancellation(resource, listed))

    def finish(self, context: Context, event: Event) -> str:
        cluster_id, step_id = event["cluster_id"], event["step_id"]
        if event.get("timed_out"):
            self.cancel(event)
            raise AirflowException(
                f"{self.task_id}: step {step_id} has not ended within {self.timeout} and was cancelled"
            )
        if event["state"] == "COMPLETED":
            return str(step_id)
        cluster = self.hook.conn.describe_cluster(ClusterId=cluster_id)["Cluster"]
        cause = self._cause(
            cluster.get("LogUri", ""), cluster_id, step_id, patient=event["state"] == "FAILED"
        )
        reason = event["failure"].get("Message") or cluster["Status"]["StateChangeReason"].get("Message", "")
        message = f"{self.task_id}: {cause.sentence or reason or event['state']}"
        # The job has rejected its input or flags: a retry would fail again.
        failure = AirflowFailException(message) if cause.kind == REFUSAL else AirflowException(message)
        failure.add_note(f"Step {step_id} {event['state']}. Log: {cause.address}")
        for line in cause.excerpt:
            failure.add_note(line)
        raise failure

    def _cause(self, log_uri: str, cluster_id: str, step_id: str, patient: bool) -> Cause:
        """Return the cause from the logs; if ``patient``, wait until EMR has copied them to S3."""
        deadline = time.monotonic() + (LOGS_SECONDS if patient else 0)
        try:
            while (cause := cause_of(self.s3, log_uri, cluster_id, step_id)) is None:
                folder = step_folder(log_uri, cluster_id, step_id)
                if time.monotonic() >= deadline:
                    return Cause(address=f"{folder} (no log yet)")
                self.log.info("Waiting for EMR to copy the logs to %s", folder)
                time.sleep(LOOK_AGAIN)
        except (ClientError, BotoCoreError) as problem:
            return Cause(address=f"unreadable: {problem}")
        return cause


def _is_usable(step: Step, first_try: bool) -> bool:
    """Return whether a step need not be queued again; the first try reports the cause of a step that has failed."""
    state = step["Status"]["State"]
    return state in (*OPEN_STATES, "COMPLETED") or (state == "FAILED" and first_try)
