"""The report of a run in Markdown: every question with its answer as a table."""

from __future__ import annotations

from collections.abc import Mapping

Rows = list[dict[str, str]]


def render(answers: Mapping[str, Rows], facts: Mapping[str, str]) -> str:
    """Return the report; ``facts`` are shown first, an answer without rows says so."""
    parts = [f"# Customer segmentation, {facts['run_date']}", _facts(facts)]
    parts += [f"## {_title(question)}\n\n{_table(rows)}" for question, rows in answers.items()]
    return "\n\n".join(parts) + "\n"


def _facts(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- {_title(name)}: {value}" for name, value in facts.items())


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _table(rows: Rows) -> str:
    if not rows:
        return "No rows."
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: str) -> str:
    """Return text that stays in its cell, whatever a customer's name holds."""
    return value.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
