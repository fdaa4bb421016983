"""The listener writes the note of a run, and lets a run that is marked failed end failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from airflow.api_fastapi.core_api.datamodels.dag_run import DagRunMutableStates
from airflow.api_fastapi.core_api.services.public.dag_run import patch_dag_run_state
from airflow.listeners.listener import get_listener_manager
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import select

from emr_pipeline import listener
from tests.plugins.emr_pipeline.conftest import FOREIGN, TORN_DOWN, Run

FAILED, SUCCESS = DagRunMutableStates.FAILED, DagRunMutableStates.SUCCESS


@pytest.fixture(autouse=True)
def registered_listener() -> Iterator[None]:
    """Airflow loads the listeners of plugins once; an earlier test may have loaded them without this one."""
    manager = get_listener_manager().pm
    registered = manager.is_registered(listener)
    if not registered:
        manager.register(listener)
    yield
    if not registered:
        manager.unregister(listener)


def note_after_success(run: Run, before: str | None = None) -> str | None:
    this_run = select(DagRun).filter_by(dag_id=run.dag_id, run_id=run.run_id)
    with create_session() as session:
        ended = session.scalar(this_run)
        ended.note = before
        listener.on_dag_run_success(ended)
    with create_session() as session:
        note: str | None = session.scalar(this_run).note
        return note


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "**Result**: 4 segments, silhouette 0.41"),
        ("mine", "mine\n\n**Result**: 4 segments, silhouette 0.41"),
        ("mine\n\n**Failed**: PCA (`pca`): no", "mine\n\n**Result**: 4 segments, silhouette 0.41"),
        (
            "above\n\n**Result**: 3 segments\n\n**Cost**: $0.02\n\nbelow\n\nthe end",
            "above\n\nbelow\n\nthe end\n\n**Result**: 4 segments, silhouette 0.41",
        ),
    ],
    ids=["none", "a user's", "after an earlier end", "a user's below an earlier end"],
)
def test_the_key_figures_are_added_to_the_note(
    make_run: Callable[..., Run], before: str | None, after: str
) -> None:
    run = make_run()
    run.publish(key_figures="4 segments, silhouette 0.41")
    make_run().publish(key_figures="another run's")
    assert note_after_success(run, before) == after


def test_the_note_has_the_cost_after_the_key_figures(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.publish(key_figures="4 segments", run_cost="0.03 node hours On-Demand: $0.01")
    assert note_after_success(run) == "**Result**: 4 segments\n\n**Cost**: 0.03 node hours On-Demand: $0.01"
    only_cost = make_run()
    only_cost.publish(run_cost="0.03 node hours On-Demand: $0.01")
    assert note_after_success(only_cost) == "**Cost**: 0.03 node hours On-Demand: $0.01"


def test_a_run_without_key_figures_gets_no_note(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.publish()
    assert note_after_success(run) is None
    assert note_after_success(run, "mine") == "mine"
    assert note_after_success(run, "mine\n\n**Failed**: fit (`fit`): no") == "mine"
    assert not note_after_success(run, "**Failed**: fit (`fit`): no")


def test_a_run_outside_a_database_session_is_left_unchanged(make_run: Callable[..., Run]) -> None:
    run = make_run()
    with create_session() as session:
        ended = session.scalar(select(DagRun).filter_by(dag_id=run.dag_id, run_id=run.run_id))
        session.expunge(ended)
    listener.on_dag_run_success(ended)


def test_the_note_of_a_failed_run_has_the_failed_task_and_its_cause(
    database: Mapping[str, Any], make_run: Callable[..., Run]
) -> None:
    run = make_run(TORN_DOWN, state="failed")
    run.task("fit", "failed", failure="no variance in 7 columns")
    run.task("score", "failed")
    with create_session() as session:
        ended = session.scalar(select(DagRun).filter_by(dag_id=run.dag_id, run_id=run.run_id))
        ended.dag = database[TORN_DOWN]
        ended.note = "mine"
        listener.on_dag_run_failed(ended)
        note = ended.note
    assert (
        note
        == "mine\n\n**Failed**: fit (`fit`): no variance in 7 columns\n\n**Failed**: score (`score`): see its log"
    )


@pytest.fixture
def end_of(
    database: Mapping[str, Any], make_run: Callable[..., Run]
) -> Callable[..., tuple[str, dict[str, str]]]:
    """A function that returns the final states of a run and its tasks, after a user marked it in the given state."""

    def end(
        dag_id: str, tasks: Mapping[str, str], mark: DagRunMutableStates | None
    ) -> tuple[str, dict[str, str]]:
        run = make_run(dag_id, state="running")
        for task_id, state in tasks.items():
            run.task(task_id, state)
        this_run = select(DagRun).filter_by(dag_id=run.dag_id, run_id=run.run_id)
        with create_session() as session:
            if mark:
                patch_dag_run_state(
                    dag=database[dag_id], dag_run=session.scalar(this_run), state=mark, session=session
                )
        if "end" not in tasks:
            run.task("end", "success")
        with create_session() as session:
            ended = session.scalar(this_run)
            ended.dag = database[dag_id]
            if ended.state == DagRunState.RUNNING:
                ended.update_state(session=session, execute_callbacks=False)
            return str(ended.state), {
                ti.task_id: str(ti.state) for ti in ended.get_task_instances(session=session)
            }

    return end


@pytest.mark.parametrize(
    "tasks",
    [
        {"fit": "running"},
        {"fit": "deferred"},
        {"fit": "up_for_retry"},
        {"fit": "success", "score": "skipped"},
        {},
    ],
    ids=["running", "deferred", "up for retry", "between two tasks", "before the first task"],
)
def test_a_run_marked_failed_ends_failed(end_of: Any, tasks: Mapping[str, str]) -> None:
    state, ended = end_of(TORN_DOWN, tasks, FAILED)
    assert (state, ended["report"], ended["end"]) == ("failed", "upstream_failed", "success")


@pytest.mark.parametrize("tasks", [{"fit": "running"}, {"fit": "up_for_retry"}, {}])
def test_a_run_marked_successful_stays_successful(end_of: Any, tasks: Mapping[str, str]) -> None:
    state, ended = end_of(TORN_DOWN, tasks, SUCCESS)
    assert (state, ended["report"]) == ("success", "skipped")


def test_the_tasks_of_an_ended_run_are_unchanged(end_of: Any) -> None:
    over = {"fit": "skipped", "score": "success", "report": "success", "end": "success"}
    assert end_of(TORN_DOWN, over, FAILED) == ("failed", over)


def test_a_run_with_a_skipped_branch_succeeds(end_of: Any) -> None:
    scored = {"fit": "skipped", "score": "success", "report": "success"}
    assert end_of(TORN_DOWN, scored, None)[0] == "success"


def test_a_dag_that_does_not_use_the_package_is_unchanged(end_of: Any) -> None:
    state, ended = end_of(FOREIGN, {"fit": "running"}, FAILED)
    assert (state, ended["report"]) == ("success", "skipped")
