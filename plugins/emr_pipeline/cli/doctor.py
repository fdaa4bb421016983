"""``emr-pipeline doctor``: check the account and the settings before the first run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from emr_pipeline.cli import console, settings_file
from emr_pipeline.cli.aws import Aws
from emr_pipeline.cli.checks import CHECKS
from emr_pipeline.cli.checks.check import FAILED, NOT_CHECKED, OK, ClusterSize, Deployment, run_checks
from emr_pipeline.cli.console import CommandError
from emr_pipeline.settings import Settings, SettingsError

STYLES = {OK: "green", FAILED: "bold red", NOT_CHECKED: "yellow"}


def doctor(
    release_label: Annotated[str, typer.Option(help="EMR release of the cluster")] = "emr-7.13.0",
    core_nodes: Annotated[int, typer.Option(min=1, help="Number of core nodes of the cluster")] = 2,
    spot_share: Annotated[float, typer.Option(min=0, max=1, help="Share of the core nodes on Spot")] = 0,
    task_nodes: Annotated[int, typer.Option(min=0, help="The most task nodes, on Spot")] = 0,
    caller: Annotated[str, typer.Option(help="ARN of Airflow's role; empty to check your permissions")] = "",
    settings: console.SettingsFile = console.DEFAULT_SETTINGS_FILE,
    json_output: console.Json = False,
) -> None:
    """Check what a run needs, one line for each check, with the fix beside each failure.

    The exit code is 1 if a check fails. A check that your permissions do not allow is "not checked".
    """
    variables = settings_file.read(settings)
    try:
        found = Settings.from_environment(variables)
    except SettingsError as error:
        raise CommandError(f"{error}. `emr-pipeline deploy` writes {settings} with all settings") from None
    cluster = ClusterSize(release_label, core_nodes, spot_share, task_nodes)
    deployment = Deployment(Aws(variables), found, cluster, caller)
    output, results = console.console(json_output), []
    for result in run_checks(CHECKS, deployment):
        style = STYLES[result.status]
        output.print(f"[{style}]{result.status:<11}[/{style}]  {result.check:<22}  ", end="")
        output.print(result.detail + (f". Fix: {result.fix}" if result.fix else ""), markup=False)
        results.append(result)
    failed = [result for result in results if result.status == FAILED]
    output.print(f"{len(results)} checks, {len(failed)} failed")
    if json_output:
        console.print_json([asdict(result) for result in results])
    if failed:
        raise typer.Exit(1)
