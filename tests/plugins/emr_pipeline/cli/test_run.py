"""``emr-pipeline run`` with Airflow's API server. The test takes the part of the scheduler: it sets the states."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.log.log_reader import TaskLogReader
from airflow.utils.session import create_session
from sqlalchemy import select, update

from emr_pipeline.cli import run as command
from emr_pipeline.cli.airflow_api import PASSWORD, TOKEN, URL, USER, AirflowApi, AirflowError
from emr_pipeline.cli.app import main
from emr_pipeline.cli.console import CommandError
from tests.plugins.emr_pipeline.conftest import PARAMS, Run

Result = tuple[int, Any, str]
"""Exit code, JSON document on stdout, and text on stderr."""


@pytest.fixture
def run(
    airflow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    for name in [name for name in os.environ if name.startswith("EMR_PIPELINE_")]:
        monkeypatch.delenv(name)
    for name, value in {URL: airflow, USER: "admin", PASSWORD: "secret", TOKEN: ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(TaskLogReader().log_handler, "local_base", str(tmp_path))

    def run_command(*arguments: str) -> Result:
        code = main(["run", *arguments, "--json", "--settings", str(tmp_path / "settings")])
        captured = capsys.readouterr()
        return code, json.loads(captured.out or "null"), captured.err

    return run_command


@contextmanager
def scheduler(*polls: Callable[[Run], object]) -> Iterator[list[str]]:
    """Call the next function after each poll of the newest run."""
    remaining, waits = list(polls), list[str]()

    def wait(_: float) -> None:
        with create_session() as session:
            newest = session.scalars(select(DagRun).order_by(DagRun.id.desc()).limit(1)).one()
            run = Run(newest.dag_id, newest.run_id)
        waits.append(run.run_id)
        remaining.pop(0)(run)

    with pytest.MonkeyPatch.context() as patch:
        # Only for the command: other threads of the process, such as the API server, sleep too.
        patch.setattr(command, "time", SimpleNamespace(sleep=wait, monotonic=time.monotonic))
        yield waits


def end(run: Run, state: str, note: str = "") -> None:
    with create_session() as session:
        one = session.scalars(select(DagRun).filter_by(run_id=run.run_id)).one()
        one.state, one.end_date = state, datetime.now(UTC)
        one.note = note or None


def test_a_run_is_triggered_with_typed_params_and_followed_to_its_note(run: Callable[..., Result]) -> None:
    with scheduler(
        lambda found: found.task("pca", "running"),
        lambda found: (
            found.task("pca"),
            found.task("publish", "skipped"),
            end(found, "success", "4 segments"),
        ),
    ):
        code, document, text = run(PARAMS, "K=4", "name=4", "share=0.5", "optional=")
    assert code == 0
    assert (document["state"], document["note"]) == ("success", "4 segments")
    assert {task["task"]: task["state"] for task in document["tasks"]} == {
        "pca": "success",
        "publish": "skipped",
    }
    with create_session() as session:
        stored = session.scalars(select(DagRun).filter_by(run_id=document["run_id"])).one()
        assert stored.conf == {"k": 4, "name": "4", "share": 0.5, "optional": None}
    assert document["page"] in text
    assert [line.split()[0] for line in text.splitlines()[1:]] == [
        "queued",
        "success",
        "skipped",
        "success",
        "4",
    ]


def test_a_failed_run_shows_the_error_of_the_task_and_ends_with_1(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    def fail(found: Run) -> None:
        found.task("pca", "failed")
        found.task("publish", "upstream_failed")
        with create_session() as session:
            session.execute(update(TaskInstance).filter_by(run_id=found.run_id).values(try_number=1))
        log = tmp_path / f"dag_id={PARAMS}/run_id={found.run_id}/task_id=pca/attempt=1.log"
        log.parent.mkdir(parents=True)
        lines = [
            {"timestamp": "2026-01-31T00:00:00Z", "level": "info", "event": "Waiting"},
            {
                "timestamp": "2026-01-31T00:00:01Z",
                "level": "error",
                "event": "pca: ValueError: k is too large",
            },
            {"timestamp": "2026-01-31T00:00:02Z", "level": "error", "event": "Task failed with exception"},
        ]
        log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        end(found, "failed")

    with scheduler(fail):
        code, document, text = run(PARAMS)
    assert code == 1
    assert document["errors"] == {"pca": "pca: ValueError: k is too large"}
    assert "pca: ValueError: k is too large" in text


def test_ctrl_c_leaves_the_run_and_says_how_to_follow_it_again(run: Callable[..., Result]) -> None:
    def interrupt(_: Run) -> None:
        raise KeyboardInterrupt

    with scheduler(interrupt) as waits:
        code, _, text = run(PARAMS)
    assert code == 130
    (run_id,) = waits
    assert f"emr-pipeline run {PARAMS} --attach '{run_id}'" in text
    with scheduler(lambda found: end(found, "success")):
        code, document, _ = run(PARAMS, "--attach", run_id)
    assert (code, document["run_id"]) == (0, run_id)


def test_a_detached_run_is_not_followed(run: Callable[..., Result]) -> None:
    with scheduler():
        code, document, _ = run(PARAMS, "--detach")
    assert (code, document["state"]) == (0, "queued")


def test_an_airflow_that_does_not_respond_for_a_moment_is_called_again(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(found: Run) -> None:
        end(found, "success")
        monkeypatch.setattr(AirflowApi, "_send", unreachable)

    def unreachable(*_: Any, **__: Any) -> Any:
        raise AirflowError("Airflow does not respond")

    send = AirflowApi._send
    with scheduler(stop, lambda _: monkeypatch.setattr(AirflowApi, "_send", send)):
        code, _, text = run(PARAMS)
    assert code == 0
    assert "Airflow does not respond; trying again" in text


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["none"], {}, "has no DAG none; its DAGs: "),
        ([PARAMS, "K"], {}, "'K' is not NAME=VALUE"),
        ([PARAMS, "kk=4"], {}, "unknown param kk; valid params: k, name, share, optional"),
        ([PARAMS, "k=99"], {}, "Invalid input for param k: 99 is greater than the maximum of 9"),
        ([PARAMS, "k=NaN"], {}, "Invalid input for param k: 'NaN' is not of type 'integer'"),
        ([PARAMS, "--attach", "none"], {}, "run_id: `none` was not found"),
        ([PARAMS], {PASSWORD: "wrong"}, "does not accept the password of admin"),
        ([PARAMS], {PASSWORD: "", TOKEN: "wrong"}, "403 Invalid JWT token"),
        ([PARAMS], {PASSWORD: ""}, f"requires a login: set {USER} and {PASSWORD}, or {TOKEN}"),
        ([PARAMS], {URL: ""}, f"{URL} is not set"),
        ([PARAMS], {URL: "http://127.0.0.1:1"}, "Airflow at http://127.0.0.1:1 does not respond"),
        ([PARAMS], {URL: "airflow"}, "Airflow at airflow does not respond"),
    ],
)
def test_an_error_is_one_line_and_the_exit_code_2(
    run: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    variables: dict[str, str],
    message: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    code, document, text = run(*arguments)
    assert (code, document) == (2, None)
    assert message in text
    assert text.count("\n") == 1


def test_a_paused_dag_is_refused_because_its_run_would_not_start(run: Callable[..., Result]) -> None:
    def pause(paused: bool) -> None:
        with create_session() as session:
            session.execute(update(DagModel).filter_by(dag_id=PARAMS).values(is_paused=paused))

    pause(True)
    try:
        code, _, text = run(PARAMS)
    finally:
        pause(False)
    assert code == 2
    assert f"{PARAMS} is paused" in text


def test_the_instances_of_a_mapped_task_are_one_line_and_each_failure_is_another() -> None:
    def task(index: int, state: str, attempt: int = 1) -> dict[str, Any]:
        return {
            "task_id": "queries",
            "map_index": index,
            "state": state,
            "try_number": attempt,
            "duration": 2.0,
        }

    shown: dict[str, tuple[str, int]] = {}

    def lines(*tasks: dict[str, Any]) -> list[str]:
        return [
            f"{each['state']} {command.name(each)}{count}" for each, count in command._changes(tasks, shown)
        ]

    assert lines(task(0, "success"), task(1, "running")) == []
    assert lines(task(0, "success"), task(1, "up_for_retry")) == ["up_for_retry queries[1]"]
    assert lines(task(0, "success"), task(1, "success", 2)) == ["success queries (2 instances)"]
    assert lines(task(0, "success"), task(1, "success", 2)) == []
    assert lines(task(0, "success"), task(1, "failed", 3)) == ["failed queries[1]"]


def test_a_value_has_the_type_that_the_param_declares() -> None:
    declared = {
        "text": {"schema": {"type": ["null", "string"]}},
        "on": {"schema": {"type": "boolean"}},
        "any": {},
    }
    assert command.parse(["TEXT=true", "ON=true", "any=[1]"], declared) == {
        "text": "true",
        "on": True,
        "any": [1],
    }
    with pytest.raises(CommandError, match="unknown param other"):
        command.parse(["other=1"], declared)
