"""``emr-pipeline reap``: terminate abandoned clusters, as the DAG ``emr_reaper`` does."""

from __future__ import annotations

from typing import Annotated

import typer
from botocore.exceptions import ClientError
from rich.console import Console

from emr_pipeline.cli import console, settings_file
from emr_pipeline.cli.airflow_api import AirflowApi
from emr_pipeline.cli.clusters import Found, Project
from emr_pipeline.cli.console import CommandError
from emr_pipeline.reaper import inspect


def reap(
    max_hours: Annotated[
        float, typer.Option(min=0, help="Age after which a cluster ends although its run is active")
    ] = 12,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be terminated")] = False,
    settings: console.SettingsFile = console.DEFAULT_SETTINGS_FILE,
    yes: console.Yes = False,
    json_output: console.Json = False,
) -> None:
    """Terminate the clusters of the project whose run has ended or no longer exists, or which are too old.

    It asks Airflow at AIRFLOW_API_URL which runs are active. That must be the Airflow that created the clusters: the
    runs of another one do not exist for it.
    """
    airflow, project = AirflowApi(settings_file.read(settings)), Project(settings)
    output = console.console(json_output)
    inspected = [
        (Found(emr, each.cluster, each.tags), each)
        for emr in project.targets
        for each in inspect(emr, [project.tags], max_hours, airflow.is_active)
    ]
    ours = [(found, each) for found, each in inspected if not each.ignored]
    abandoned = [(found, each.abandoned) for found, each in ours if each.abandoned]
    output.print(
        f"{len(inspected)} live or expired clusters in {project.aws}, {len(ours)} with the tags {project}; "
        f"runs in Airflow at {airflow.url}; {len(abandoned)} abandoned",
        markup=False,
    )
    for found, each in ours:
        verdict = f"abandoned: {each.abandoned}" if each.abandoned else f"kept: run of {found.run} is active"
        output.print(f"{found.cluster.cluster_id}  {found.cluster.state:<11}  {verdict}", markup=False)
    chosen = [] if dry_run else [found for found, _ in abandoned]
    if chosen:
        console.confirm(f"Terminate {', '.join(found.cluster.cluster_id for found in chosen)}?", yes=yes)
    terminated, problems = _terminate(chosen, output)
    if json_output:
        console.print_json(
            {
                "seen": len(inspected),
                "considered": [found.cluster.cluster_id for found, _ in ours],
                "abandoned": {found.cluster.cluster_id: reason for found, reason in abandoned},
                "terminated": terminated,
                "problems": problems,
            }
        )
    if problems:
        raise CommandError("\n".join(problems), exit_code=1)


def _terminate(clusters: list[Found], output: Console) -> tuple[list[str], list[str]]:
    """Terminate each cluster; return the ids of the terminated ones, and a sentence for each of the others."""
    terminated, problems = [], []
    for found in clusters:
        cluster_id = found.cluster.cluster_id
        try:
            found.emr.terminate(cluster_id)
        except ClientError as error:
            problems.append(f"cluster {cluster_id} still runs and costs money: {error}")
        else:
            terminated.append(cluster_id)
            output.print(f"Terminating {cluster_id}")
    return terminated, problems
