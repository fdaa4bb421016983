"""``emr-pipeline run``: trigger a DAG run through Airflow's REST API and follow it to its end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.text import Text

from emr_pipeline.cli import console, settings_file
from emr_pipeline.cli.airflow_api import AirflowApi, AirflowError
from emr_pipeline.cli.console import CommandError

POLL_SECONDS = 3.0
PATIENCE_SECONDS = 300
"""How long Airflow may not respond while a run is followed, for example during a restart."""

ENDED = ("success", "failed")
ENDED_TASK = (*ENDED, "skipped", "upstream_failed", "removed")
ATTENTION = ("failed", "up_for_retry", "awaiting_input")
ACTIVE = ("running", "deferred", "awaiting_input")
STYLES = {
    "success": "green",
    "failed": "bold red",
    "upstream_failed": "red",
    "skipped": "yellow",
    "up_for_retry": "yellow",
    "awaiting_input": "yellow",
}


def run(
    dag_id: Annotated[str, typer.Argument(help="DAG to trigger")],
    params: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="Params of the trigger form, also in capitals"),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Trigger the run and do not follow it")] = False,
    attach: Annotated[str, typer.Option(help="Follow this run instead of a new one")] = "",
    settings: console.SettingsFile = console.DEFAULT_SETTINGS_FILE,
    json_output: console.Json = False,
) -> None:
    """Trigger a run in Airflow and follow its tasks until it ends. The exit code is 1 if the run fails.

    Ctrl-C ends this command, not the run. AIRFLOW_API_URL is the address of Airflow; AIRFLOW_API_USER and
    AIRFLOW_API_PASSWORD, or AIRFLOW_API_TOKEN, are the login.
    """
    api, output = AirflowApi(settings_file.read(settings)), console.console(json_output)
    run_id = attach or _trigger(api, dag_id, params or [])
    followed = Run(api, dag_id, run_id)
    followed.update()
    output.print(f"Run {run_id} of {dag_id}: {followed.page}", markup=False)
    if not detach:
        try:
            follow(followed, output)
        except KeyboardInterrupt:
            raise CommandError(
                f"Detached: the run continues. To follow it again: emr-pipeline run {dag_id} --attach '{run_id}'",
                exit_code=130,
            ) from None
    if json_output:
        console.print_json(followed.document())
    if not detach and followed.state != "success":
        raise typer.Exit(1)


def _trigger(api: AirflowApi, dag_id: str, arguments: Sequence[str]) -> str:
    """Trigger the DAG and return the id of the run. Raises CommandError for a DAG that cannot run."""
    try:
        dag = api.get(f"/dags/{quote(dag_id, safe='')}/details")
    except AirflowError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        known = ", ".join(each["dag_id"] for each in api.pages("/dags", "dags"))
        raise CommandError(f"Airflow at {api.url} has no DAG {dag_id}; its DAGs: {known}") from None
    if dag["is_paused"]:
        raise CommandError(
            f"{dag_id} is paused, so a run would not start: unpause it in the web UI, {api.page('dags', dag_id)}"
        )
    conf = parse(arguments, dag["params"] or {})
    body = {"logical_date": None, "conf": conf}
    return str(api.post(f"/dags/{quote(dag_id, safe='')}/dagRuns", body)["dag_run_id"])


def parse(arguments: Sequence[str], declared: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the values by param, with the types that the params declare. Airflow validates them.

    Airflow ignores an unknown param, so it is refused here with CommandError.
    """
    values = {}
    for argument in arguments:
        given, equals, text = argument.partition("=")
        if not equals:
            raise CommandError(f"{argument!r} is not NAME=VALUE, such as INPUT=s3://bucket/raw/")
        name = given if given in declared else given.lower()
        if name not in declared:
            raise CommandError(f"unknown param {given}; valid params: {', '.join(declared)}")
        values[name] = _value(text, declared[name].get("schema", {}).get("type"))
    return values


def _value(text: str, types: str | Sequence[str] | None) -> Any:
    """Return the text itself for a param that may be a string, otherwise its value as JSON; None if empty."""
    allowed = [types] if isinstance(types, str) else types or ()
    if not text and "null" in allowed:
        return None
    if "string" in allowed:
        return text
    try:
        return json.loads(text, parse_constant=str)  # Infinity and NaN are not JSON
    except ValueError:
        return text


@dataclass
class Run:
    """A DAG run as Airflow describes it; ``update`` reads it again."""

    api: AirflowApi
    dag_id: str
    run_id: str
    described: dict[str, Any] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    """The last error of each task that failed or was repeated; a mapped task instance has its index: ``queries[3]``."""

    @property
    def path(self) -> str:
        return f"/dags/{quote(self.dag_id, safe='')}/dagRuns/{quote(self.run_id, safe='')}"

    @property
    def page(self) -> str:
        return self.api.page("dags", self.dag_id, "runs", self.run_id)

    @property
    def state(self) -> str:
        return str(self.described.get("state", "queued"))

    def update(self) -> None:
        # The run first: if it has ended, its tasks have, too.
        self.described = self.api.get(self.path)
        self.tasks = list(self.api.pages(f"{self.path}/taskInstances", "task_instances"))

    def error(self, task: Mapping[str, Any]) -> str:
        """Return the first error in the log of a task instance; '' if Airflow cannot read the log."""
        path = f"{self.path}/taskInstances/{quote(task['task_id'], safe='')}/logs/{task['try_number']}"
        try:
            lines = self.api.get(path, map_index=task["map_index"], full_content=True)["content"]
        except AirflowError:
            return ""
        errors = [line for line in lines if isinstance(line, dict) and line.get("level") == "error"]
        return next((_message(line) for line in errors), "")

    def document(self) -> dict[str, Any]:
        tasks = [
            {"task": name(task), **{key: task[key] for key in ("state", "duration", "try_number")}}
            for task in self.tasks
        ]
        return {
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "state": self.state,
            "seconds": self.described.get("duration"),
            "note": self.described.get("note"),
            "page": self.page,
            "tasks": tasks,
            "errors": self.errors,
        }


def _message(line: Mapping[str, Any]) -> str:
    """Return the exception that a log line describes, or its text."""
    details = line.get("error_detail") or []
    exceptions = [f"{each['exc_type']}: {each['exc_value']}" for each in details if "exc_type" in each]
    return exceptions[0] if exceptions else str(line["event"])


def name(task: Mapping[str, Any]) -> str:
    index = f"[{task['map_index']}]" if task["map_index"] >= 0 else ""
    return f"{task['task_id']}{index}"


def follow(followed: Run, output: Console) -> None:
    """Print a line for each task that ends or needs attention, until the run has ended."""
    shown: dict[str, tuple[str, int]] = {}
    state = ""
    with output.status("") if output.is_terminal else nullcontext() as status:
        while state not in ENDED:
            _update(followed, output)
            for task, count in _changes(followed.tasks, shown):
                _print(output, task["state"], f"{name(task)}{count}", task["duration"])
                if task["state"] in ("failed", "up_for_retry") and (error := followed.error(task)):
                    followed.errors[name(task)] = error
                    output.print(f"{'':<15}  {error}", markup=False)
            if followed.state != state:
                state = followed.state
                _print(output, state, f"{followed.dag_id} {followed.run_id}", followed.described["duration"])
            if status:
                status.update(
                    ", ".join(f"{name(t)} {t['state']}" for t in followed.tasks if t["state"] in ACTIVE)
                )
            if state not in ENDED:
                time.sleep(POLL_SECONDS)
    if note := followed.described["note"]:
        output.print(note, markup=False)


def _changes(
    tasks: Sequence[dict[str, Any]], shown: dict[str, tuple[str, int]]
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the task instances to show that are not in ``shown``, each with the number of instances if it is mapped.

    Shown are each instance that has failed or needs attention, and a task whose instances have all ended.
    """
    instances: dict[str, list[dict[str, Any]]] = {}
    for task in tasks:
        instances.setdefault(task["task_id"], []).append(task)
    for task_id, group in instances.items():
        for task in group:
            now = (task["state"], task["try_number"])
            if task["state"] in ATTENTION and shown.get(name(task)) != now:
                shown[name(task)] = now
                yield task, ""
        now = (max(str(task["state"]) for task in group), max(task["try_number"] for task in group))
        if all(task["state"] in ENDED_TASK for task in group) and shown.get(task_id) != now:
            shown[task_id] = now
            ended = next((task for task in group if task["state"] == "failed"), group[0])
            if ended["state"] != "failed":
                seconds = sum(task["duration"] or 0 for task in group)
                count = f" ({len(group)} instances)" if len(group) > 1 else ""
                yield {**ended, "map_index": -1, "duration": seconds}, count


def _print(output: Console, state: str, text: str, seconds: float | None) -> None:
    elapsed = f"  {seconds:.0f} s" if seconds and state in ENDED_TASK else ""
    output.print(Text.assemble((f"{state:<15}", STYLES.get(state, "")), f"  {text}{elapsed}"))


def _update(followed: Run, output: Console) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return followed.update()
        except AirflowError as error:
            if not error.is_transient or time.monotonic() > deadline:
                raise
            output.print(f"{error}; trying again", style="yellow", markup=False)
            time.sleep(POLL_SECONDS)
