"""Steps with Spark's connector S3A: faults of S3 reach Spark."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.faults import Faults, Throttle
from localaws.testing import LocalAws
from tests.localaws.emr.clusters import create_cluster, step, wait_for_end

pytestmark = pytest.mark.s3a

JARS = Path(__file__).parents[3] / ".venv-s3a" / "sagemaker_pyspark" / "jars"
BUCKET = "s3a-tests"
COPY = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
lines = spark.read.option("header", True).csv("s3://s3a-tests/in/")
lines.write.mode("overwrite").partitionBy("p").parquet("s3://s3a-tests/out/")
print(spark.read.parquet("s3://s3a-tests/out/").count(), "lines")
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    assert JARS.is_dir(), "make test-s3a creates .venv-s3a"
    with LocalAws("--cluster-seconds", "0", "--s3a-jars", str(JARS)) as local_aws:
        s3 = local_aws.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="in/lines.csv", Body=b"id,p\n1,a\n2,b\n")
        s3.put_object(Bucket=BUCKET, Key="job.py", Body=COPY.encode())
        yield local_aws


def run(aws: LocalAws, *options: str) -> dict[str, Any]:
    """Run the step and return its status."""
    copy = step("copy", "spark-submit", *options, f"s3://{BUCKET}/job.py")
    _, statuses = wait_for_end(aws, create_cluster(aws, copy, bucket=BUCKET))
    return statuses["copy"]


def test_spark_retries_requests_that_s3_throttles(aws: LocalAws) -> None:
    faults = Faults(aws.endpoint_url)
    planned = faults.plan(
        Throttle("s3:GetObject", times=2, containing="in/lines.csv"),
        Throttle("s3:PutObject", times=2, containing=f"{BUCKET}/out/"),
    )
    assert run(aws)["State"] == "COMPLETED"
    assert [faults.triggered(each) for each in planned] == [2, 2]


def test_a_step_fails_if_s3_throttles_all_requests(aws: LocalAws) -> None:
    faults = Faults(aws.endpoint_url)
    faults.plan(Throttle("s3:GetObject", times=10_000, containing="in/lines.csv"))
    attempts = ("fs.s3a.attempts.maximum=1", "fs.s3a.retry.limit=1", "fs.s3a.retry.throttle.limit=1")
    status = run(aws, *(word for each in attempts for word in ("--conf", f"spark.hadoop.{each}")))
    faults.clear()
    assert status["State"] == "FAILED"
    key = status["FailureDetails"]["LogFile"].removeprefix(f"s3://{BUCKET}/")
    log = aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert "Error Code: SlowDown" in gzip.decompress(log).decode()
