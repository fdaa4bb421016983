"""Tests of the installed package. ``test_wheel.py`` runs a copy of this file in an environment with nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from localaws.moto_services import SUPPORTED_OPERATIONS
from localaws.testing import CREDENTIALS, LocalAws

SCRIPT = """
from pyspark.sql import SparkSession

SparkSession.builder.getOrCreate().range(3).write.parquet("s3://lake/numbers")
"""


@pytest.fixture(scope="session")
def local_aws_options() -> list[str]:
    return ["--cluster-seconds", "0"]


@pytest.fixture(scope="session")
def aws(local_aws: LocalAws) -> LocalAws:
    """The local AWS of the plugin, with a bucket."""
    local_aws.client("s3").create_bucket(Bucket="lake")
    return local_aws


def query(aws: LocalAws, sql: str) -> list[dict[str, Any]]:
    """Return the rows of the answer, the header first."""
    athena = aws.client("athena")
    started = athena.start_query_execution(
        QueryString=sql, ResultConfiguration={"OutputLocation": "s3://lake/results/"}
    )
    execution_id = started["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.1)
    assert status["State"] == "SUCCEEDED", status
    rows: list[dict[str, Any]] = athena.get_query_results(QueryExecutionId=execution_id)["ResultSet"]["Rows"]
    return rows


def step(aws: LocalAws) -> dict[str, Any]:
    """Run SCRIPT as a step and return the status it ends with."""
    aws.client("s3").put_object(Bucket="lake", Key="script.py", Body=SCRIPT.encode())
    emr = aws.client("emr")
    cluster = emr.run_job_flow(
        Name="one step",
        ReleaseLabel="emr-7.13.0",
        Applications=[{"Name": "Spark"}],
        Instances={"MasterInstanceType": "m5.xlarge", "InstanceCount": 1},
        JobFlowRole="EMR_EC2_DefaultRole",
        ServiceRole="EMR_DefaultRole",
        Steps=[
            {
                "Name": "numbers",
                "HadoopJarStep": {
                    "Jar": "command-runner.jar",
                    "Args": ["spark-submit", "s3://lake/script.py"],
                },
            }
        ],
    )
    while True:
        (found,) = emr.list_steps(ClusterId=cluster["JobFlowId"])["Steps"]
        if found["Status"]["State"] not in ("PENDING", "RUNNING"):
            return dict(found["Status"])
        time.sleep(0.1)


def test_the_console_script_serves_s3(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("localaws")), "--state", str(tmp_path), "--stop-with-stdin"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as server:
        assert server.stdout
        url = server.stdout.readline().removeprefix("localaws ready at ").strip()
        s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **CREDENTIALS)
        s3.create_bucket(Bucket="lake")
        s3.put_object(Bucket="lake", Key="a/b", Body=b"content")
    assert (tmp_path / "s3/lake/a/b").read_bytes() == b"content"


def test_the_plugin_gives_a_local_aws(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    assert "lake" in {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}


@pytest.mark.parametrize("service", SUPPORTED_OPERATIONS)
def test_the_service_needs_no_extra(aws: LocalAws, service: str) -> None:
    """One operation without required parameters is enough to import the service of moto."""
    client = aws.client(service)
    operation = next(
        name
        for name in sorted(SUPPORTED_OPERATIONS[service])
        if name.startswith(("List", "Describe", "Get"))
        and name != "ListExecutions"  # it requires one of two parameters, which its model does not say
        and not getattr(client.meta.service_model.operation_model(name).input_shape, "required_members", ())
    )
    answer = getattr(client, xform_name(operation))()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_athena_without_its_extra_is_refused(aws: LocalAws) -> None:
    with pytest.raises(ClientError, match=r"pip install 'localaws\[athena\]'"):
        query(aws, "SELECT 1")


def test_emr_without_its_extra_fails_the_step(aws: LocalAws) -> None:
    status = step(aws)
    assert status["State"] == "FAILED"
    assert "pip install 'localaws[emr]'" in status["FailureDetails"]["Message"]


def test_athena_with_its_extra_answers(aws: LocalAws) -> None:
    header, row = query(aws, "SELECT round(1.2345, 2) AS rounded, split_part('a,b', ',', 2) AS part")
    assert [column["VarCharValue"] for column in header["Data"]] == ["rounded", "part"]
    assert [column["VarCharValue"] for column in row["Data"]] == ["1.23", "b"]


def test_emr_with_its_extra_runs_the_step(aws: LocalAws) -> None:
    assert step(aws)["State"] == "COMPLETED"
    assert list((aws.state / "s3/lake/numbers").glob("*.parquet"))
