"""The documentation of each task in the web UI: its section of ``runbook.md``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_SECTION = re.compile(r"^## (?P<task_id>\w+)(?:: (?P<name>.+))?\n(?P<text>(?:(?!## ).*\n)*)", re.MULTILINE)

_SECTIONS = {
    section["task_id"]: section
    for section in _SECTION.finditer(Path(__file__).with_suffix(".md").read_text(encoding="utf-8"))
}


def task_docs(task_id: str) -> dict[str, Any]:
    """Return a task's id, its name in the UI and its documentation, as arguments of an operator.

    Raises KeyError if the runbook has no section for the task.
    """
    section = _SECTIONS[task_id]
    return {
        "task_id": task_id,
        "task_display_name": section["name"] or task_id,
        "doc_md": section["text"].strip(),
    }
