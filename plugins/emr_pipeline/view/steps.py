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
from typing import Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

from emr_pipeline.extra_links import STEP
from emr_pipeline.failure import Cause, most_specific_cause
from emr_pipeline.logs import Log, step_folder, step_logs
from emr_pipeline.settings import Settings
from emr_pipeline.step import UNFINISHED_STATES
from emr_pipeline.view import aws
from emr_pipeline.view.pages import Problem

NOT_KEPT = "EMR keeps the description of a cluster for two months after its end. The logs stay on S3."
"""https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-clusters.html"""

_CLUSTER_ID, _STEP_ID = re.compile(r"j-[A-Z0-9]+", re.ASCII), re.compile(r"s-[A-Z0-9]+", re.ASCII)


@dataclass(frozen=True)
class Address:
    """The ids of a step and its run."""

    dag_id: str
    run_id: str
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
    reason: str
    timeline: tuple[tuple[str, datetime | None], ...]
    command: str
    logs: tuple[Log, ...]
    folder: str
    cause: Cause | None
    console: str

    @property
    def unfinished(self) -> bool:
        return self.state in UNFINISHED_STATES

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
    if state is None:
        raise Problem(
            "Task not found", f"Run {run_id} of {dag_id} has no task {task_id}.", HTTPStatus.NOT_FOUND
        )
    ids = json.loads(value) if isinstance(value, str) else value
    if not isinstance(ids, Mapping):
        raise Problem(
            "No step yet", f"Task {task_id} is {state[0] or 'not scheduled'} and has no step on EMR.", 200
        )
    cluster_id, step_id = str(ids.get("cluster_id")), str(ids.get("step_id"))
    if not (_CLUSTER_ID.fullmatch(cluster_id) and _STEP_ID.fullmatch(step_id)):
        raise Problem("No step", f"The XCom {STEP} of task {task_id} is {ids}, which is not a step.", 404)
    return Address(dag_id, run_id, cluster_id, step_id)


def describe(settings: Settings, address: Address) -> Step:
    """Return the step with its logs; raise Problem if its cluster does not belong to the run."""
    cluster_id, step_id = address.cluster_id, address.step_id
    client = aws.emr(settings)
    with aws.errors_as_problems(settings, f"step {step_id} of cluster {cluster_id}", NOT_KEPT):
        cluster = client.describe_cluster(ClusterId=cluster_id)["Cluster"]
        _check_owner(cluster, address)
        step = client.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"]
    status = step["Status"]
    log_uri = cluster.get("LogUri", "")
    with aws.errors_as_problems(
        settings, f"bucket of the logs, {log_uri}", "The step itself may have succeeded."
    ):
        logs = step_logs(aws.s3(settings), log_uri, cluster_id, step_id) if log_uri else []
    return Step(
        name=step["Name"],
        cluster_id=cluster_id,
        cluster_state=cluster["Status"]["State"],
        step_id=step_id,
        state=status["State"],
        reason=_reason(status),
        timeline=_timeline(status["Timeline"]),
        command=command(step["Config"]["Args"]),
        logs=tuple(logs),
        folder=step_folder(log_uri, cluster_id, step_id) if log_uri else "",
        cause=most_specific_cause(logs) if status["State"] == "FAILED" else None,
        console=_console(settings.console_url, client.meta.region_name, cluster_id),
    )


def _check_owner(cluster: Mapping[str, Any], address: Address) -> None:
    """Raise Problem unless the cluster has the tags of the run.

    Otherwise a user who may write XComs could read the logs of any cluster.
    """
    tags = {tag["Key"]: tag["Value"] for tag in cluster.get("Tags", ())}
    if (tags.get("dag_id"), tags.get("run_id")) != (address.dag_id, address.run_id):
        raise Problem(
            "Not a cluster of this run",
            f"Cluster {address.cluster_id} does not have the tags dag_id and run_id of {address.run_id}.",
            HTTPStatus.NOT_FOUND,
        )


def _reason(status: Mapping[str, Any]) -> str:
    details = status.get("FailureDetails", {})
    parts = (
        details.get("Reason"),
        details.get("Message"),
        status.get("StateChangeReason", {}).get("Message"),
    )
    return ": ".join(part for part in parts if part)


def _timeline(timeline: Mapping[str, datetime]) -> tuple[tuple[str, datetime | None], ...]:
    keys = (("Queued", "CreationDateTime"), ("Started", "StartDateTime"), ("Ended", "EndDateTime"))
    return tuple((label, timeline.get(key)) for label, key in keys)


def command(arguments: Sequence[str]) -> str:
    """Return the command line, quoted for a shell, with one line for each flag and its value."""
    lines: list[str] = []
    for before, argument in pairwise(["--", *arguments]):
        if before.startswith("--") and not argument.startswith("--") and lines:
            lines[-1] += f" {shlex.quote(argument)}"
        else:
            lines.append(shlex.quote(argument))
    return " \\\n  ".join(lines)


def _console(url: str, region: str, cluster_id: str) -> str:
    """Return the address of the cluster in the AWS console: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-clusters.html"""
    return f"{url.rstrip('/')}/emr/home?region={region}#/clusterDetails/{cluster_id}" if url else ""
