"""Steps of a cluster: queued once, waited for by name, and honest about why they failed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from airflow.providers.amazon.aws.hooks.emr import EmrHook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk import Context
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.cluster import LIVE_STATES
from emr_pipeline.extra_links import StepLink, push_step
from emr_pipeline.failure import REFUSAL, Cause, cause_of
from emr_pipeline.logs import step_folder
from emr_pipeline.operators.base import IdempotentAwsOperator, WaitingOperator
from emr_pipeline.step import OPEN_STATES, cancellation, queued_steps
from emr_pipeline.triggers.base import Event, Resource
from emr_pipeline.triggers.emr import StepTrigger

Step = dict[str, Any]

LOGS_SECONDS = 360
"""EMR puts a step's logs on S3 every five minutes; a cluster without work lives longer than that.
https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html"""

LOOK_AGAIN = 10
"""Seconds between two looks for logs."""


def latest_steps(client: Any, cluster_id: str) -> dict[str, Step]:
    """Return the newest step of each name on a cluster, as ListSteps summarises it."""
    pages = client.get_paginator("list_steps").paginate(ClusterId=cluster_id)
    newest_first = [step for page in pages for step in page["Steps"]]
    return {step["Name"]: step for step in reversed(newest_first)}


def check_alive(client: Any, cluster_id: str) -> None:
    """Raise AirflowFailException with EMR's reason when a cluster takes no more steps."""
    status = client.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]
    if status["State"] not in LIVE_STATES:
        reason = status.get("StateChangeReason", {}).get("Message", "no reason given")
        raise AirflowFailException(
            f"cluster {cluster_id} is {status['State']}: {reason}; clear create_cluster to have a new one"
        )


class AddStepsOperator(IdempotentAwsOperator):
    """Queues all planned steps at once, so that the cluster never idles between them; leaves out those already there.

    Instead of EmrAddStepsOperator: its retry queues every step a second time (AddJobFlowSteps has no client token).
    ``plan`` lists the names of the steps of this run. Returns the step ids by name.
    """

    aws_hook_class = EmrHook
    template_fields = aws_template_fields("cluster_id", "steps", "plan")
    template_fields_renderers: ClassVar[dict[str, str]] = {"steps": "json"}

    def __init__(self, *, cluster_id: str, steps: Sequence[Step], plan: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cluster_id = cluster_id
        self.steps = steps
        self.plan: Sequence[str] = plan

    def _planned(self) -> list[Step]:
        return [step for step in self.steps if step["Name"] in self.plan]

    def reconcile(self, context: Context) -> dict[str, str]:
        return self.find_or_create(find=self._all, create=self._add_missing)

    def _ids(self) -> dict[str, str]:
        return {name: step["Id"] for name, step in latest_steps(self.hook.conn, self.cluster_id).items()}

    def _all(self) -> dict[str, str] | None:
        ids = self._ids()
        return ids if all(step["Name"] in ids for step in self._planned()) else None

    def _add_missing(self) -> dict[str, str]:
        check_alive(self.hook.conn, self.cluster_id)
        there = self._ids()
        missing = [step for step in self._planned() if step["Name"] not in there]
        self.client_without_retries.add_job_flow_steps(JobFlowId=self.cluster_id, Steps=missing)
        return self._ids()


class AwaitStepOperator(WaitingOperator):
    """Waits for the step that bears this task's name and returns its id.

    Instead of EmrStepSensor: that one knows a step only by id, cannot repeat it, leaves it running when the task is
    killed, and says of a failure no more than that there was one. Here a step that is pending or running is waited
    for, a completed one accepted, a cancelled one queued again, and a failed one queued again when Airflow retries.
    """

    aws_hook_class = EmrHook
    template_fields = aws_template_fields("cluster_id", "step")
    template_fields_renderers: ClassVar[dict[str, str]] = {"step": "json"}
    operator_extra_links = (StepLink(),)

    def __init__(
        self, *, cluster_id: str, step: Step, timeout: timedelta = timedelta(hours=2), **kwargs: Any
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.cluster_id = cluster_id
        self.step = step

    def reconcile(self, context: Context) -> Any:
        passed_over: set[str] = set()
        found = latest_steps(self.hook.conn, self.cluster_id).get(self.step["Name"])
        if found and not _stands(found, first_try=context["ti"].try_number == 1):
            passed_over.add(found["Id"])
        step_id = self.find_or_create(find=lambda: self._find(passed_over), create=self._queue)
        push_step(context["ti"], self.cluster_id, step_id)
        return self.wait_for(context, StepTrigger, cluster_id=self.cluster_id, step_id=step_id)

    def _find(self, passed_over: set[str]) -> str | None:
        """Return the id of the newest step of this name, unless it is one that was passed over."""
        found = latest_steps(self.hook.conn, self.cluster_id).get(self.step["Name"])
        return found["Id"] if found and found["Id"] not in passed_over else None

    def _queue(self) -> str:
        check_alive(self.hook.conn, self.cluster_id)
        response = self.client_without_retries.add_job_flow_steps(
            JobFlowId=self.cluster_id, Steps=[self.step]
        )
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
        # The job has refused its input; the same input will not do better on a retry.
        failure = AirflowFailException(message) if cause.kind == REFUSAL else AirflowException(message)
        failure.add_note(f"Step {step_id} {event['state']}. Log: {cause.address}")
        for line in cause.excerpt:
            failure.add_note(line)
        raise failure

    def _cause(self, log_uri: str, cluster_id: str, step_id: str, patient: bool) -> Cause:
        """Return what the logs say; with patience, wait until EMR has put them on S3."""
        deadline = time.monotonic() + (LOGS_SECONDS if patient else 0)
        try:
            while (cause := cause_of(self.s3, log_uri, cluster_id, step_id)) is None:
                folder = step_folder(log_uri, cluster_id, step_id)
                if time.monotonic() >= deadline:
                    return Cause(address=f"{folder} (nothing there yet)")
                self.log.info("EMR has put no log at %s yet", folder)
                time.sleep(LOOK_AGAIN)
        except (ClientError, BotoCoreError) as problem:
            return Cause(address=f"unreadable: {problem}")
        return cause


def _stands(step: Step, first_try: bool) -> bool:
    """Return whether a step need not be queued again; the first try owes the user the cause of a failure it finds."""
    state = step["Status"]["State"]
    return state in (*OPEN_STATES, "COMPLETED") or (state == "FAILED" and first_try)
