"""Job runs as real processes, through boto3 against a running server. Most replace spark-submit by a planned fault."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.faults import Fault, Faults, SpotNodeLost, StepFails, StepHangs, StepKilled, StepStartsSlowly
from localaws.testing import LocalAws

BUCKET = "serverless-runner"
ROLE = "arn:aws:iam::123456789012:role/job"
WRITE = """
import os, sys
from helper import MEANING
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
lines = spark.read.option("header", True).csv("s3://serverless-runner/in/")
lines.write.mode("overwrite").parquet(sys.argv[1])
settings = [spark.conf.get(f"spark.set.{name}") for name in ("application", "job", "parameter")]
print(lines.count(), MEANING, sys.argv[2:], settings, os.environ["COLOUR"], spark.conf.get("spark.master"))
"""
FOREVER = 600.0
ENDED = {"SUCCESS", "FAILED", "CANCELLED"}


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    faults = Faults(local_aws.endpoint_url)
    yield faults
    faults.clear()


@pytest.fixture(scope="module")
def application(local_aws: LocalAws) -> str:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    files = {"write.py": WRITE, "helper.py": "MEANING = 42", "in/lines.csv": "id\n1\n2\n3\n"}
    for key, text in files.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
    serverless = local_aws.client("emr-serverless")
    properties = dict.fromkeys(("spark.set.application", "spark.set.job"), "application")
    application_id: str = serverless.create_application(
        name="runner",
        releaseLabel="emr-7.13.0",
        type="SPARK",
        runtimeConfiguration=[{"classification": "spark-defaults", "properties": properties}],
        monitoringConfiguration={"s3MonitoringConfiguration": {"logUri": f"s3://{BUCKET}/logs/"}},
    )["applicationId"]
    while serverless.get_application(applicationId=application_id)["application"]["state"] != "CREATED":
        time.sleep(0.05)
    return application_id


def start(aws: LocalAws, application_id: str, name: str, *arguments: str, **members: Any) -> str:
    parameters = members.pop("parameters", "--deploy-mode cluster")
    driver = {
        "entryPoint": f"s3://{BUCKET}/write.py",
        "entryPointArguments": list(arguments),
        "sparkSubmitParameters": parameters,
    }
    job_run_id: str = aws.client("emr-serverless").start_job_run(
        applicationId=application_id,
        name=name,
        executionRoleArn=ROLE,
        jobDriver={"sparkSubmit": driver},
        **members,
    )["jobRunId"]
    return job_run_id


def wait_for(aws: LocalAws, application_id: str, job_run_id: str, *states: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = aws.client("emr-serverless").get_job_run(
            applicationId=application_id, jobRunId=job_run_id
        )["jobRun"]
        if found["state"] in (states or ENDED):
            return found
        time.sleep(0.05)


def log(aws: LocalAws, path: str) -> str:
    stored = aws.client("s3").get_object(Bucket=BUCKET, Key=f"logs/applications/{path}.gz")
    return gzip.decompress(stored["Body"].read()).decode()


def test_a_job_run_reads_and_writes_s3_with_the_settings_of_all_levels(
    local_aws: LocalAws, application: str
) -> None:
    properties = {
        "spark.set.job": "job",
        "spark.set.parameter": "job",
        "spark.emr-serverless.driverEnv.COLOUR": "blue",
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": "./environment/bin/python",
    }
    job_run_id = start(
        local_aws,
        application,
        "write",
        f"s3://{BUCKET}/out/",
        "--master",
        "mine",
        parameters=f"--conf spark.driver.memory=14g --py-files s3://{BUCKET}/helper.py "
        "--conf 'spark.set.parameter=two words' --conf spark.executor.instances=1",
        configurationOverrides={
            "applicationConfiguration": [{"classification": "spark-defaults", "properties": properties}],
            "monitoringConfiguration": {
                "cloudWatchLoggingConfiguration": {"enabled": True, "logStreamNamePrefix": "live"}
            },
        },
    )
    job_run = wait_for(local_aws, application, job_run_id)
    assert (job_run["state"], job_run["stateDetails"]) == ("SUCCESS", "")
    output = "3 42 ['--master', 'mine'] ['application', 'job', 'two words'] blue local[*]"
    path = f"{application}/jobs/{job_run_id}/SPARK_DRIVER/stdout"
    assert log(local_aws, path) == f"{output}\n"
    events = local_aws.client("logs").get_log_events(
        logGroupName="/aws/emr-serverless", logStreamName=f"live/applications/{path}"
    )["events"]
    assert [event["message"] for event in events] == [output]
    written = local_aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="out/")["Contents"]
    assert any(item["Key"].endswith(".parquet") for item in written)
    seconds = job_run["totalExecutionDurationSeconds"]
    assert job_run["startedAt"] < job_run["endedAt"]
    assert job_run["totalResourceUtilization"]["vCPUHour"] == round(8 * seconds / 3600, 3)
    assert job_run["billedResourceUtilization"] == {
        "vCPUHour": round(8 * max(seconds, 60) / 3600, 3),
        "memoryGBHour": round(32 * max(seconds, 60) / 3600, 3),
        "storageGBHour": 0.0,
    }
    folder = local_aws.state / "emr-serverless" / application / job_run_id / "1"
    assert (folder / "stdout").read_text().startswith("3 42")
    assert not (folder / "work").exists()
    members = {"applicationId": application, "jobRunId": job_run_id}
    link = local_aws.client("emr-serverless").get_dashboard_for_job_run(**members)["url"]
    [event_log] = re.findall(r"Logging events to \S+/(local-\d+)", (folder / "stderr").read_text())
    assert re.fullmatch(
        rf"{re.escape(local_aws.endpoint_url)}/_localaws/spark-ui/[\w-]+/history/{event_log}/jobs/", link
    )
    assert (local_aws.state / "spark-history" / "event-logs" / f"{event_log}.zstd").exists()


def test_each_attempt_has_its_own_state_and_logs(
    local_aws: LocalAws, application: str, faults: Faults
) -> None:
    faults.plan(StepFails("repeated", "the first attempt"), StepFails("repeated", "the second attempt"))
    job_run_id = start(local_aws, application, "repeated", retryPolicy={"maxAttempts": 2})
    last = wait_for(local_aws, application, job_run_id)
    serverless = local_aws.client("emr-serverless")
    members = {"applicationId": application, "jobRunId": job_run_id}
    attempts = serverless.list_job_run_attempts(**members)["jobRunAttempts"]
    assert [(a["attempt"], a["state"]) for a in attempts] == [(2, "FAILED"), (1, "FAILED")]
    first = serverless.get_job_run(**members, attempt=1)["jobRun"]
    for number, job_run in enumerate((first, last), start=1):
        exception = f"RuntimeError: the {('first', 'second')[number - 1]} attempt"
        assert job_run["attempt"] == number
        assert job_run["stateDetails"] == (
            "Job failed, please check complete logs in configured logging destination. ExitCode: 1. "
            f"Last few exceptions: {exception}"
        )
        path = f"{application}/jobs/{job_run_id}/attempts/{number}/SPARK_DRIVER/stdout"
        assert exception in log(local_aws, path)


def test_a_job_run_that_fails_before_spark_starts_has_no_dashboard_and_long_details_are_cut(
    local_aws: LocalAws, application: str, faults: Faults
) -> None:
    faults.plan(StepFails("long", "x" * 500))
    job_run = wait_for(local_aws, application, start(local_aws, application, "long"))
    members = {"applicationId": application, "jobRunId": job_run["jobRunId"]}
    with pytest.raises(ClientError, match="has no event log of Spark"):
        local_aws.client("emr-serverless").get_dashboard_for_job_run(**members)
    assert len(job_run["stateDetails"]) == 256
    assert job_run["stateDetails"].endswith("...")


@pytest.mark.parametrize(
    ("fault", "stderr"),
    [(StepKilled("killed"), ""), (SpotNodeLost("killed"), "Container released on a *lost* node")],
)
def test_a_killed_job_run_fails_with_its_exit_code(
    local_aws: LocalAws, application: str, faults: Faults, fault: Fault, stderr: str
) -> None:
    faults.plan(StepStartsSlowly("killed", FOREVER), fault)
    job_run_id = start(local_aws, application, "killed")
    job_run = wait_for(local_aws, application, job_run_id)
    assert job_run["state"] == "FAILED"
    assert "ExitCode: 137." in job_run["stateDetails"]
    assert stderr in log(local_aws, f"{application}/jobs/{job_run_id}/SPARK_DRIVER/stderr")


@pytest.mark.parametrize("grace", [{}, {"shutdownGracePeriodInSeconds": 15}])
def test_a_cancelled_job_run_ends_its_processes(
    local_aws: LocalAws, application: str, faults: Faults, grace: dict[str, int]
) -> None:
    faults.plan(StepStartsSlowly("cancelled", FOREVER, tags={"try": "1"}))
    job_run_id = start(local_aws, application, "cancelled", tags={"try": "1"})
    wait_for(local_aws, application, job_run_id, "RUNNING")
    serverless = local_aws.client("emr-serverless")
    serverless.cancel_job_run(applicationId=application, jobRunId=job_run_id, **grace)
    assert wait_for(local_aws, application, job_run_id)["state"] == "CANCELLED"


def test_a_job_run_that_hangs_ends_with_its_cancellation(
    local_aws: LocalAws, application: str, faults: Faults
) -> None:
    [_, hangs] = faults.plan(StepStartsSlowly("hangs", FOREVER), StepHangs("hangs"))
    job_run_id = start(local_aws, application, "hangs")
    while not faults.triggered(hangs):
        time.sleep(0.05)
    local_aws.client("emr-serverless").cancel_job_run(applicationId=application, jobRunId=job_run_id)
    assert wait_for(local_aws, application, job_run_id)["state"] == "CANCELLED"


def test_a_missing_log_bucket_does_not_fail_the_job_run(
    local_aws: LocalAws, application: str, faults: Faults
) -> None:
    faults.plan(StepFails("no-bucket"))
    elsewhere = {"s3MonitoringConfiguration": {"logUri": "s3://no-such-bucket/"}}
    job_run_id = start(
        local_aws, application, "no-bucket", configurationOverrides={"monitoringConfiguration": elsewhere}
    )
    assert "RuntimeError: a planned fault" in wait_for(local_aws, application, job_run_id)["stateDetails"]
    assert "the bucket 'no-such-bucket' of the logs does not exist" in local_aws.log.read_text()
