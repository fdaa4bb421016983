"""Without a terminal the screen prints one line for each ended task."""

from __future__ import annotations

import io
import re

from rich.console import Console

from devtools.screen import Screen


def lines_of(output: io.StringIO) -> list[str]:
    return [re.sub(r"\d+\.\d s", "0.0 s", line) for line in output.getvalue().splitlines()]


def screen(terminal: bool = False) -> tuple[Screen, io.StringIO]:
    output = io.StringIO()
    return Screen(Console(file=output, width=100, force_terminal=terminal)), output


def test_each_ended_task_is_one_line() -> None:
    drawn, output = screen()
    with drawn.tasks({"a": 1, "b": 1}):
        drawn.task_started("a")
        drawn.task_ended("a", "success")
        drawn.task_started("b")
        drawn.task_ended("b", "failed")
    assert lines_of(output) == ["✔ a success 0.0 s", "✘ b failed 0.0 s"]


def test_a_mapped_task_is_one_line_after_all_instances_have_ended() -> None:
    drawn, output = screen()
    with drawn.tasks({"queries": 2}):
        for _ in range(2):
            drawn.task_started("queries")
            drawn.task_ended("queries", "success")
    assert lines_of(output) == ["✔ queries success 0.0 s"]


def test_a_mapped_task_with_failures_is_one_failed_line() -> None:
    drawn, output = screen()
    with drawn.tasks({"queries": 3}):
        for state in ("failed", "success", "failed"):
            drawn.task_started("queries")
            drawn.task_ended("queries", state)
    assert lines_of(output) == ["✘ queries failed 0.0 s"]


def test_a_retry_is_not_the_end_of_a_task() -> None:
    drawn, output = screen()
    with drawn.tasks({"a": 1}):
        for state in ("up_for_retry", "success"):
            drawn.task_started("a")
            drawn.task_ended("a", state)
    assert lines_of(output) == ["↻ a up_for_retry 0.0 s", "✔ a success 0.0 s"]


def test_a_terminal_shows_all_tasks_and_the_number_of_ended_ones() -> None:
    drawn, output = screen(terminal=True)
    with drawn.tasks({"a": 1, "queries": 2}):
        drawn.task_started("a")
        drawn.task_ended("a", "success")
    drawn.stop()
    assert "queries" in output.getvalue()
    assert "1/3" in output.getvalue()
