"""``emr-pipeline plan``: the node hours and the cost of a run before it starts."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from emr_pipeline.cli import console, settings_file
from emr_pipeline.cli.aws import Aws
from emr_pipeline.cli.console import CommandError
from emr_pipeline.cost import estimate
from emr_pipeline.cost_records import read_run_costs
from emr_pipeline.input_files import InputError, InputFiles
from emr_pipeline.prices import load_prices
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec


def plan(
    dag_id: Annotated[str, typer.Argument(help="DAG whose earlier runs are compared")],
    input_uri: Annotated[str, typer.Option("--input", help="S3 file, folder or pattern of the run's input")],
    core_nodes: Annotated[int, typer.Option(min=1, help="Number of core nodes of the cluster")] = 2,
    spot_share: Annotated[float, typer.Option(min=0, max=1, help="Share of the core nodes on Spot")] = 0,
    task_nodes: Annotated[int, typer.Option(min=0, help="The most task nodes, on Spot")] = 0,
    step: Annotated[
        list[str] | None, typer.Option(help="Name of a step, repeatable; those of the newest run by default")
    ] = None,
    settings: console.SettingsFile = console.DEFAULT_SETTINGS_FILE,
    json_output: console.Json = False,
) -> None:
    """Estimate the node hours and the dollars of a run, by the same rule as a run before it creates its cluster."""
    variables = settings_file.read(settings)
    found = Settings.from_environment(variables)
    aws = Aws(variables)
    s3 = aws.client("s3")
    bucket, _, key = input_uri.removeprefix("s3://").partition("/")
    if not input_uri.startswith("s3://") or not bucket:
        raise CommandError(f"--input is {input_uri!r}; it must be an S3 address, such as s3://bucket/raw/")
    try:
        size = sum(InputFiles(s3, bucket).find(key).values())
    except InputError as error:
        raise CommandError(str(error)) from None
    runs = read_run_costs(s3, found.bucket, dag_id, datetime.now(UTC))
    names = [name for run in runs[:1] for cluster in run.clusters for name in cluster.step_seconds]
    expected = estimate(
        cluster=ClusterSpec("", core_nodes, spot_share, task_nodes=task_nodes),
        architecture=found.architecture,
        steps=step or names,
        input_bytes=size,
        runs=runs,
        prices=load_prices(aws.region),
        target=found.target,
    )
    console.console(json_output).print(expected.summary, markup=False)
    if json_output:
        facts = {"summary": expected.summary, "node_hours": expected.node_hours}
        console.print_json(asdict(expected) | facts | {"input_bytes": size, "steps": step or names})
