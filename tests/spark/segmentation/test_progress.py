"""The progress of the stages is logged while they run."""

from __future__ import annotations

import re
import time

from pyspark.sql import SparkSession

from segmentation.progress import logged_progress


def sleep(_: int) -> None:
    time.sleep(0.3)


def test_the_tasks_done_are_logged_while_a_stage_runs(spark: SparkSession) -> None:
    lines: list[str] = []
    with logged_progress(spark.sparkContext, lines.append, seconds=0.1):
        spark.sparkContext.parallelize(range(12), 12).foreach(sleep)
    matches = [re.fullmatch(r"stage \d+: (\d+) of 12 tasks done", line) for line in lines]
    assert matches
    done = [int(match[1]) for match in matches if match]
    assert len(done) == len(lines)
    assert done == sorted(set(done))
    assert done[-1] > 0
