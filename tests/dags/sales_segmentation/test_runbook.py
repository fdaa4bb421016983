"""The runbook has a section for each task, which says when it fails, what to do, and whether to repeat it."""

from __future__ import annotations

from typing import Any

import pytest

from sales_segmentation.runbook import _SECTIONS, task_docs


def test_each_task_has_a_section_and_each_section_a_task(dag: Any) -> None:
    assert set(_SECTIONS) == set(dag.task_ids)


def test_a_section_answers_the_questions_about_a_failed_task(dag: Any) -> None:
    for task in dag.tasks:
        for heading in ("**Fails when**: ", "**What to do**: ", "**Repeat**: safe"):
            assert heading in task.doc_md, task.task_id


def test_the_name_in_a_heading_is_the_name_in_the_ui(dag: Any) -> None:
    assert dag.get_task("verify_row_counts").task_display_name == "Compare row counts"
    assert all(task.task_display_name != task.task_id for task in dag.tasks)


def test_a_task_without_a_section_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_such_task"):
        task_docs("no_such_task")
