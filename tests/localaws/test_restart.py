"""What a restart keeps: the server is killed, and started again with the same state folder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.faults import Faults, QueryDelayed, StepStartsSlowly
from localaws.state.database import NAME, Database
from localaws.state.saving import INTERVAL_SECONDS
from localaws.testing import LocalAws
from tests.conftest import ROOT

OPTIONS = ("--cluster-seconds", "0")
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
STACK = """
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: of-the-stack}}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: of-the-stack, RetentionInDays: 7}}
"""
Client = Callable[[str], Any]


def save_and_kill(aws: LocalAws) -> None:
    time.sleep(4 * INTERVAL_SECONDS)
    aws.process.kill()
    aws.process.wait()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def before(state: Path) -> dict[str, Any]:
    """Fill a local AWS, kill it, and return the responses that the next one should give."""
    with LocalAws(*OPTIONS, state=state) as aws:
        make_s3(aws.client)
        made = {"stack": make_others(aws.client), **make_running(aws)}
        found = read(aws.client)
        save_and_kill(aws)
    return {**made, "found": found}


@pytest.fixture(scope="module")
def after(state: Path, before: dict[str, Any]) -> Any:
    with LocalAws(*OPTIONS, state=state) as aws:
        yield aws.client


def make_s3(client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="plain")
    s3.put_bucket_tagging(Bucket="plain", Tagging={"TagSet": [{"Key": "team", "Value": "lake"}]})
    s3.put_bucket_policy(Bucket="plain", Policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
    s3.put_bucket_encryption(
        Bucket="plain",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket="plain",
        LifecycleConfiguration={
            "Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 3}}]
        },
    )
    s3.put_object(
        Bucket="plain", Key="a/b", Body=b"1", ContentType="text/csv", Metadata={"owner": "me"}, Tagging="t=u"
    )
    s3.put_object(Bucket="plain", Key="tagged later", Body=b"2")
    s3.put_object_tagging(
        Bucket="plain", Key="tagged later", Tagging={"TagSet": [{"Key": "x", "Value": "y"}]}
    )
    s3.put_object(Bucket="plain", Key="folder/")
    upload = {"Bucket": "plain", "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    part = s3.upload_part(**upload, PartNumber=1, Body=b"part")
    s3.complete_multipart_upload(
        **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    s3.create_bucket(Bucket="versions")
    s3.put_object(Bucket="versions", Key="k", Body=b"before versioning")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second"):
        s3.put_object(Bucket="versions", Key="k", Body=body)
    s3.put_object(Bucket="versions", Key="deleted", Body=b"gone")
    s3.delete_object(Bucket="versions", Key="deleted")


def make_others(client: Client) -> str:
    """Make resources of the other services, and return the id of a stack."""
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": "sales"})
    table = {
        "Name": "t",
        "PartitionKeys": [{"Name": "p", "Type": "string"}],
        "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://plain/t/"},
    }
    glue.create_table(DatabaseName="sales", TableInput=table)
    glue.update_table(DatabaseName="sales", TableInput={**table, "Description": "second version"})
    glue.create_partition(DatabaseName="sales", TableName="t", PartitionInput={"Values": ["1"]})
    iam = client("iam")
    iam.create_role(RoleName="job", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="job")
    iam.attach_role_policy(RoleName="job", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    client("ssm").put_parameter(Name="/a", Value="b", Type="String")
    client("secretsmanager").create_secret(Name="s", SecretString="secret")
    queue = client("sqs").create_queue(QueueName="q")["QueueUrl"]
    client("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    client("budgets").create_budget(
        AccountId="123456789012",
        Budget={
            "BudgetName": "b",
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "1", "Unit": "USD"},
        },
    )
    client("emr").create_security_configuration(Name="sec", SecurityConfiguration="{}")
    stack: str = client("cloudformation").create_stack(StackName="st", TemplateBody=STACK)["StackId"]
    client("athena").create_work_group(
        Name="w", Configuration={"ResultConfiguration": {"OutputLocation": "s3://plain/results"}}
    )
    return stack


def make_running(aws: LocalAws) -> dict[str, Any]:
    """Start queries, a cluster and a job run: one query has ended at the kill, the rest has not."""
    faults, athena, emr, serverless = (
        Faults(aws.endpoint_url),
        *map(aws.client, ("athena", "emr", "emr-serverless")),
    )
    athena.start_query_execution(QueryString="PREPARE one FROM SELECT ? AS a", WorkGroup="w")
    athena.create_named_query(Name="named", Database="default", QueryString="SELECT 1", WorkGroup="w")
    query, listing, slow = (
        athena.start_query_execution(QueryString=text, WorkGroup="w")["QueryExecutionId"]
        for text in ("SELECT 1 AS x, 'a,\"b' AS y UNION ALL SELECT 2, NULL", "SHOW DATABASES", "SELECT 3")
        if text != "SELECT 3" or faults.plan(QueryDelayed("SELECT 3", 100.0))
    )
    faults.plan(StepStartsSlowly("slow", 100.0, times=2))
    step = {"Name": "slow", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["spark-submit", "x.py"]}}
    cluster = emr.run_job_flow(
        Name="c",
        ReleaseLabel="emr-7.13.0",
        ServiceRole="job",
        JobFlowRole="job",
        Applications=[{"Name": "Spark"}],
        Instances={"MasterInstanceType": "m5.xlarge", "InstanceCount": 1},
        Steps=[step, {**step, "Name": "next"}],
        Tags=[{"Key": "a", "Value": "b"}],
    )["JobFlowId"]
    application = serverless.create_application(releaseLabel="emr-7.13.0", type="SPARK")["applicationId"]
    while serverless.get_application(applicationId=application)["application"]["state"] == "CREATING":
        time.sleep(0.05)
    job_run = serverless.start_job_run(
        applicationId=application,
        name="slow",
        executionRoleArn="arn:aws:iam::123456789012:role/job",
        jobDriver={"sparkSubmit": {"entryPoint": "s3://plain/x.py"}},
    )["jobRunId"]
    while (
        athena.get_query_execution(QueryExecutionId=listing)["QueryExecution"]["Status"]["State"]
        != "SUCCEEDED"
    ):
        time.sleep(0.05)
    while emr.list_steps(ClusterId=cluster)["Steps"][-1]["Status"]["State"] != "RUNNING":
        time.sleep(0.05)
    job = {"applicationId": application, "jobRunId": job_run}
    while serverless.get_job_run(**job)["jobRun"]["state"] != "RUNNING":
        time.sleep(0.05)
    return {"query": query, "slow": slow, "cluster": cluster, "job": job}


def read(client: Client) -> dict[str, Any]:
    """Return responses of all services, which a restart should not change."""
    s3, glue, athena = map(client, ("s3", "glue", "athena"))
    plain, object_names = {"Bucket": "plain"}, ("a/b", "tagged later", "folder/", "parts")
    queries = [
        query
        for query in athena.list_query_executions(WorkGroup="w")["QueryExecutionIds"]
        if athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]
        == "SUCCEEDED"
    ]
    versions = s3.list_object_versions(Bucket="versions")
    found = {
        "buckets": s3.list_buckets()["Buckets"],
        "tagging": s3.get_bucket_tagging(**plain)["TagSet"],
        "policy": s3.get_bucket_policy(**plain)["Policy"],
        "encryption": s3.get_bucket_encryption(**plain)["ServerSideEncryptionConfiguration"],
        "lifecycle": s3.get_bucket_lifecycle_configuration(**plain)["Rules"],
        "objects": [
            (s3.head_object(**plain, Key=key), s3.get_object_tagging(**plain, Key=key)["TagSet"])
            for key in object_names
        ],
        "versioning": s3.get_bucket_versioning(Bucket="versions")["Status"],
        "versions": versions["Versions"],
        "contents": [
            s3.get_object(Bucket="versions", Key=v["Key"], VersionId=v["VersionId"])["Body"].read()
            for v in versions["Versions"]
        ],
        "markers": versions["DeleteMarkers"],
        "table": glue.get_table(DatabaseName="sales", Name="t")["Table"],
        "table versions": glue.get_table_versions(DatabaseName="sales", TableName="t")["TableVersions"],
        "partitions": glue.get_partitions(DatabaseName="sales", TableName="t")["Partitions"],
        "role": client("iam").get_role(RoleName="job")["Role"],
        "attached": client("iam").list_attached_role_policies(RoleName="job")["AttachedPolicies"],
        "policies": len(client("iam").list_policies(Scope="AWS", MaxItems=1000)["Policies"]),
        "parameter": client("ssm").get_parameter(Name="/a")["Parameter"],
        "secret": client("secretsmanager").get_secret_value(SecretId="s")["SecretString"],
        "budget": client("budgets").describe_budgets(AccountId="123456789012")["Budgets"],
        "topics": client("sns").list_topics()["Topics"],
        "log groups": client("logs").describe_log_groups()["logGroups"],
        "security": client("emr").describe_security_configuration(Name="sec")["CreationDateTime"],
        "workgroup": athena.get_work_group(WorkGroup="w")["WorkGroup"],
        "named": [
            athena.get_named_query(NamedQueryId=query)["NamedQuery"]
            for query in athena.list_named_queries(WorkGroup="w")["NamedQueryIds"]
        ],
        "prepared": [
            statement["StatementName"]
            for statement in athena.list_prepared_statements(WorkGroup="w")["PreparedStatements"]
        ],
        "queries": [
            athena.get_query_execution(QueryExecutionId=query)["QueryExecution"] for query in queries
        ],
        "results": [athena.get_query_results(QueryExecutionId=query)["ResultSet"] for query in queries],
    }
    return json.loads(json.dumps(without_metadata(found), default=str))  # type: ignore[no-any-return]


def without_metadata(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_metadata(each) for name, each in value.items() if name != "ResponseMetadata"}
    return [without_metadata(each) for each in value] if isinstance(value, (list, tuple)) else value


def test_the_state_of_the_services_is_kept(before: dict[str, Any], after: Client) -> None:
    found = read(after)
    assert len(found["queries"]) == 3
    assert found["prepared"] == ["one"]
    assert [query["Name"] for query in found["named"]] == ["named"]
    assert found["contents"] == ["b'gone'", "b'second'", "b'first'", "b'before versioning'"]
    assert {name for name, value in found.items() if value != before["found"][name]} == set()


def test_messages_in_queues_are_kept(after: Client) -> None:
    queue = after("sqs").get_queue_url(QueueName="q")["QueueUrl"]
    assert after("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"


def test_a_running_cluster_is_terminated_with_errors(before: dict[str, Any], after: Client) -> None:
    emr, cluster = after("emr"), before["cluster"]
    found = emr.describe_cluster(ClusterId=cluster)["Cluster"]
    assert (found["Status"]["State"], found["Tags"]) == (
        "TERMINATED_WITH_ERRORS",
        [{"Key": "a", "Value": "b"}],
    )
    assert found["Status"]["StateChangeReason"] == {
        "Code": "INTERNAL_ERROR",
        "Message": "The local AWS was restarted while the cluster was running.",
    }
    queued, running = emr.list_steps(ClusterId=cluster)["Steps"]
    assert (running["Status"]["State"], queued["Status"]["State"]) == ("FAILED", "CANCELLED")
    assert "restarted" in running["Status"]["FailureDetails"]["Message"]
    with pytest.raises(ClientError, match="terminated"):
        emr.add_job_flow_steps(JobFlowId=cluster, Steps=[{"Name": "s", "HadoopJarStep": {"Jar": "j"}}])


def test_an_active_job_run_is_failed_and_its_application_can_run_the_next(
    before: dict[str, Any], after: Client
) -> None:
    serverless, job = after("emr-serverless"), before["job"]
    found = serverless.get_job_run(**job)["jobRun"]
    assert (found["state"], found["stateDetails"]) == ("FAILED", "The local AWS was restarted.")
    assert serverless.get_application(applicationId=job["applicationId"])["application"]["state"] == "STOPPED"
    serverless.start_application(applicationId=job["applicationId"])
    while serverless.get_application(applicationId=job["applicationId"])["application"]["state"] != "STARTED":
        time.sleep(0.05)


def test_a_running_query_is_failed(before: dict[str, Any], after: Client) -> None:
    status = after("athena").get_query_execution(QueryExecutionId=before["slow"])["QueryExecution"]["Status"]
    assert status["State"] == "FAILED"
    assert "The local AWS was restarted" in status["StateChangeReason"]
    assert status["AthenaError"]["Retryable"] is True


def test_a_stack_can_be_updated_and_deleted(before: dict[str, Any], after: Client) -> None:
    cloudformation = after("cloudformation")
    assert cloudformation.describe_stacks(StackName="st")["Stacks"][0]["StackId"] == before["stack"]
    cloudformation.update_stack(StackName="st", TemplateBody=STACK.replace("7", "14"))
    assert after("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 14
    cloudformation.delete_stack(StackName="st")
    assert after("sns").list_topics()["Topics"] == []


def test_the_execution_of_a_state_machine_that_was_running_is_failed(tmp_path: Path) -> None:
    pytest.importorskip("jsonata")
    waiting = {"StartAt": "w", "States": {"w": {"Type": "Wait", "Seconds": 100, "End": True}}}
    with LocalAws(*OPTIONS, state=tmp_path) as aws:
        aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        states = aws.client("stepfunctions")
        machine = states.create_state_machine(
            name="m", definition=json.dumps(waiting), roleArn="arn:aws:iam::123456789012:role/r"
        )["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine)["executionArn"]
        save_and_kill(aws)
    with LocalAws(*OPTIONS, state=tmp_path) as aws:
        states = aws.client("stepfunctions")
        found = states.describe_execution(executionArn=execution)
        assert (found["status"], "restarted" in found["cause"]) == ("FAILED", True)
        history = states.get_execution_history(executionArn=execution)["events"]
        assert history[0]["type"] == "ExecutionStarted"
        assert states.describe_state_machine(stateMachineArn=machine)["status"] == "ACTIVE"


def test_a_file_changed_between_two_starts_is_a_new_object(tmp_path: Path) -> None:
    with LocalAws(*OPTIONS, state=tmp_path) as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="lake")
        for key in ("kept", "changed", "removed"):
            s3.put_object(Bucket="lake", Key=key, Body=b"old", ContentType="text/plain")
    (tmp_path / "s3" / "lake" / "changed").write_bytes(b"new content")
    (tmp_path / "s3" / "lake" / "removed").unlink()
    with LocalAws(*OPTIONS, state=tmp_path) as aws:
        s3 = aws.client("s3")
        assert s3.get_object(Bucket="lake", Key="kept")["ContentType"] == "text/plain"
        changed = s3.get_object(Bucket="lake", Key="changed")
        assert (changed["Body"].read(), changed["ContentType"]) == (b"new content", "binary/octet-stream")
        assert [o["Key"] for o in s3.list_objects_v2(Bucket="lake")["Contents"]] == ["changed", "kept"]


def test_the_state_of_another_version_of_moto_is_kept_in_a_copy(tmp_path: Path) -> None:
    with LocalAws(*OPTIONS, state=tmp_path) as aws:
        aws.client("glue").create_database(DatabaseInput={"Name": "sales"})
        aws.client("emr").create_security_configuration(Name="sec", SecurityConfiguration="{}")
    database = Database(tmp_path)
    database.save("moto version", {"version": b"5.0.0"})
    database.close()
    with LocalAws(*OPTIONS, state=tmp_path) as aws:
        assert aws.client("glue").get_databases()["DatabaseList"] == []
        assert aws.client("emr").list_security_configurations()["SecurityConfigurations"]
        copy = tmp_path / "state-moto-5.0.0.sqlite"
        assert copy.exists()
        assert "are from moto 5.0.0 and cannot be read by moto" in aws.log.read_text()
        assert str(copy) in aws.log.read_text()


def test_a_damaged_state_is_refused_with_one_line(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("damaged")
    ended = subprocess.run(
        [sys.executable, "-m", "localaws", "--state", str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == (
        f"localaws: cannot read the saved state {tmp_path / NAME}: file is not a database. Restore the file, or move it"
        " away to start without the saved state; the objects of S3 are kept\n"
    )


def test_a_reset_removes_everything(tmp_path: Path) -> None:
    with LocalAws(*OPTIONS, state=tmp_path) as aws:
        make_s3(aws.client)
        make_others(aws.client)
        made = make_running(aws)
        aws.reset()
        assert aws.client("s3").list_buckets()["Buckets"] == []
        assert [db["Name"] for db in aws.client("glue").get_databases()["DatabaseList"]] in ([], ["default"])
        assert [g["Name"] for g in aws.client("athena").list_work_groups()["WorkGroups"]] == ["primary"]
        assert aws.client("emr").list_clusters()["Clusters"] == []
        assert Faults(aws.endpoint_url).planned() == []
        with pytest.raises(ClientError, match="was not found"):
            aws.client("athena").get_query_execution(QueryExecutionId=made["query"])
        aws.client("s3").create_bucket(Bucket="new")
        save_and_kill(aws)
    with LocalAws(*OPTIONS, state=tmp_path) as aws:
        assert [b["Name"] for b in aws.client("s3").list_buckets()["Buckets"]] == ["new"]
        assert aws.client("emr").list_clusters()["Clusters"] == []
