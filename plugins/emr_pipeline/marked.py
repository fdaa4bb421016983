"""A run that a person marks failed ends failed, also when its teardowns still have to run.

Airflow fails the tasks that run, skips those to come, and leaves the run running for its teardowns. Then it computes
the run's state from its last tasks, of which a skipped one counts as well: the run would end as a success.
https://github.com/apache/airflow/blob/3.3.2/airflow-core/src/airflow/api/common/mark_tasks.py

The states of the tasks do not tell such a run from one that was marked successful, because there may be no task that
runs. Airflow tells the listeners of its API server about the mark, in the transaction that skips the tasks.
https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/listeners.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

TEARDOWN = "TerminateClusterOperator"
"""A DAG without a teardown of this class is another package's business."""


@hookimpl
def on_dag_run_failed(dag_run: DagRun) -> None:
    """Turn the skipped last tasks of a run that was marked failed into ``upstream_failed``, so that it ends failed.

    A run whose state is failed already needs nothing, and one whose last tasks have all ended keeps what they say.
    """
    from airflow.utils.state import DagRunState, TaskInstanceState
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None or dag_run.state == DagRunState.FAILED:
        return
    last = last_tasks(dag_run.get_dag())
    if not last:
        return
    for ti in dag_run.get_task_instances(state=[TaskInstanceState.SKIPPED], session=session):
        if ti.task_id in last:
            ti.set_state(TaskInstanceState.UPSTREAM_FAILED, session=session)


def last_tasks(dag: Any) -> set[str]:
    """Return the ids of the tasks that nothing but teardowns follows, none for a DAG without such a teardown."""
    if all(task.task_type != TEARDOWN for task in dag.tasks):
        return set()
    return {
        task.task_id
        for task in dag.tasks
        if not task.is_teardown and all(after.is_teardown for after in task.downstream_list)
    }
