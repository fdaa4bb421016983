"""Runs the DAG in this process, like ``airflow dags test``, and shows the progress on a screen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluggy import HookimplMarker

from devtools import one_process
from devtools.paths import PROJECT
from devtools.screen import Screen

if TYPE_CHECKING:
    from airflow.sdk import DAG

hookimpl = HookimplMarker("airflow")

DAGS = PROJECT / "dags"


@dataclass(frozen=True)
class RunResult:
    """The final state of the run, and the error of each failed task by task id."""

    state: str
    errors: dict[str, str] = field(default_factory=dict)


def import_airflow() -> None:
    """Import Airflow, which reads its environment variables at import."""
    import airflow.dag_processing.dagbag  # noqa: F401


def load(dag_id: str) -> DAG:
    """Return a DAG, whose folder has the same name."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(DAGS / dag_id / "dag.py")
    if bag.import_errors:
        raise RuntimeError("\n".join(bag.import_errors.values()))
    return bag.dags[dag_id]


def validate_conf(dag: DAG, conf: Mapping[str, Any]) -> None:
    """Raise ValueError for a param that does not exist or has an invalid value, with the message of the form."""
    from airflow.sdk.exceptions import ParamValidationError

    for name, value in conf.items():
        if name not in dag.params:
            raise ValueError(f"unknown param {name}; valid params: {', '.join(dag.params)}")
        try:
            dag.params.get_param(name).resolve(value)
        except ParamValidationError as error:
            raise ValueError(f"{name}: {str(error).splitlines()[0]}") from None


def task_instance_counts(dag: DAG) -> dict[str, int]:
    """Return the number of instances of each task, in topological order."""
    return {task.task_id: _instance_count(task) for task in dag.topological_sort()}


def _instance_count(task: Any) -> int:
    if not task.is_mapped:
        return 1
    values = task.expand_input.value
    return prod(map(len, values.values())) if isinstance(values, Mapping) else len(values)


def run(dag: DAG, conf: Mapping[str, Any], screen: Screen) -> RunResult:
    """Run the DAG and return its result."""
    errors: dict[str, str] = {}
    one_process.share()
    one_process.build_one_version()
    # DAG.test fails on deadlines, and without a scheduler they have no effect: https://github.com/apache/airflow/issues/73428
    dag.deadline = None
    with _registered(_TaskListener(screen, errors)):
        dag_run = dag.test(run_conf=dict(conf))
    for ti in dag_run.get_task_instances():
        if ti.state not in ("success", "failed"):
            screen.task_ended(ti.task_id, str(ti.state))
    return RunResult(str(dag_run.state), errors)


class _TaskListener:
    """An Airflow listener that updates the screen; Airflow finds the hooks by their names."""

    def __init__(self, screen: Screen, errors: dict[str, str]) -> None:
        self._screen, self._errors = screen, errors

    @hookimpl
    def on_task_instance_running(self, task_instance: Any) -> None:
        self._screen.task_started(task_instance.task_id)

    @hookimpl
    def on_task_instance_success(self, task_instance: Any) -> None:
        self._screen.task_ended(task_instance.task_id, "success")

    @hookimpl
    def on_task_instance_failed(self, task_instance: Any, error: object) -> None:
        self._errors[task_instance.task_id] = str(error)
        self._screen.task_ended(task_instance.task_id, task_instance.state.value)


@contextmanager
def _registered(listener: _TaskListener) -> Iterator[None]:
    from airflow.sdk.listener import get_listener_manager

    manager = get_listener_manager()
    manager.add_listener(listener)
    try:
        yield
    finally:
        manager.pm.unregister(listener)


@contextmanager
def redirect_output(log: Path) -> Iterator[int]:
    """Redirect stdout and stderr of this process and its children to ``log``; yield a descriptor of the real stdout."""
    log.parent.mkdir(parents=True, exist_ok=True)
    screen, errors = os.dup(1), os.dup(2)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield screen
        finally:
            os.dup2(screen, 1)
            os.dup2(errors, 2)
            os.close(screen)
            os.close(errors)
