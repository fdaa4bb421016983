"""A run that has ended well has its key figures as its note, as the scheduler leaves it in the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import select

from emr_pipeline.note import on_dag_run_success
from tests.plugins.emr_pipeline.conftest import Run


def note_after_success(run: Run, before: str | None = None) -> str | None:
    where = select(DagRun).filter_by(dag_id=run.dag_id, run_id=run.run_id)
    with create_session() as session:
        ended = session.scalar(where)
        ended.note = before
        on_dag_run_success(ended)
    with create_session() as session:
        note: str | None = session.scalar(where).note
        return note


@pytest.mark.parametrize(
    ("before", "after"), [(None, "4 segments, silhouette 0.41"), ("mine", "mine")], ids=["none", "a person's"]
)
def test_the_key_figures_become_the_note_unless_there_is_one(
    make_run: Callable[..., Run], before: str | None, after: str
) -> None:
    run = make_run()
    run.publish(key_figures="4 segments, silhouette 0.41")
    make_run().publish(key_figures="another run's")
    assert note_after_success(run, before) == after


def test_a_run_without_key_figures_gets_no_note(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.publish()
    assert note_after_success(run) is None
