"""``emr-pipeline logs``: the driver's log of a step."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

from emr_pipeline.cli import console
from emr_pipeline.cli.clusters import ClusterId, Found, Hours, Project, RunId
from emr_pipeline.cli.console import CommandError
from emr_pipeline.cli.status import cause_of, logged_cause
from emr_pipeline.logs import DRIVER_LOGS, Log
from emr_pipeline.targets.phase import Phase
from emr_pipeline.targets.target import Step, StepDescription

POLL_SECONDS = 5.0
OVERLAP = 2000
"""Characters at the end of a text that are searched in the next one, whose beginning may be cut."""


def logs(
    step: Annotated[
        str, typer.Option(help="Name of the step; empty for the one that runs, or the last one")
    ] = "",
    cluster: ClusterId = "",
    run: RunId = "",
    follow: Annotated[bool, typer.Option("--follow", help="Print new lines until the step ends")] = False,
    hours: Hours = 24,
    settings: console.SettingsFile = console.DEFAULT_SETTINGS_FILE,
    json_output: console.Json = False,
) -> None:
    """Print the driver's log of a step of the newest cluster, or of --cluster or --run.

    EMR copies the logs to S3 every five minutes. The exit code is 1 if the step failed or was cancelled.
    """
    found, chosen = _choose(Project(settings), cluster, run, hours, step)
    output = console.console(json_output)
    output.print(
        f"Step {chosen.name} ({chosen.step_id}) of {found.run}, cluster {found.cluster.cluster_id}: {chosen.state}",
        style="bold",
        markup=False,
    )
    try:
        described, printed = _print_logs(found, chosen, follow, output)
    except KeyboardInterrupt:
        raise CommandError("Stopped; the step continues", exit_code=130) from None
    phase = described.step.phase
    if not printed:
        output.print(f"No log yet in {described.log_folder or 'S3, the cluster has no LogUri'}", markup=False)
    cause = cause_of(found, described) if phase == Phase.FAILED else ""
    if phase.ended:
        output.print(
            f"Step {chosen.name} {described.step.state}{cause and f': {cause}'}", style="bold", markup=False
        )
    if json_output:
        console.print_json(
            {
                "cluster_id": found.cluster.cluster_id,
                "step_id": chosen.step_id,
                "name": chosen.name,
                "state": described.step.state,
                "cause": cause or None,
                "logs": [{"address": address, "text": text} for address, text in printed.items()],
            }
        )
    if phase in (Phase.FAILED, Phase.CANCELLED):
        raise typer.Exit(1)


def _choose(project: Project, cluster_id: str, run_id: str, hours: float, name: str) -> tuple[Found, Step]:
    """Return the newest cluster that has a step of this name, and the step. Raises CommandError."""
    clusters = project.select(cluster_id, run_id, hours)
    for found in clusters:
        steps = [step for step in found.steps.values() if name in ("", step.name)]
        started = [step for step in steps if step.state != "PENDING"]
        running = [step for step in steps if not step.phase.ended]
        if steps:
            return found, next(iter([each for each in running if each in started] or started[-1:] or steps))
    names = sorted({step.name for found in clusters for step in found.steps.values()})
    wanted = f"no step {name}; its steps: {', '.join(names)}" if name and names else "no steps yet"
    raise CommandError(
        f"Cluster {', '.join(f.cluster.cluster_id for f in clusters)} has {wanted}", exit_code=1
    )


def _print_logs(
    found: Found, step: Step, follow: bool, output: Console
) -> tuple[StepDescription, dict[str, str]]:
    """Print the logs; with ``follow`` new lines until the step has ended and its logs were read.

    Returns the last description of the step, and the text of each log by its address.
    """
    live = not step.phase.ended
    printed: dict[str, str] = {}
    waited = 0.0
    while True:
        described = found.describe(step)
        ended = described.step.phase.ended
        read = driver_logs(found, described, live)
        for log in read:
            new = new_text(printed.get(log.address), log.text)
            if log.address not in printed:
                output.print(f"== {log.name}: {log.address}", style="bold", markup=False)
                if log.cut or log.too_large:
                    output.print("... The beginning is missing", style="bold")
            printed[log.address] = log.text
            output.out(new, end="" if new.endswith("\n") or not new else "\n", highlight=False)
        if not follow or (ended and (waited >= found.emr.logs_seconds or _is_copied(found, described, read))):
            return described, printed
        waited += POLL_SECONDS if ended else 0
        time.sleep(POLL_SECONDS)


def _is_copied(found: Found, described: StepDescription, read: list[Log]) -> bool:
    """Return whether the logs of an ended step are there.

    Those of a failed step without its cause may be an earlier copy, if the target also copies those of running steps.
    """
    may_be_earlier = found.emr.logs_while_running and described.step.phase == Phase.FAILED
    return bool(read) and not (may_be_earlier and not logged_cause(found, described))


def driver_logs(found: Found, described: StepDescription, live: bool) -> list[Log]:
    """Return the streams of the driver, from CloudWatch if they are ``live`` and written there, otherwise from S3."""
    if live and described.log_streams and (read := found.emr.read_live_logs(described.log_streams)):
        return read
    read = found.emr.read_logs(described.log_folder) if described.log_folder else []
    return [log for log in read if log.name.endswith(DRIVER_LOGS)]


def new_text(before: str | None, text: str) -> str:
    """Return the part of ``text`` that follows ``before``; all of it if they do not overlap."""
    if before is None or text.startswith(before):
        return text[len(before or "") :]
    end = before[-OVERLAP:]
    at = text.rfind(end)
    return text[at + len(end) :] if at >= 0 else text
