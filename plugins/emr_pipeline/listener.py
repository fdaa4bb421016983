"""A listener that adds to the end of a run: its note in the grid, and the state of a run that is marked failed.

https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/listeners.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

from emr_pipeline.extra_links import COST, KEY_FIGURES

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

TEARDOWN = "TerminateClusterOperator"
"""A DAG without a teardown of this class does not use this package."""


@hookimpl
def on_dag_run_success(dag_run: DagRun) -> None:
    """Set the run's note to its key figures and its cost, unless it has a note or neither of them.

    A task cannot set it: the Task SDK can only read the note. The scheduler calls its listeners with the run in its
    own session and commits their changes together with the run's state.
    """
    from airflow.models.xcom import XComModel
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None or dag_run.note:
        return
    lines = []
    for key in (KEY_FIGURES, COST):
        query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=key, limit=1)
        if found := session.scalar(query):
            lines.append(XComModel.deserialize_value(found))
    if lines:
        dag_run.note = "\n\n".join(lines)


@hookimpl
def on_dag_run_failed(dag_run: DagRun) -> None:
    """Set the skipped leaf tasks of a run that a user has marked failed to ``upstream_failed``.

    To mark a run failed, Airflow fails its running tasks, skips those that have not started, and lets the teardowns
    run. Then it computes the run's state from the leaf tasks. Skipped leaf tasks would make it a success:
    https://github.com/apache/airflow/blob/3.3.2/airflow-core/src/airflow/api/common/mark_tasks.py

    The task states do not distinguish such a run from one that was marked successful, as there may be no running task.
    But the API server calls its listeners in the transaction that skips the tasks. A run that has already failed, and
    leaf tasks that have already ended, are left unchanged.
    """
    from airflow.utils.state import DagRunState, TaskInstanceState
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None or dag_run.state == DagRunState.FAILED:
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
