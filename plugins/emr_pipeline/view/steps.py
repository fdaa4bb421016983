"""The step that a task waits for: its description from EMR, and its logs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import pairwise

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import State, TaskInstanceState
from botocore.exceptions import ClientError
from sqlalchemy import select

from emr_pipeline.cost_records import clusters_of_record
from emr_pipeline.extra_links import FAILURE, STEP
from emr_pipeline.failure import Cause, most_specific_cause
from emr_pipeline.logs import Log
from emr_pipeline.settings import Settings
from emr_pipeline.specs import EMR_EC2
from emr_pipeline.targets.phase import Phase
from emr_pipeline.targets.registry import TARGETS
from emr_pipeline.targets.target import Step as TargetStep
from emr_pipeline.targets.target import StepDescription, Target
from emr_pipeline.view import aws
from emr_pipeline.view.pages import Problem
from emr_pipeline.view.reports import xcom_text

NOT_KEPT = (
    "EMR keeps the description of a cluster for two months after its end, "
    "and a local AWS until its state is removed."
)
"""https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-clusters.html"""

UNKNOWN = "not known to AWS"
"""Instead of the state of a step and a cluster whose description AWS has removed."""

_EVENT_LOG = re.compile(r"Logging events to \S+/(?:eventlog_v2_)?([\w-]+)")
"""The line with which Spark names the event log, and so the id, of an application."""


@dataclass(frozen=True)
class Address:
    """The ids of a step and its run."""

    dag_id: str
    run_id: str
    task_id: str
    target: str
    cluster_id: str
    step_id: str
    run_after: datetime
    task_state: str


@dataclass(frozen=True)
class Step:
    """The values on the page of a step; ``folder`` contains its logs, ``console`` is the link to the AWS console."""

    name: str
    cluster_id: str
    cluster_state: str
    step_id: str
    state: str
    phase: Phase
    reason: str
    timeline: tuple[tuple[str, datetime | None], ...]
    command: str
    logs: tuple[Log, ...]
    folder: str
    cause: Cause | None
    console: str

    @property
    def unfinished(self) -> bool:
        return not self.phase.ended

    @property
    def started(self) -> bool:
        return self.timeline[1][1] is not None

    @property
    def seconds(self) -> float | None:
        """The duration of an ended step."""
        _, started, ended = (when for _, when in self.timeline)
        return (ended - started).total_seconds() if started and ended else None


def of_task(dag_id: str, run_id: str, task_id: str, map_index: int) -> Address:
    """Return the step that a task waits for; raise Problem if the task has no step yet or does not exist."""
    this_task = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
    with create_session(scoped=False) as session:
        task = session.execute(
            select(TaskInstance.state, DagRun.run_after)
            .join(TaskInstance.dag_run)
            .filter(*(getattr(TaskInstance, name) == value for name, value in this_task.items()))
        ).one_or_none()
        value = session.scalar(select(XComModel.value).filter_by(**this_task, key=STEP))
        cause = session.scalar(select(XComModel.value).filter_by(**this_task, key=FAILURE))
    if task is None:
        raise Problem(
            "Task not found", f"Run {run_id} of {dag_id} has no task {task_id}.", HTTPStatus.NOT_FOUND
        )
    ids = json.loads(value) if isinstance(value, str) else value
    if not isinstance(ids, Mapping):
        title = "No step" if task.state in State.finished else "No step yet"
        text = f"Task {task_id} is {task.state or 'not scheduled'} and has no step on EMR."
        raise Problem(title, f"{text} {xcom_text(cause)}", HTTPStatus.OK)
    # An XCom of an earlier version of this package has no target.
    target = str(ids.get("target", EMR_EC2))
    cluster_id, step_id = str(ids.get("cluster_id")), str(ids.get("step_id"))
    kind = TARGETS.get(target)
    if kind is None or not (
        re.fullmatch(kind.cluster_id_pattern, cluster_id) and re.fullmatch(kind.step_id_pattern, step_id)
    ):
        raise Problem("No step", f"The XCom {STEP} of task {task_id} is {ids}, which is not a step.", 404)
    return Address(dag_id, run_id, task_id, target, cluster_id, step_id, task.run_after, task.state or "")


def describe(settings: Settings, address: Address) -> Step:
    """Return the step with its logs; raise Problem if its cluster does not belong to the run."""
    cluster_id, step_id = address.cluster_id, address.step_id
    emr = aws.target(settings, address.target)
    with aws.errors_as_problems(settings, f"step {step_id} of cluster {cluster_id}", NOT_KEPT):
        try:
            found = emr.describe(cluster_id, step_id)
        except ClientError as error:
            if not aws.is_not_found(error) or not _is_recorded(settings, address):
                raise
            found = _forgotten(settings, emr, address)
    _check_owner(found.tags, address)
    folder = found.log_folder
    with aws.errors_as_problems(
        settings, f"bucket of the logs, {folder}", "The step itself may have succeeded."
    ):
        # While the step runs, the logs on S3 are minutes old; after its end they are complete.
        running = not found.step.phase.ended
        logs = _read_logs(emr, found, live=running) or _read_logs(emr, found, live=not running)
    return Step(
        name=found.step.name,
        cluster_id=cluster_id,
        cluster_state=found.cluster_state,
        step_id=step_id,
        state=found.step.state,
        phase=found.step.phase,
        reason=found.reason,
        timeline=(("Queued", found.queued), ("Started", found.started), ("Ended", found.ended)),
        command=command(found.arguments),
        # Spark writes much to stderr, so the output of the job comes first.
        logs=tuple(sorted(logs, key=lambda log: not log.name.endswith("stdout"))),
        folder=folder,
        cause=most_specific_cause(logs) if found.step.phase == Phase.FAILED else None,
        console=settings.console_url.rstrip("/") + found.console_path
        if settings.console_url and found.console_path
        else "",
    )


def _read_logs(emr: Target, found: StepDescription, live: bool) -> list[Log]:
    """Return the logs of a step: ``live`` from CloudWatch, otherwise from S3; empty if they are not there."""
    if live:
        return emr.read_live_logs(found.log_streams) if found.log_streams else []
    return emr.read_logs(found.log_folder) if found.log_folder else []


def _is_recorded(settings: Settings, address: Address) -> bool:
    """Return whether the record of the run's cost has the cluster."""
    run = (address.dag_id, address.run_id, address.run_after)
    return address.cluster_id in clusters_of_record(aws.s3(settings).conn, settings.bucket, *run)


def _forgotten(settings: Settings, emr: Target, address: Address) -> StepDescription:
    """Return what is known of a step after AWS has removed its description: the state of its task, and its logs."""
    phase = Phase.SUCCEEDED if address.task_state == TaskInstanceState.SUCCESS else Phase.FAILED
    return StepDescription(
        step=TargetStep(address.step_id, address.task_id, UNKNOWN, phase),
        reason=f"{NOT_KEPT} The task is {address.task_state or 'not scheduled'}.",
        queued=None,
        started=None,
        ended=None,
        arguments=(),
        cluster_state=UNKNOWN,
        tags={"dag_id": address.dag_id, "run_id": address.run_id},
        log_folder=emr.step_folder(settings.s3("logs", ""), address.cluster_id, address.step_id),
        console_path="",
        log_streams=None,
    )


def spark_ui(settings: Settings, address: Address) -> str | None:
    """Return a new URL of the Spark UI of the step; None if it is not ready yet, or Problem as in ``describe``."""
    step = describe(settings, address)
    # The end of a long log does not have this line: the link then leads to the list of applications.
    application = next(filter(None, (_EVENT_LOG.search(log.text) for log in step.logs)), None)
    with aws.errors_as_problems(settings, f"Spark UI of cluster {address.cluster_id}", NOT_KEPT):
        return aws.target(settings, address.target).spark_ui(
            address.cluster_id, address.step_id, application[1] if application else None
        )


def _check_owner(tags: Mapping[str, str], address: Address) -> None:
    """Raise Problem unless the cluster has the tags of the run.

    Otherwise a user who may write XComs could read the logs of any cluster.
    """
    if (tags.get("dag_id"), tags.get("run_id")) != (address.dag_id, address.run_id):
        raise Problem(
            "Not a cluster of this run",
            f"Cluster {address.cluster_id} does not have the tags dag_id and run_id of {address.run_id}.",
            HTTPStatus.NOT_FOUND,
        )


def command(arguments: Sequence[str]) -> str:
    """Return the command line, quoted for a shell, with one line for each flag and its value."""
    lines: list[str] = []
    for before, argument in pairwise(["--", *arguments]):
        if before.startswith("--") and not argument.startswith("--") and lines:
            lines[-1] += f" {shlex.quote(argument)}"
        else:
            lines.append(shlex.quote(argument))
    return " \\\n  ".join(lines)
