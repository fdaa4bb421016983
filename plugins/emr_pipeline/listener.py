"""A listener that adds to the end of a run: its note in the grid, and the state of a run that is marked failed.

https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/listeners.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

from emr_pipeline.extra_links import COST, FAILURE, KEY_FIGURES

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from sqlalchemy.orm import Session

LABELS = {KEY_FIGURES: "**Result**:", COST: "**Cost**:", FAILURE: "**Failed**:"}
"""The beginning of each line that this listener adds to a note, by the XCom that the line shows."""

NOTE_LENGTH = 1000
"""The length of the column in Airflow's database."""

TEARDOWN = "TerminateClusterOperator"
"""A DAG without a teardown of this class does not use this package."""


@hookimpl
def on_dag_run_success(dag_run: DagRun) -> None:
    """Add the key figures and the cost of the run to its note, and remove the causes of an earlier failure.

    A task cannot set it: the Task SDK can only read the note. The scheduler calls its listeners with the run in its
    own session and commits their changes together with the run's state.
    """
    session = _session(dag_run)
    if session is None:
        return
    found = {key: _xcom(dag_run, session, key=key) for key in (KEY_FIGURES, COST)}
    lines = [f"{LABELS[key]} {text}" for key, text in found.items() if text]
    if lines or LABELS[FAILURE] in (dag_run.note or ""):
        _add_to_note(dag_run, lines)


def _session(dag_run: DagRun) -> Session | None:
    """Return the database session of the run; None in ``DAG.test``, which ends a run outside a session."""
    from sqlalchemy.orm import object_session

    return object_session(dag_run)


def _xcom(dag_run: DagRun, session: Session, **one: Any) -> str:
    """Return a text that a task of the run has pushed, in one line, or an empty string."""
    from airflow.models.xcom import XComModel

    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, limit=1, **one)
    found = session.scalar(query)
    return " ".join(str(XComModel.deserialize_value(found)).split()) if found else ""


def _add_to_note(dag_run: DagRun, lines: Sequence[str]) -> None:
    """Add lines below the text of a user; remove those that an earlier end of the run has added."""
    before = (dag_run.note or "").splitlines()
    users = "\n".join(line for line in before if not line.startswith(tuple(LABELS.values())))
    note = re.sub(r"\n{3,}", "\n\n", "\n\n".join([users.strip(), *lines])).strip()
    dag_run.note = note if len(note) <= NOTE_LENGTH else f"{note[: NOTE_LENGTH - 1]}…"


@hookimpl
def on_dag_run_failed(dag_run: DagRun) -> None:
    """Add the failed tasks and their causes to the note of a failed run; see ``_fail_leaf_tasks`` for a marked run."""
    from airflow.utils.state import DagRunState

    if dag_run.state == DagRunState.FAILED:
        _explain(dag_run)
    else:
        _fail_leaf_tasks(dag_run)


def _explain(dag_run: DagRun) -> None:
    from airflow.utils.state import TaskInstanceState

    session = _session(dag_run)
    if session is None or not leaf_tasks(dag_run.get_dag()):
        return
    causes = {
        f"{ti.task_display_name} (`{ti.task_id}`)": _xcom(
            dag_run, session, key=FAILURE, task_ids=ti.task_id, map_indexes=ti.map_index
        )
        for ti in dag_run.get_task_instances(state=[TaskInstanceState.FAILED], session=session)
    }
    if causes:
        lines = [f"{LABELS[FAILURE]} {task}: {cause or 'see its log'}" for task, cause in causes.items()]
        _add_to_note(dag_run, lines)


def _fail_leaf_tasks(dag_run: DagRun) -> None:
    """Set the skipped leaf tasks of a run that a user has marked failed to ``upstream_failed``.

    To mark a run failed, Airflow fails its running tasks, skips those that have not started, and lets the teardowns
    run. Then it computes the run's state from the leaf tasks. Skipped leaf tasks would make it a success:
    https://github.com/apache/airflow/blob/3.3.2/airflow-core/src/airflow/api/common/mark_tasks.py

    The task states do not distinguish such a run from one that was marked successful, as there may be no running task.
    But the API server calls its listeners in the transaction that skips the tasks. Leaf tasks that have already ended
    are left unchanged.
    """
    from airflow.utils.state import TaskInstanceState

    session = _session(dag_run)
    if session is None:
        return
    leaves = leaf_tasks(dag_run.get_dag())
    if not leaves:
        return
    for ti in dag_run.get_task_instances(state=[TaskInstanceState.SKIPPED], session=session):
        if ti.task_id in leaves:
            ti.set_state(TaskInstanceState.UPSTREAM_FAILED, session=session)


def leaf_tasks(dag: Any) -> set[str]:
    """Return the ids of the tasks that only teardowns follow; none for a DAG that does not use this package."""
    if all(task.task_type != TEARDOWN for task in dag.tasks):
        return set()
    return {
        task.task_id
        for task in dag.tasks
        if not task.is_teardown and all(after.is_teardown for after in task.downstream_list)
    }
