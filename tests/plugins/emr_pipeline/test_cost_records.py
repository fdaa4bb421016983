"""The costs of earlier runs are found by the time of the run, and files that are not readable are skipped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from emr_pipeline.cost import ClusterCost, RunCost, Use
from emr_pipeline.cost_records import MAX_RUNS, read_run_costs, record_key, write_run_cost

NOW = datetime(2026, 6, 30, tzinfo=UTC)
CLUSTER = ClusterCost(
    "j-1", "emr-7.13.0", 900.5, 300.0, (Use("m7g.xlarge", "SPOT", 2, 1800.0),), {"count_words": 60.0}
)


def run_cost(run_id: str = "manual__1") -> RunCost:
    return RunCost(
        tags={"dag_id": "words", "run_id": run_id},
        recorded="2026-06-29T12:00:00+00:00",
        clusters=(CLUSTER,),
        input_bytes=1_000,
        queries=3,
        scanned_bytes=50,
        billed_bytes=30_000_000,
        region="eu-central-1",
        prices="2026-11-27",
        node_dollars=0.5,
        athena_dollars=None,
    )


@pytest.fixture
def bucket(aws: Any) -> str:
    name = f"costs-{uuid4().hex}"
    aws.client("s3").create_bucket(Bucket=name)
    return name


def test_a_run_is_read_as_it_was_written(aws: Any, bucket: str) -> None:
    s3 = aws.client("s3")
    write_run_cost(s3, bucket, record_key("words", "manual__1", NOW - timedelta(days=1)), run_cost())
    write_run_cost(s3, bucket, record_key("other", "manual__1", NOW), run_cost())
    assert read_run_costs(s3, bucket, "words", NOW) == [run_cost()]


def test_the_newest_runs_come_first_and_old_ones_are_not_read(aws: Any, bucket: str) -> None:
    s3 = aws.client("s3")
    for day in (1, 200, *range(2, MAX_RUNS + 3)):
        key = record_key("words", f"run {day}", NOW - timedelta(days=day))
        write_run_cost(s3, bucket, key, run_cost(f"run {day}"))
    found = [run.tags["run_id"] for run in read_run_costs(s3, bucket, "words", NOW)]
    assert found == [f"run {day}" for day in range(1, MAX_RUNS + 1)]


def test_a_run_that_is_recorded_again_replaces_its_record(aws: Any, bucket: str) -> None:
    s3 = aws.client("s3")
    for _ in range(2):
        write_run_cost(s3, bucket, record_key("words", "manual__1", NOW), run_cost())
    assert len(read_run_costs(s3, bucket, "words", NOW)) == 1


@pytest.mark.parametrize("content", [b"not JSON", b"{}", b'{"clusters": [{"size": 1}]}'])
def test_a_file_that_is_not_the_cost_of_a_run_is_skipped(aws: Any, bucket: str, content: bytes) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key=record_key("words", "broken", NOW), Body=content)
    write_run_cost(s3, bucket, record_key("words", "good", NOW - timedelta(days=1)), run_cost())
    assert read_run_costs(s3, bucket, "words", NOW) == [run_cost()]
