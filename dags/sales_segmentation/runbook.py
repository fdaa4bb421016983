"""What the web UI says of each task: the sections of ``runbook.md``."""

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
    """Return the id, the name in the UI and the documentation of a task, as operators take them.

    Raises KeyError for a task that the runbook does not know.
    """
    section = _SECTIONS[task_id]
    return {
        "task_id": task_id,
        "task_display_name": section["name"] or task_id,
        "doc_md": section["text"].strip(),
    }
