"""The frame around every job: its Spark session, its clock, its log, and how it ends."""

from __future__ import annotations

import logging
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession


class UserError(Exception):
    """Something only the user can put right. The message is one sentence that names what is wrong and what to do."""


@dataclass
class Job:
    """A job while it runs.

    ``rows``, ``notes`` and ``seconds`` grow as the work goes on and end up in the metrics.
    """

    name: str
    spark: SparkSession
    flags: Namespace
    rows: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside as the stage ``name`` (wall seconds)."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - begin, 3)

    def log(self, message: str) -> None:
        """Write one short line of progress to the log."""
        logging.getLogger(self.name).info(message)

    def note(self, message: str) -> None:
        """Log something the reader of the results should know, and keep it for the metrics."""
        self.log(message)
        self.notes.append(message)

    def metrics(self, **specific: Any) -> dict[str, Any]:
        """Return the content of the metrics file: what all jobs report, and the keys only this job has."""
        parameters = {name.replace("_", "-"): value for name, value in vars(self.flags).items()}
        return {
            "job": self.name,
            "run_date": self.flags.run_date,
            "code_version": self.flags.code_version,
            "parameters": parameters,
            "rows": self.rows,
            "notes": self.notes,
            **specific,
            "seconds": {**self.seconds, "total": round(time.monotonic() - self.started, 3)},
        }


def run(name: str, work: Callable[[Job], None], flags: Namespace) -> None:
    """Run ``work`` as the job ``name``.

    A UserError ends the process with exit code 2 and its sentence as the last line on stderr; any other exception
    passes, with its traceback. A session that was there before is used and left open.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("py4j").setLevel(logging.WARNING)
    owned = SparkSession.getActiveSession() is None
    began = time.monotonic()
    spark = _session(name)
    try:
        work(Job(name, spark, flags, seconds={"session": round(time.monotonic() - began, 3)}, started=began))
    except UserError as error:
        problem = str(error)
    else:
        return
    finally:
        if owned:
            spark.stop()
    # As argparse words it, so that both are told from a traceback by the same pattern.
    sys.stderr.write(f"{name}.py: error: {problem}\n")
    sys.exit(2)


def _session(name: str) -> SparkSession:
    """Return the session for the job; master and sizes are the cluster's business and come from its settings."""
    spark = (
        SparkSession.builder.appName(name)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    # The progress lines are the log; Spark's own INFO lines would bury them and follow the last word of a failed job.
    spark.sparkContext.setLogLevel("WARN")
    return spark
