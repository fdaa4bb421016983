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

from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import State
from sqlalchemy import select

from emr_pipeline.extra_links import FAILURE, STEP
from emr_pipeline.failure import Cause, most_specific_cause
from emr_pipeline.logs import Log
from emr_pipeline.settings import Settings
from emr_pipeline.specs import EMR_EC2
from emr_pipeline.targets.phase import Phase
from emr_pipeline.targets.registry import TARGETS
from emr_pipeline.view import aws
from emr_pipeline.view.pages import Problem
from emr_pipeline.view.reports import xcom_text

NOT_KEPT = (
    "EMR keeps the description of a cluster for two months after its end, and a local AWS until its state is removed. "
    "The logs stay on S3."
)
"""https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-clusters.html"""

_EVENT_LOG = re.compile(r"Logging events to \S+/(?:eventlog_v2_)?([\w-]+)")
"""The line with which Spark names the event log, and so the id, of an application."""


@dataclass(frozen=True)
class Address:
    """The ids of a step and its run."""

    dag_id: str
    run_id: str
    target: str
    cluster_id: str
    step_id: str


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
        state = session.execute(select(TaskInstance.state).filter_by(**this_task)).one_or_none()
        value = session.scalar(select(XComModel.value).filter_by(**this_task, key=STEP))
        cause = session.scalar(select(XComModel.value).filter_by(**this_task, key=FAILURE))
    if state is None:
        raise Problem(
            "Task not found", f"Run {run_id} of {dag_id} has no task {task_id}.", HTTPStatus.NOT_FOUND
        )
    ids = json.loads(value) if isinstance(value, str) else value
    if not isinstance(ids, Mapping):
        title = "No step" if state[0] in State.finished else "No step yet"
        text = f"Task {task_id} is {state[0] or 'not scheduled'} and has no step on EMR."
        raise Problem(title, f"{text} {xcom_text(cause)}", HTTPStatus.OK)
    # An XCom of an earlier version of this package has no target.
    target = str(ids.get("target", EMR_EC2))
    cluster_id, step_id = str(ids.get("cluster_id")), str(ids.get("step_id"))
    kind = TARGETS.get(target)
    if kind is None or not (
        re.fullmatch(kind.cluster_id_pattern, cluster_id) and re.fullmatch(kind.step_id_pattern, step_id)
    ):
        raise Problem("No step", f"The XCom {STEP} of task {task_id} is {ids}, which is not a step.", 404)
    return Address(dag_id, run_id, target, cluster_id, step_id)


def describe(settings: Settings, address: Address) -> Step:
    """Return the step with its logs; raise Problem if its cluster does not belong to the run."""
    cluster_id, step_id = address.cluster_id, address.step_id
    emr = aws.target(settings, address.target)
    with aws.errors_as_problems(settings, f"step {step_id} of cluster {cluster_id}", NOT_KEPT):
        found = emr.describe(cluster_id, step_id)
    _check_owner(found.tags, address)
    folder = found.log_folder
    with aws.errors_as_problems(
        settings, f"bucket of the logs, {folder}", "The step itself may have succeeded."
    ):
        logs = emr.read_logs(folder) if folder else []
        if not logs and found.log_streams:
            logs = emr.read_live_logs(found.log_streams)
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
        console=settings.console_url.rstrip("/") + found.console_path if settings.console_url else "",
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
