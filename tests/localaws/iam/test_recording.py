"""Each API call is recorded with the permissions that it needs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.testing import LocalAws

ARN = "arn:aws:{}:eu-central-1:123456789012:{}"
Recorded = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls") / "calls.jsonl"


@pytest.fixture(scope="module")
def recording_aws(file: Path) -> Iterator[LocalAws]:
    with LocalAws("--record-calls", str(file), "--cluster-seconds", "0.1", region="eu-central-1") as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield aws


@pytest.fixture
def recorded(recording_aws: LocalAws, file: Path) -> Recorded:
    """A function that returns the calls since the beginning of the test."""
    before = len(file.read_text().splitlines())
    return lambda: [json.loads(line) for line in file.read_text().splitlines()[before:]]


def permissions(calls: list[dict[str, Any]], operation: str) -> set[tuple[str, str]]:
    return {
        (permission["action"], permission["resource"])
        for call in calls
        if call["operation"] == operation
        for permission in call["permissions"]
    }


def test_each_key_of_a_deletion_needs_a_permission(recording_aws: LocalAws, recorded: Recorded) -> None:
    s3 = recording_aws.client("s3")
    s3.put_object(Bucket="lake", Key="a/b.csv", Body=b"x")
    s3.delete_objects(Bucket="lake", Delete={"Objects": [{"Key": "a/b.csv"}, {"Key": "c"}]})
    s3.list_objects_v2(Bucket="lake", Prefix="a/")
    calls = recorded()
    assert permissions(calls, "DeleteObjects") == {
        ("s3:DeleteObject", "arn:aws:s3:::lake/a/b.csv"),
        ("s3:DeleteObject", "arn:aws:s3:::lake/c"),
    }
    [(put, *_)] = [call["permissions"] for call in calls if call["operation"] == "PutObject"]
    assert put["action"] == "s3:PutObject"
    assert calls[-1]["permissions"] == [
        {"action": "s3:ListBucket", "resource": "arn:aws:s3:::lake", "context": {"s3:prefix": "a/"}}
    ]
    assert calls[-1]["access_key"] == "local"


def test_a_cluster_is_recorded_with_its_tags_and_the_roles_that_are_passed(
    recording_aws: LocalAws, recorded: Recorded
) -> None:
    emr = recording_aws.client("emr")
    cluster_id = emr.run_job_flow(
        Name="cluster",
        ReleaseLabel="emr-7.13.0",
        Applications=[{"Name": "Spark"}],
        ServiceRole="EMR_DefaultRole",
        JobFlowRole="EMR_EC2_DefaultRole",
        Instances={
            "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}],
            "KeepJobFlowAliveWhenNoSteps": True,
        },
        Tags=[{"Key": "project", "Value": "sales"}],
    )["JobFlowId"]
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
    created, terminated = (call["permissions"] for call in recorded())
    assert {
        one["resource"]: one["context"]["iam:PassedToService"]
        for one in created
        if one["action"] == "iam:PassRole"
    } == {
        "arn:aws:iam::123456789012:role/EMR_DefaultRole": "elasticmapreduce.amazonaws.com",
        "arn:aws:iam::123456789012:role/EMR_EC2_DefaultRole": "ec2.amazonaws.com",
    }
    assert created[0] == {
        "action": "elasticmapreduce:RunJobFlow",
        "resource": "*",
        "context": {"aws:RequestTag/project": "sales"},
    }
    assert terminated == [
        {
            "action": "elasticmapreduce:TerminateJobFlows",
            "resource": ARN.format("elasticmapreduce", f"cluster/{cluster_id}"),
            "context": {"aws:ResourceTag/project": "sales"},
        }
    ]


def test_a_statement_needs_the_permissions_of_athena_on_glue_and_s3(
    recording_aws: LocalAws, recorded: Recorded
) -> None:
    athena = recording_aws.client("athena")

    def run(sql: str) -> str:
        query_id: str = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": "db"},
            ResultConfiguration={"OutputLocation": "s3://lake/athena-results/"},
        )["QueryExecutionId"]
        for _ in range(600):
            state = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]["State"]
            if state not in {"QUEUED", "RUNNING"}:
                assert state == "SUCCEEDED"
                return query_id
            time.sleep(0.1)
        raise AssertionError(f"{sql} has not ended")

    run("CREATE DATABASE db")
    run(
        "CREATE EXTERNAL TABLE t (x int) PARTITIONED BY (d string) STORED AS PARQUET LOCATION 's3://lake/processed/t/'"
    )
    run("MSCK REPAIR TABLE t")
    query_id = run("WITH w AS (SELECT * FROM t) SELECT count(*) AS n FROM w")
    athena.get_query_results(QueryExecutionId=query_id)
    calls = recorded()
    created, table, repaired, selected = (
        permissions([call], "StartQueryExecution")
        for call in calls
        if call["operation"] == "StartQueryExecution"
    )
    on_table = ARN.format("glue", "table/db/t")
    assert ("glue:CreateDatabase", ARN.format("glue", "database/db")) in created
    assert ("glue:CreateTable", on_table) in table
    assert ("glue:BatchCreatePartition", on_table) in repaired
    assert {
        ("glue:GetPartitions", on_table),
        ("s3:GetObject", "arn:aws:s3:::lake/processed/t/file"),
    } <= selected
    assert not any("/w" in resource for _, resource in selected)
    assert permissions(calls, "GetQueryResults") == {
        ("athena:GetQueryResults", ARN.format("athena", "workgroup/primary")),
        ("s3:GetObject", f"arn:aws:s3:::lake/athena-results/{query_id}.csv"),
    }


def test_an_alert_needs_a_permission_on_its_topic(recording_aws: LocalAws, recorded: Recorded) -> None:
    sns = recording_aws.client("sns")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.publish(TopicArn=topic, Message="failed")
    assert permissions(recorded(), "Publish") == {("sns:Publish", topic)}


def test_an_application_is_recorded_with_its_tags_and_the_role_that_is_passed(
    recording_aws: LocalAws, recorded: Recorded
) -> None:
    serverless, role = recording_aws.client("emr-serverless"), "arn:aws:iam::123456789012:role/job"
    application_id = serverless.create_application(
        releaseLabel="emr-7.13.0", type="SPARK", tags={"project": "sales"}
    )["applicationId"]
    while serverless.get_application(applicationId=application_id)["application"]["state"] != "CREATED":
        time.sleep(0.05)
    job_run_id = serverless.start_job_run(
        applicationId=application_id,
        executionRoleArn=role,
        jobDriver={"sparkSubmit": {"entryPoint": "s3://lake/x.py"}},
        tags={"task": "pca"},
    )["jobRunId"]
    serverless.cancel_job_run(applicationId=application_id, jobRunId=job_run_id)
    calls = [call for call in recorded() if call["operation"] != "GetApplication"]
    application = ARN.format("emr-serverless", f"/applications/{application_id}")
    assert [call["permissions"] for call in calls] == [
        [
            {
                "action": "emr-serverless:CreateApplication",
                "resource": "*",
                "context": {"aws:RequestTag/project": "sales"},
            },
            {
                "action": "emr-serverless:TagResource",
                "resource": ARN.format("emr-serverless", "/applications/*"),
                "context": {"aws:RequestTag/project": "sales"},
            },
        ],
        [
            {
                "action": "emr-serverless:StartJobRun",
                "resource": application,
                "context": {"aws:RequestTag/task": "pca", "aws:ResourceTag/project": "sales"},
            },
            {
                "action": "emr-serverless:TagResource",
                "resource": f"{application}/jobruns/*",
                "context": {"aws:RequestTag/task": "pca"},
            },
            {
                "action": "iam:PassRole",
                "resource": role,
                "context": {"iam:PassedToService": "emr-serverless.amazonaws.com"},
            },
        ],
        [
            {
                "action": "emr-serverless:CancelJobRun",
                "resource": f"{application}/jobruns/{job_run_id}",
                "context": {"aws:ResourceTag/task": "pca"},
            }
        ],
    ]


def test_a_log_stream_is_the_resource_of_its_calls(recording_aws: LocalAws, recorded: Recorded) -> None:
    logs = recording_aws.client("logs", region_name="eu-west-1")
    logs.create_log_group(logGroupName="/steps")
    logs.create_log_stream(logGroupName="/steps", logStreamName="a/stdout")
    logs.get_log_events(logGroupName="/steps", logStreamName="a/stdout")
    group = "arn:aws:logs:eu-west-1:123456789012:log-group:/steps:log-stream:"
    assert permissions(recorded(), "GetLogEvents") == {("logs:GetLogEvents", f"{group}a/stdout")}
    assert permissions(recorded(), "CreateLogGroup") == {("logs:CreateLogGroup", group)}
    assert recording_aws.client("logs").describe_log_groups()["logGroups"]  # for all regions
