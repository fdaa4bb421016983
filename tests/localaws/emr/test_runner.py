"""Steps run as real spark-submit processes. Through boto3 against a running server."""

from __future__ import annotations

import gzip
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from localaws.testing import LocalAws
from tests.localaws.emr.clusters import create_cluster, step, wait_for_end

BUCKET = "runner-tests"
WRITE = """
import sys
from helper import MEANING
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
lines = spark.read.option("header", True).csv("s3://runner-tests/in/")
lines.write.mode("overwrite").partitionBy("p").parquet(sys.argv[1])
print(lines.count(), MEANING, sys.argv[2:], spark.conf.get("spark.cluster.setting"))
"""
FAIL = "raise ValueError('the column Region is missing')"
# Starts a Python worker daemon in another process group, which must be ended too.
HANG = """
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
def sleep(_):
    open("up", "w").close()
    time.sleep(600)
spark.sparkContext.parallelize([1], 1).foreach(sleep)
"""


run = partial(create_cluster, bucket=BUCKET)


def submit(name: str, *args: str) -> dict[str, Any]:
    return step(name, "spark-submit", *args)


def put(aws: LocalAws, scripts: dict[str, str]) -> None:
    s3 = aws.client("s3")
    if BUCKET not in [b["Name"] for b in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET)
    for name, text in scripts.items():
        s3.put_object(Bucket=BUCKET, Key=name, Body=text.encode())


@pytest.fixture
def aws(local_aws: LocalAws) -> LocalAws:
    put(local_aws, {"write.py": WRITE, "fail.py": FAIL, "hang.py": HANG, "helper.py": "MEANING = 42"})
    put(local_aws, {"in/lines.csv": "id,p\n1,a\n2,a\n3,b\n"})
    return local_aws


def log(aws: LocalAws, cluster_id: str, step_id: str, name: str) -> str:
    key = f"logs/{cluster_id}/steps/{step_id}/{name}.gz"
    return gzip.decompress(aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()).decode()


def processes_of(cluster_folder: Path) -> list[str]:
    """Return the command lines of the processes whose working directory is in the cluster's folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "cwd").readlink().is_relative_to(cluster_folder):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def run_hanging_step(aws: LocalAws, **changes: Any) -> tuple[str, str, Path]:
    """Start a step that hangs; return cluster id, step id and folder when its Python worker is running."""
    cluster_id = run(aws, submit("hang", f"s3://{BUCKET}/hang.py"), **changes)
    folder = aws.state / "emr" / cluster_id
    while not (folder / "work" / "up").exists():
        time.sleep(0.1)
    [hanging] = aws.client("emr").list_steps(ClusterId=cluster_id)["Steps"]
    assert hanging["Status"]["State"] == "RUNNING"
    assert len(processes_of(folder)) >= 3
    return cluster_id, hanging["Id"], folder


def test_steps_read_and_write_s3_and_their_logs_are_archived(aws: LocalAws) -> None:
    properties = {"spark.cluster.setting": "from the cluster", "spark.master": "yarn"}
    cluster_id = run(
        aws,
        submit("bad", f"s3://{BUCKET}/fail.py"),
        submit(
            "good",
            "--master",
            "yarn",
            "--py-files",
            f"s3://{BUCKET}/helper.py",
            f"s3://{BUCKET}/write.py",
            f"s3://{BUCKET}/out/",
            "--master",
            "mine",
        ),
        Configurations=[{"Classification": "spark-defaults", "Properties": properties}],
    )
    status, steps = wait_for_end(aws, cluster_id)
    reason = {"Code": "ALL_STEPS_COMPLETED", "Message": "Steps completed with errors"}
    assert (status["State"], status["StateChangeReason"]) == ("TERMINATED", reason)
    bad, good = steps["bad"], steps["good"]
    assert (bad["State"], good["State"]) == ("FAILED", "COMPLETED")
    assert bad["FailureDetails"] == {
        "Reason": "Unknown Error",
        "Message": "ValueError: the column Region is missing",
        "LogFile": f"s3://{BUCKET}/logs/{cluster_id}/steps/{bad['Id']}/stdout.gz",
    }
    assert bad["Timeline"]["EndDateTime"] <= good["Timeline"]["StartDateTime"]
    assert "exit code 1" in log(aws, cluster_id, bad["Id"], "controller")
    assert log(aws, cluster_id, good["Id"], "stdout") == "3 42 ['--master', 'mine'] from the cluster\n"
    listed = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="out/")["Contents"]
    folders = {Path(item["Key"]).parent.name for item in listed if item["Key"].endswith(".parquet")}
    assert folders == {"p=a", "p=b"}
    live = aws.state / "emr" / cluster_id / good["Id"] / "stdout"
    assert live.read_text().startswith("3 42")
    assert not (aws.state / "emr" / cluster_id / "work").exists()


@pytest.mark.parametrize("option", ["SEND_INTERRUPT", "TERMINATE_PROCESS"])
def test_cancelling_a_step_ends_its_processes(aws: LocalAws, option: str) -> None:
    keep = {"MasterInstanceType": "m5.xlarge", "InstanceCount": 1, "KeepJobFlowAliveWhenNoSteps": True}
    cluster_id, step_id, folder = run_hanging_step(aws, Instances=keep)
    emr = aws.client("emr")
    answer = emr.cancel_steps(ClusterId=cluster_id, StepIds=[step_id], StepCancellationOption=option)
    assert answer["CancelStepsInfoList"] == [{"StepId": step_id, "Status": "SUBMITTED"}]
    while emr.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"]["Status"]["State"] != "CANCELLED":
        time.sleep(0.05)
    assert processes_of(folder) == []
    assert emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"] == "WAITING"
    [info] = emr.cancel_steps(ClusterId=cluster_id, StepIds=[step_id])["CancelStepsInfoList"]
    assert info["Status"] == "FAILED"
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
    assert wait_for_end(aws, cluster_id)[0]["State"] == "TERMINATED"


def test_terminating_the_cluster_ends_its_processes(aws: LocalAws) -> None:
    cluster_id, _, folder = run_hanging_step(aws)
    aws.client("emr").terminate_job_flows(JobFlowIds=[cluster_id])
    status, steps = wait_for_end(aws, cluster_id)
    assert (status["State"], steps["hang"]["State"]) == ("TERMINATED", "INTERRUPTED")
    assert processes_of(folder) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_steps_end_with_the_server_even_if_it_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    with LocalAws("--cluster-seconds", "0", state=tmp_path) as aws:
        put(aws, {"hang.py": HANG})
        _, _, folder = run_hanging_step(aws)
        os.kill(aws.process.pid, number)
        assert aws.process.wait(30) == (0 if number is signal.SIGTERM else -number)
    while processes_of(folder):
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("odd", "changes", "message"),
    [
        (step("odd", "hive-script", "--run"), {}, "not supported by the local EMR"),
        (step("odd", "spark-submit", "x.py", jar="s3://b/my.jar"), {}, "the JAR s3://b/my.jar."),
        (step("odd", "spark-submit", "x.py"), {"Applications": []}, "add Spark"),
    ],
)
def test_an_unsupported_step_fails_with_a_message(
    aws: LocalAws, odd: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    cluster_id = run(aws, odd | {"ActionOnFailure": "TERMINATE_CLUSTER"}, **changes)
    status, steps = wait_for_end(aws, cluster_id)
    failed = steps["odd"]
    assert (status["State"], status["StateChangeReason"]["Code"]) == (
        "TERMINATED_WITH_ERRORS",
        "STEP_FAILURE",
    )
    assert message in failed["FailureDetails"]["Message"]
    assert failed["FailureDetails"]["LogFile"].endswith("/controller.gz")
    assert message in log(aws, cluster_id, failed["Id"], "controller")


def test_a_step_ends_without_log_uri_or_log_bucket(aws: LocalAws) -> None:
    odd = {"Name": "odd", "HadoopJarStep": {"Jar": "other.jar"}}
    for log_uri in ("s3://no-such-bucket/logs/", ""):
        _, steps = wait_for_end(aws, run(aws, odd, LogUri=log_uri))
        assert steps["odd"]["State"] == "FAILED"
        assert "LogFile" not in steps["odd"]["FailureDetails"]
    assert not (aws.state / "s3" / "no-such-bucket").exists()


def test_a_folder_that_is_not_writable_terminates_the_cluster_with_errors(tmp_path: Path) -> None:
    with LocalAws("--cluster-seconds", "0", state=tmp_path) as aws:
        (tmp_path / "emr").write_text("a file instead of a folder")
        status, _ = wait_for_end(aws, run(aws, submit("any", "s3://b/x.py")))
        assert (status["State"], status["StateChangeReason"]["Code"]) == (
            "TERMINATED_WITH_ERRORS",
            "INTERNAL_ERROR",
        )
        assert aws.client("emr").list_clusters()["Clusters"]
