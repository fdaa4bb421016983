"""What all jobs share: the Spark session, the log, the metrics, and the exit code."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pyspark.sql import DataFrame, SparkSession

from segmentation.errors import UserError
from segmentation.flags import JobFlags
from segmentation.lake import Lake
from segmentation.progress import logged_progress

Flags = TypeVar("Flags", bound=JobFlags)


@dataclass
class Job(Generic[Flags]):
    """A running job.

    ``rows`` of each dataset, ``notes`` and ``seconds`` of each stage are collected for the metrics.
    """

    name: str
    lake: Lake
    flags: Flags
    rows: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the wall time of the block as the stage ``name``, in seconds."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - begin, 3)

    def log(self, message: str) -> None:
        """Write one short line to the log."""
        logging.getLogger(self.name).info(message)

    def note(self, message: str) -> None:
        """Log a message that readers of the results should know, and keep it for the metrics."""
        self.log(message)
        self.notes.append(message)

    def publish(self, dataset: str, frame: DataFrame) -> None:
        """Replace the partition of ``dataset`` by ``frame``, as a stage of this name; count and log the rows."""
        with self.stage(dataset):
            self.rows[dataset] = self.lake.publish(dataset, frame)
            self.log(f"{self.rows[dataset]:,} rows of {dataset} published")

    def write_metrics(self, **specific: Any) -> None:
        """Write the metrics file: the keys of all jobs, and the ``specific`` ones of this job."""
        parameters = {name.replace("_", "-"): value for name, value in vars(self.flags).items()}
        content = {
            "job": self.name,
            "run_date": self.flags.run_date,
            "code_version": self.flags.code_version,
            "parameters": parameters,
            "rows": self.rows,
            "notes": self.notes,
            **specific,
            "seconds": {**self.seconds, "total": round(time.monotonic() - self.started, 3)},
        }
        self.lake.write_metrics(self.name, content)


def run(name: str, work: Callable[[Job[Flags]], None], flags: Flags) -> None:
    """Run ``work`` as the job ``name``.

    A UserError ends the process with exit code 2, and its message is the last line on stderr. Other exceptions
    propagate. An active session is used and not stopped.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("py4j").setLevel(logging.WARNING)
    owned = SparkSession.getActiveSession() is None
    began = time.monotonic()
    spark = _session(name)
    seconds = {"session": round(time.monotonic() - began, 3)}
    try:
        job = Job(name, flags.lake(spark), flags, seconds=seconds, started=began)
        with logged_progress(spark.sparkContext, job.log):
            work(job)
    except UserError as error:
        problem = str(error)
    else:
        return
    finally:
        if owned:
            spark.stop()
    # The format of argparse, so that one pattern finds the errors of both.
    sys.stderr.write(f"{name}.py: error: {problem}\n")
    sys.exit(2)


def _session(name: str) -> SparkSession:
    """Return the session of the job; the settings of the cluster determine its master and its sizes."""
    spark = (
        SparkSession.builder.appName(name)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    # INFO lines of Spark would hide the progress lines and follow the last line of a failed job.
    spark.sparkContext.setLogLevel("WARN")
    return spark
