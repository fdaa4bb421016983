from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from segmentation.errors import UserError
from segmentation.flags import JobFlags, flag, share
from segmentation.job import Job, run
from segmentation.schemas import TABLES


@dataclass(frozen=True, kw_only=True)
class Flags(JobFlags):
    max_rejected_share: float = flag(share, "SHARE", "a share")


@pytest.fixture
def flags(tmp_path: Path) -> Flags:
    return Flags(
        run_date="2026-01-01",
        processed=(tmp_path / "processed").as_uri(),
        metrics=(tmp_path / "metrics").as_uri(),
        code_version="v1",
        max_rejected_share=0.1,
    )


def test_a_user_error_is_the_last_line_with_exit_code_2(
    spark: SparkSession, flags: Flags, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(job: Job[Flags]) -> None:
        raise UserError("the input is missing: give another")

    with pytest.raises(SystemExit) as exit_:
        run("preprocess", work, flags)
    assert exit_.value.code == 2
    assert (
        capsys.readouterr().err.splitlines()[-1] == "preprocess.py: error: the input is missing: give another"
    )


def test_other_errors_propagate(spark: SparkSession, flags: Flags) -> None:
    def work(job: Job[Flags]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run("preprocess", work, flags)


def test_an_existing_session_is_not_stopped(spark: SparkSession, flags: Flags) -> None:
    run("preprocess", lambda job: None, flags)
    assert spark.range(3).count() == 3


def test_publish_counts_logs_and_measures(
    spark: SparkSession, flags: Flags, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    job = Job("pca", flags.lake(spark), flags)
    job.publish("component_loadings", spark.createDataFrame([(1, "a", 0.5)], TABLES["component_loadings"]))
    assert job.rows == {"component_loadings": 1}
    assert job.seconds["component_loadings"] > 0
    assert caplog.messages == ["1 rows of component_loadings published"]


def test_the_metrics_have_parameters_rows_notes_and_seconds(
    spark: SparkSession, flags: Flags, tmp_path: Path
) -> None:
    job = Job("pca", flags.lake(spark), flags)
    with job.stage("read"):
        time.sleep(0.01)
    job.rows["explained_variance"] = 7
    job.note("a constant column was dropped")
    job.write_metrics(components=2)
    metrics = json.loads((tmp_path / "metrics/run_date=2026-01-01/pca.json").read_text())
    seconds = metrics.pop("seconds")
    assert metrics == {
        "job": "pca",
        "run_date": "2026-01-01",
        "code_version": "v1",
        "parameters": {
            "run-date": "2026-01-01",
            "processed": flags.processed,
            "metrics": flags.metrics,
            "code-version": "v1",
            "max-rejected-share": 0.1,
        },
        "rows": {"explained_variance": 7},
        "notes": ["a constant column was dropped"],
        "components": 2,
    }
    assert list(seconds) == ["read", "total"]
    assert 0 < seconds["read"] <= seconds["total"]
