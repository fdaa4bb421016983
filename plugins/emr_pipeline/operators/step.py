"""The steps of a run: queued once, found again by their names, and explained when they fail."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk import BaseOperator, Context
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.extra_links import LINKS, push_step, step_page
from emr_pipeline.failure import REFUSAL, Cause, most_specific_cause
from emr_pipeline.lineage import lineage, with_parent_run
from emr_pipeline.operators.base import TargetOperator, WaitingOperator
from emr_pipeline.operators.cluster import CreateClusterOperator
from emr_pipeline.specs import StepSpec
from emr_pipeline.targets.phase import Phase
from emr_pipeline.targets.target import Step, Target
from emr_pipeline.triggers.base import Event, Resource

LOOK_AGAIN = 10
"""Seconds between two checks for logs."""

CANCELLATION_SECONDS = 300
"""How long a retry waits until the cancelled step of an earlier try has ended."""


def check_alive(emr: Target, cluster_id: str, task: BaseOperator) -> None:
    """Raise AirflowFailException with AWS's reason if the cluster accepts no more steps."""
    if ended := emr.why_ended(cluster_id):
        raise AirflowFailException(
            f"cluster {cluster_id} is {ended}; to create a new one, clear {_creator(task)}"
        )


def _creator(task: BaseOperator) -> str:
    """Return the ids of the upstream tasks that create a cluster."""
    upstream = task.get_flat_relatives(upstream=True) if task.has_dag() else ()
    ids = sorted(other.task_id for other in upstream if isinstance(other, CreateClusterOperator))
    return " and ".join(ids) or "the task that creates it"


class AddStepsOperator(TargetOperator):
    """Queues the steps of a run together, except those that the cluster already has, and returns their ids by name.

    The cluster is therefore not idle between two steps. Difference to EmrAddStepsOperator: AddJobFlowSteps has no
    client token, so a retry of that operator queues every step a second time.
    """

    template_fields = aws_template_fields("cluster_id", "steps", "plan", "target")
    template_fields_renderers: ClassVar[dict[str, str]] = {"steps": "json"}

    def __init__(
        self, *, cluster_id: str, steps: Sequence[StepSpec], plan: Any = None, **kwargs: Any
    ) -> None:
        """``plan`` lists the names of the steps of this run; None for all steps."""
        super().__init__(**kwargs)
        self.cluster_id = cluster_id
        self.steps = [dict(vars(step)) for step in steps]  # Airflow does not render a frozen dataclass
        self.plan: Sequence[str] | None = plan

    def _planned(self) -> list[StepSpec]:
        steps = [StepSpec(**step) for step in self.steps]
        return [step for step in steps if self.plan is None or step.name in self.plan]

    def reconcile(self, context: Context) -> dict[str, str]:
        ids = self.find_or_create(find=self._all, create=lambda: self._add_missing(context))
        queued = ", ".join(f"{name} {step_id}" for name, step_id in ids.items())
        self.log.info(
            "Steps of cluster %s: %s", self.cluster_id, queued or "none, each is submitted by its task"
        )
        return ids

    def _ids(self) -> dict[str, str]:
        return {name: step.step_id for name, step in self.emr.latest_steps(self.cluster_id).items()}

    def _all(self) -> dict[str, str] | None:
        ids = self._ids()
        return ids if all(step.name in ids for step in self._planned()) else None

    def _add_missing(self, context: Context) -> dict[str, str]:
        check_alive(self.emr, self.cluster_id, self)
        queued = self._ids()
        missing = [step for step in self._planned() if step.name not in queued]
        children = [replace(step, conf=with_parent_run(step.conf, context)) for step in missing]
        self.emr.queue(self.cluster_id, children)
        return self._ids()


class AwaitStepOperator(TargetOperator, WaitingOperator):
    """Waits for a step, which it finds by name, and returns its id.

    A completed step is accepted, a cancelled one is queued again, and a failed one is queued again when Airflow retries
    the task. Differences to EmrStepSensor: that operator finds a step only by id, cannot repeat it, does not cancel it
    when the task is killed, and does not report the cause of a failure.
    """

    template_fields = aws_template_fields("cluster_id", "step", "target")
    template_fields_renderers: ClassVar[dict[str, str]] = {"step": "json"}
    operator_extra_links = LINKS

    def __init__(
        self, *, cluster_id: str, step: StepSpec, timeout: timedelta = timedelta(hours=2), **kwargs: Any
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.cluster_id = cluster_id
        self.step = dict(vars(step))  # Airflow does not render a frozen dataclass

    def reconcile(self, context: Context) -> Any:
        found = self._latest_settled()
        first_try = context["ti"].try_number == 1
        rejected = found.step_id if found and not _is_usable(found, first_try) else None
        step_id = self.find_or_create(
            find=lambda: self._find(rejected), create=lambda: self._submit(context, rejected)
        )
        step = {"target": self.target, "cluster_id": self.cluster_id, "step_id": step_id}
        push_step(context["ti"], step)
        streams = self.emr.log_streams(self.cluster_id, step_id)
        log = {"log": streams.live_log()} if streams else {}
        return self.wait_for(context, self.emr.step_trigger, **step, **log)

    def _latest(self) -> Step | None:
        return self.emr.latest_steps(self.cluster_id).get(self.step["name"])

    def _latest_settled(self) -> Step | None:
        """Return the newest step of this name, once it is no longer being cancelled: until then it may still write."""
        deadline = time.monotonic() + CANCELLATION_SECONDS
        while (found := self._latest()) and found.phase == Phase.CANCELLING:
            if time.monotonic() >= deadline:
                raise AirflowException(
                    f"{self.task_id}: step {found.step_id} of an earlier try is still {found.state} after "
                    f"{CANCELLATION_SECONDS} s, so it was not submitted again; clear this task when the step has ended"
                )
            time.sleep(1)
        return found

    def _find(self, rejected: str | None) -> str | None:
        """Return the id of the newest step of this name, None if there is none or it is the rejected one."""
        found = self._latest()
        return found.step_id if found and found.step_id != rejected else None

    def _submit(self, context: Context, previous: str | None) -> str:
        check_alive(self.emr, self.cluster_id, self)
        step = StepSpec(**self.step)
        child = replace(step, conf=with_parent_run(step.conf, context))
        return self.emr.submit(self.cluster_id, child, previous)

    def get_openlineage_facets_on_start(self) -> Any:
        return lineage(self.step["inputs"], self.step["outputs"])

    def cancel(self, resource: Resource) -> None:
        self.emr.cancel(resource)

    def finish(self, context: Context, event: Event) -> str:
        cluster_id, step_id = event["cluster_id"], event["step_id"]
        if event.get("timed_out"):
            self.cancel(event)
            raise AirflowException(
                f"{self.task_id}: step {step_id} has not ended within {self.timeout} and was cancelled"
            )
        if event["phase"] == Phase.SUCCEEDED:
            page = step_page(context["ti"])
            took = f"{event['state']} after {event['seconds']:.0f} s"
            self.log.info(
                "Step %s of cluster %s: %s; its page with the logs: %s", step_id, cluster_id, took, page
            )
            return str(step_id)
        folder = self.emr.log_folder(cluster_id, step_id)
        cause = self._cause(folder, patient=event["phase"] == Phase.FAILED)
        reason = event["reason"] or self.emr.end_reason(cluster_id)
        message = f"{self.task_id}: {cause.sentence or reason or event['state']}"
        # The job has rejected its input or flags: a retry would fail again.
        failure = AirflowFailException(message) if cause.kind == REFUSAL else AirflowException(message)
        failure.add_note(f"Step {step_id} {event['state']}. Log: {cause.address}")
        for line in cause.excerpt:
            failure.add_note(line)
        raise failure

    def _cause(self, folder: str, patient: bool) -> Cause:
        """Return the cause from the logs; if ``patient``, wait until AWS has copied them to S3.

        Logs without a cause may be an earlier copy, if the target also copies those of running steps.
        """
        if not folder:
            return Cause(address=f"none, cluster {self.cluster_id} writes no logs to S3")
        deadline = time.monotonic() + (self.emr.logs_seconds if patient else 0)
        try:
            while True:
                cause = most_specific_cause(self.emr.read_logs(folder))
                complete = cause and (cause.sentence or not self.emr.logs_while_running)
                if complete or time.monotonic() >= deadline:
                    return cause or Cause(address=f"{folder} (no log yet)")
                self.log.info("Waiting for EMR to copy the logs to %s", folder)
                time.sleep(LOOK_AGAIN)
        except (ClientError, BotoCoreError) as problem:
            return Cause(address=f"unreadable: {problem}")


def _is_usable(step: Step, first_try: bool) -> bool:
    """Return whether a step need not be submitted again; the first try reports the cause of a failed step."""
    return step.phase in (Phase.OPEN, Phase.SUCCEEDED) or (step.phase == Phase.FAILED and first_try)
