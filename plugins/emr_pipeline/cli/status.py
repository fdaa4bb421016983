"""``emr-pipeline status``: the clusters of the project, their runs and steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from emr_pipeline.cli import console
from emr_pipeline.cli.clusters import ClusterId, Found, Hours, Project, RunId
from emr_pipeline.cost import ON_DEMAND, SPOT
from emr_pipeline.failure import most_specific_cause
from emr_pipeline.targets.phase import Phase
from emr_pipeline.targets.target import StepDescription

STYLES = {Phase.SUCCEEDED: "green", Phase.FAILED: "bold red", Phase.CANCELLED: "yellow"}


def status(
    cluster: ClusterId = "",
    run: RunId = "",
    hours: Hours = 24,
    settings: console.SettingsFile = console.DEFAULT_SETTINGS_FILE,
    json_output: console.Json = False,
) -> None:
    """List the clusters of the project, newest first: live ones, and those of the last day.

    With --cluster or --run, show the steps with their times, and the cause of each failed one.
    """
    project, output = Project(settings), console.console(json_output)
    if cluster or run:
        documents = [_details(found, output) for found in project.select(cluster, run, hours)]
    else:
        documents = _overview(list(project.clusters(hours)), output)
        if not documents:
            output.print(
                f"No cluster with the tags {project} is alive or at most {hours:g} hours old, in {project.aws}"
            )
    if json_output:
        console.print_json(documents)


def _overview(clusters: list[Found], output: Console) -> list[dict[str, Any]]:
    """Print two lines for each cluster, because run ids are long."""
    documents = []
    for found in clusters:
        document = _document(found)
        steps = [
            f"[{STYLES.get(s.phase, 'none')}]{escape(s.name)} {s.state}[/]" for s in found.steps.values()
        ]
        output.print(f"{_line(found, document)}\n    {', '.join(steps) or 'no steps'}")
        documents.append(document)
    return documents


def _line(found: Found, document: Mapping[str, Any]) -> str:
    return (
        f"{found.cluster.cluster_id}  {found.cluster.state:<11}  {_duration(found.age):>11}  "
        f"{document['node_hours']:.2f} node hours  {escape(found.run)}"
    )


def _details(found: Found, output: Console) -> dict[str, Any]:
    document = _document(found)
    output.print(_line(found, document))
    if reason := found.emr.end_reason(found.cluster.cluster_id):
        output.print(f"  {reason}", markup=False)
    table = Table(box=None, pad_edge=False)
    for column in ("Step", "State", "Queued (UTC)", "Started (UTC)", "Duration"):
        table.add_column(column)
    causes = []
    for described, each in zip(map(found.describe, found.steps.values()), document["steps"], strict=True):
        step = described.step
        times = [described.queued, described.started]
        lasted = described.ended - described.started if described.started and described.ended else None
        table.add_row(
            escape(step.name),
            f"[{STYLES.get(step.phase, 'none')}]{step.state}[/]",
            *(f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else "" for at in times),
            _duration(lasted) if lasted is not None else "",
        )
        each |= {"queued": described.queued, "started": described.started, "ended": described.ended}
        if step.phase == Phase.FAILED:
            each["cause"], each["log_folder"] = cause_of(found, described), described.log_folder
            causes.append(f"{step.name}: {each['cause']}\n  Logs: {each['log_folder']}")
    output.print(table)
    for cause in causes:
        output.print(cause, markup=False)
    return document


def cause_of(found: Found, described: StepDescription) -> str:
    """Return the cause of a failed step as the task of the DAG reports it."""
    logged = logged_cause(found, described)
    return logged or described.reason or "unknown; EMR copies the logs within five minutes"


def logged_cause(found: Found, described: StepDescription) -> str:
    """Return the cause of a failed step from its logs on S3; '' if they do not have it yet."""
    logs = found.emr.read_logs(described.log_folder) if described.log_folder else []
    cause = most_specific_cause(logs)
    return cause.sentence if cause else ""


def _document(found: Found) -> dict[str, Any]:
    hours = {market: found.cost.node_hours(market) for market in (ON_DEMAND, SPOT)}
    return {
        "cluster_id": found.cluster.cluster_id,
        "target": found.emr.name,
        "state": found.cluster.state,
        "created": found.cluster.created,
        "ended": found.cluster.ended,
        "age_seconds": round(found.age.total_seconds()),
        "node_hours": sum(hours.values()),
        "spot_node_hours": hours[SPOT],
        "tags": dict(found.tags),
        "steps": [
            {"step_id": step.step_id, "name": step.name, "state": step.state} for step in found.steps.values()
        ],
    }


def _duration(time: timedelta) -> str:
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    )
