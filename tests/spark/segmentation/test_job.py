from __future__ import annotations

import time
from argparse import Namespace

import pytest
from pyspark.sql import SparkSession

from segmentation.job import Job, UserError, run

FLAGS = Namespace(run_date="2026-01-01", code_version="v1", max_rejected_share=0.1)


def test_a_user_error_is_one_last_line_and_exit_code_2(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(job: Job) -> None:
        raise UserError("the input is missing: give another")

    with pytest.raises(SystemExit) as exit_:
        run("preprocess", work, FLAGS)
    assert exit_.value.code == 2
    assert (
        capsys.readouterr().err.splitlines()[-1] == "preprocess.py: error: the input is missing: give another"
    )


def test_other_errors_pass_with_their_traceback(spark: SparkSession) -> None:
    def work(job: Job) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run("preprocess", work, FLAGS)


def test_a_session_that_was_there_stays_open(spark: SparkSession) -> None:
    run("preprocess", lambda job: None, FLAGS)
    assert spark.range(3).count() == 3


def test_the_metrics_hold_parameters_rows_notes_and_times(spark: SparkSession) -> None:
    job = Job("pca", spark, FLAGS)
    with job.stage("read"):
        time.sleep(0.01)
    job.rows["explained_variance"] = 7
    job.note("a constant column was dropped")
    metrics = job.metrics(components=2)
    seconds = metrics.pop("seconds")
    assert metrics == {
        "job": "pca",
        "run_date": "2026-01-01",
        "code_version": "v1",
        "parameters": {"run-date": "2026-01-01", "code-version": "v1", "max-rejected-share": 0.1},
        "rows": {"explained_variance": 7},
        "notes": ["a constant column was dropped"],
        "components": 2,
    }
    assert list(seconds) == ["read", "total"]
    assert 0 < seconds["read"] <= seconds["total"]
