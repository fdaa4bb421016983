"""Who is called at night finds at each task what it does, what to do, and whether to repeat it."""

from __future__ import annotations

from typing import Any

import pytest

from sales_segmentation.runbook import _SECTIONS, task_docs


def test_each_task_has_its_section_and_each_section_its_task(dag: Any) -> None:
    assert set(_SECTIONS) == set(dag.task_ids)


def test_a_section_says_what_to_do_and_whether_to_repeat(dag: Any) -> None:
    for task in dag.tasks:
        assert "**When it fails**: " in task.doc_md, task.task_id
        assert "**Again**: safe" in task.doc_md, task.task_id


def test_a_name_in_the_heading_is_the_one_in_the_ui(dag: Any) -> None:
    assert dag.get_task("verify_row_counts").task_display_name == "Compare row counts"
    assert dag.get_task("pca").task_display_name == "pca"


def test_a_task_without_a_section_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_such_task"):
        task_docs("no_such_task")
