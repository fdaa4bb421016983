"""A run's key figures as its note in the grid, written by the scheduler when the run has ended well.

A task cannot do it: the Task SDK reads the note of its run and has no call to set it. A listener is told of the run as
the scheduler has it in its own session, and what it changes there is stored with the run's state.
https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/listeners.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.listeners import hookimpl

from emr_pipeline.link import KEY_FIGURES

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun


@hookimpl
def on_dag_run_success(dag_run: DagRun) -> None:
    """Make the key figures the note of the run, unless somebody has written one; runs without figures have none."""
    from airflow.models.xcom import XComModel
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None or dag_run.note:
        return
    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=KEY_FIGURES, limit=1)
    if found := session.scalar(query):
        dag_run.note = XComModel.deserialize_value(found)
