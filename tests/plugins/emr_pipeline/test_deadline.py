"""The deadline counts from the creation of a run, and clearing a task neither fails nor moves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.deadline import Deadline
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.utils.session import create_session
from sqlalchemy import select

from tests.plugins.emr_pipeline.conftest import LATE_AFTER, Run


def test_the_deadline_counts_from_the_creation_of_the_run(make_run: Callable[..., Run]) -> None:
    run = make_run(state="queued")
    assert abs(deadline(run) - datetime.now(UTC) - LATE_AFTER) < timedelta(minutes=1)


def test_clearing_a_task_works_and_leaves_the_deadline(make_run: Callable[..., Run]) -> None:
    run = make_run(state="queued")
    run.task("pca", "failed")
    before = deadline(run)
    with create_session() as session:
        clear_task_instances([session.scalars(pca(run)).one()], session)
    with create_session() as session:
        assert session.scalars(pca(run)).one().state is None
    assert deadline(run) == before


def pca(run: Run) -> Any:
    return select(TaskInstance).filter_by(run_id=run.run_id, task_id="pca")


def deadline(run: Run) -> datetime:
    """Return the deadline of a run, which has exactly one."""
    with create_session() as session:
        query = select(Deadline.deadline_time).join(DagRun).where(DagRun.run_id == run.run_id)
        return session.scalars(query).one()
