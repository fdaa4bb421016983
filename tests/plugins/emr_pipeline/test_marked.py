"""A run that a person marks failed ends failed, whatever its teardowns come to; a run marked successful stays so."""

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

from emr_pipeline import marked
from tests.plugins.emr_pipeline.conftest import FOREIGN, TORN_DOWN, Run

FAILED, SUCCESS = DagRunMutableStates.FAILED, DagRunMutableStates.SUCCESS


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """Airflow loads the listeners of plugins once, which other tests may have let it do without this one."""
    listeners = get_listener_manager().pm
    known = listeners.is_registered(marked)
    if not known:
        listeners.register(marked)
    yield
    if not known:
        listeners.unregister(marked)


@pytest.fixture
def end_of(
    database: Mapping[str, Any], make_run: Callable[..., Run]
) -> Callable[..., tuple[str, dict[str, str]]]:
    """A function that returns how a run ended, and its tasks, if a person marked it while its tasks were so."""

    def end(
        dag_id: str, tasks: Mapping[str, str], mark: DagRunMutableStates | None
    ) -> tuple[str, dict[str, str]]:
        run = make_run(dag_id, state="running")
        for task_id, state in tasks.items():
            run.task(task_id, state)
        where = select(DagRun).filter_by(dag_id=run.dag_id, run_id=run.run_id)
        with create_session() as session:
            if mark:
                patch_dag_run_state(
                    dag=database[dag_id], dag_run=session.scalar(where), state=mark, session=session
                )
        if "end" not in tasks:
            run.task("end", "success")
        with create_session() as session:
            ended = session.scalar(where)
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
    ids=["running", "deferred", "between two tries", "between two tasks", "before all tasks"],
)
def test_a_run_marked_failed_ends_failed(end_of: Any, tasks: Mapping[str, str]) -> None:
    state, ended = end_of(TORN_DOWN, tasks, FAILED)
    assert (state, ended["report"], ended["end"]) == ("failed", "upstream_failed", "success")


@pytest.mark.parametrize("tasks", [{"fit": "running"}, {"fit": "up_for_retry"}, {}])
def test_a_run_marked_successful_stays_so(end_of: Any, tasks: Mapping[str, str]) -> None:
    state, ended = end_of(TORN_DOWN, tasks, SUCCESS)
    assert (state, ended["report"]) == ("success", "skipped")


def test_a_run_that_is_over_is_marked_as_airflow_does(end_of: Any) -> None:
    over = {"fit": "skipped", "score": "success", "report": "success", "end": "success"}
    assert end_of(TORN_DOWN, over, FAILED) == ("failed", over)


def test_a_run_that_scores_has_skipped_tasks_and_ends_well(end_of: Any) -> None:
    scored = {"fit": "skipped", "score": "success", "report": "success"}
    assert end_of(TORN_DOWN, scored, None)[0] == "success"


def test_the_dag_of_another_package_is_left_as_it_is(end_of: Any) -> None:
    state, ended = end_of(FOREIGN, {"fit": "running"}, FAILED)
    assert (state, ended["report"]) == ("success", "skipped")
