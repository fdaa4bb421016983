"""The plugins serve any pipeline: they contain no word and no task of the sales pipeline."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "dags/sales_segmentation/runbook.md").read_text()
FILES = [
    path
    for path in sorted((ROOT / "plugins").rglob("*"))
    if path.suffix in {".css", ".html", ".md", ".py", ".toml"} and not {"build", "dist"} & set(path.parts)
]

WORDS = re.compile(r"sales|kmeans|\bpca\b|segment|beverage", re.IGNORECASE)
TASK_IDS = [task_id for task_id in re.findall(r"^## (\w+)", RUNBOOK, re.MULTILINE) if "_" in task_id]
# A module of emr_pipeline.operators may have the same name as a task.
TASKS = re.compile(rf"(?<!operators[./])\b({'|'.join(TASK_IDS)})\b")


def test_the_task_ids_are_found() -> None:
    assert {"create_cluster", "stage_jobs", "verify_row_counts"} <= set(TASK_IDS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_plugin_does_not_know_the_sales_pipeline(path: Path) -> None:
    text = path.read_text()
    assert not WORDS.findall(text)
    assert not TASKS.findall(text)
