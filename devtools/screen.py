"""The progress of a run in a terminal. Without a terminal, one line for each task that has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

STATE_MARKS = {
    "success": ("✔", "green"),
    "failed": ("✘", "red"),
    "upstream_failed": ("·", "red"),
    "skipped": ("·", "yellow"),
    "up_for_retry": ("↻", "yellow"),
}
WAITING_MARK = ("·", "dim")
FAILED_STATES = ("failed", "upstream_failed")


@dataclass
class TaskLine:
    """One task; ``ended`` counts its ended instances, ``seconds`` is their total duration."""

    task_id: str
    instances: int = 1
    state: str = ""
    ended: int = 0
    started: float | None = None
    seconds: float = 0.0

    def elapsed(self) -> float:
        """Return the total seconds of all instances so far."""
        return self.seconds + (time.monotonic() - self.started if self.started is not None else 0.0)


class Screen:
    """Shows the tasks of a run; ``step_status`` returns a line about the running Spark step, or ''."""

    def __init__(self, console: Console, step_status: Callable[[], str] = lambda: "") -> None:
        self.console = console
        self._step_status = step_status
        self._tasks: dict[str, TaskLine] = {}
        self._live: Live | None = None

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show ``what`` during the block, and its duration at the end."""
        began = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(what):
                yield
        else:
            yield
        self.console.print(f"[green]✔[/] {what} [dim]{time.monotonic() - began:.1f} s[/]", highlight=False)

    @contextmanager
    def progress_bar(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a progress bar; the caller passes the number done so far."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console) as progress:
            bar = progress.add_task(what, total=total)
            yield lambda done: progress.update(bar, completed=done)

    @contextmanager
    def tasks(self, instances: dict[str, int]) -> Iterator[None]:
        """Show the tasks during the block; ``instances`` has the number of instances by task id."""
        self._tasks = {task_id: TaskLine(task_id, number) for task_id, number in instances.items()}
        if not self.console.is_terminal:
            yield
            return
        with Live(get_renderable=self._draw, console=self.console, refresh_per_second=5) as self._live:
            yield

    def stop(self) -> None:
        """Restore the terminal at any point of the display."""
        if self._live is not None:
            self._live.stop()

    def task_started(self, task_id: str) -> None:
        task = self._tasks[task_id]
        task.started = time.monotonic()
        if task.state not in FAILED_STATES:
            task.state = "running"

    def task_ended(self, task_id: str, state: str) -> None:
        """Record the end of one instance of a task; a failed state of an instance is kept."""
        task = self._tasks[task_id]
        task.seconds, task.started = task.elapsed(), None
        task.ended += state != "up_for_retry"
        complete = task.ended == task.instances
        changed = state != task.state and (complete or state != "success")
        if task.state not in FAILED_STATES:
            task.state = state if state != "success" or complete else "running"
        if not self.console.is_terminal and changed:
            mark, _ = STATE_MARKS.get(state, WAITING_MARK)
            self.console.print(f"{mark} {task_id} {state} {task.seconds:.1f} s", highlight=False)

    def report(self, markdown: str) -> None:
        self.console.print(Markdown(markdown))

    def print(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def error(self, line: str) -> None:
        self.console.print(Text(line, style="bold red"), soft_wrap=True)

    def _draw(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for task in self._tasks.values():
            table.add_row(*self._row(task))
        done = sum(task.ended for task in self._tasks.values())
        total = sum(task.instances for task in self._tasks.values())
        bar = Progress(BarColumn(), MofNCompleteColumn(), TextColumn("tasks"), console=self.console)
        bar.add_task("", total=total, completed=done)
        return Group(table, bar)

    def _row(self, task: TaskLine) -> tuple[RenderableType, str, str, str]:
        count = f"{task.ended}/{task.instances}" if task.instances > 1 else ""
        if task.state == "running":
            return Spinner("dots"), task.task_id, f"{task.elapsed():.1f} s", count or self._step_status()
        mark, style = STATE_MARKS.get(task.state, WAITING_MARK)
        elapsed = f"{task.seconds:.1f} s" if task.state else ""
        return Text(mark, style), task.task_id, elapsed, count
