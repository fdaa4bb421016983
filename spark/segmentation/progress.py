"""The progress of Spark's stages, as lines in the log of the job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from py4j.protocol import Py4JError
from pyspark import SparkContext, StatusTracker

SECONDS = 5.0


@contextmanager
def logged_progress(
    context: SparkContext, log: Callable[[str], None], seconds: float = SECONDS
) -> Iterator[None]:
    """Log the progress of the running stages every few seconds during the block, if it has changed.

    It calls the status tracker of the driver, which sends no request to an executor.
    """
    ended = Event()

    def report() -> None:
        tracker, last = context.statusTracker(), ""
        while not ended.wait(seconds):
            try:
                line = progress(tracker)
            except (Py4JError, OSError):  # the driver has died, which the job reports
                return
            if line and line != last:
                log(line)
                last = line

    thread = Thread(target=report, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(seconds)


def progress(tracker: StatusTracker) -> str:
    """Return the tasks done of each running stage; '' if no stage is running."""
    stages = map(tracker.getStageInfo, sorted(tracker.getActiveStageIds()))
    return ", ".join(
        f"stage {stage.stageId}: {stage.numCompletedTasks} of {stage.numTasks} tasks done"
        for stage in stages
        if stage
    )
