"""Failing API calls through boto3 against a running server; clusters stay STARTING."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from localaws.faults import Delay, Deny, DropConnection, Fault, Faults, ServerError, Throttle
from localaws.testing import LocalAws

BUCKET = "faulty-calls"
CLUSTER = {
    "ReleaseLabel": "emr-7.13.0",
    "ServiceRole": "EMR_DefaultRole",
    "JobFlowRole": "EMR_EC2_DefaultRole",
    "Instances": {
        "MasterInstanceType": "m5.xlarge",
        "InstanceCount": 1,
        "KeepJobFlowAliveWhenNoSteps": True,
    },
}
STEP = {"Name": "s", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["spark-submit", "s3://b/x.py"]}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws("--cluster-seconds", "3600", state=tmp_path_factory.mktemp("slow")) as aws:
        aws.client("s3").create_bucket(Bucket=BUCKET)
        yield aws


@pytest.fixture
def faults(aws: LocalAws) -> Iterator[Faults]:
    faults = Faults(aws.endpoint_url)
    yield faults
    faults.clear()


def cluster(aws: LocalAws, name: str, **tags: str) -> str:
    tag_list = [{"Key": key, "Value": value} for key, value in tags.items()]
    cluster_id: str = aws.client("emr").run_job_flow(Name=name, Tags=tag_list, **CLUSTER)["JobFlowId"]
    return cluster_id


def clusters(aws: LocalAws, name: str) -> list[str]:
    return [c["Id"] for c in aws.client("emr").list_clusters()["Clusters"] if c["Name"] == name]


def error_of(call: Callable[..., Any], **members: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def test_a_call_is_throttled_the_given_number_of_times(aws: LocalAws, faults: Faults) -> None:
    emr, cluster_id = aws.client("emr"), cluster(aws, "throttled")
    [fault_id] = faults.plan(Throttle("DescribeCluster", times=2))
    for _ in range(2):
        expected = (400, "ThrottlingException", "Rate exceeded")
        assert error_of(emr.describe_cluster, ClusterId=cluster_id) == expected
    assert emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Name"] == "throttled"
    assert faults.triggered(fault_id) == 2


DENIED = "User: arn:aws:iam::123456789012:user/local is not authorized to perform: "


@pytest.mark.parametrize(
    ("fault", "service", "method", "members", "status", "code", "message"),
    [
        (Deny("ListClusters"), "emr", "list_clusters", {}, 400, "AccessDeniedException", DENIED),
        (ServerError("ListClusters"), "emr", "list_clusters", {}, 500, "InternalServerException", "failed"),
        (
            *(ServerError("ListClusters", status=503), "emr", "list_clusters", {}),
            *(503, "ServiceUnavailable", "temporary failure"),
        ),
        (
            *(
                Throttle("StartQueryExecution"),
                "athena",
                "start_query_execution",
                {"QueryString": "SELECT 1"},
            ),
            *(400, "TooManyRequestsException", "Rate exceeded"),
        ),
        (
            *(Throttle("glue:GetDatabase"), "glue", "get_database", {"Name": "default"}),
            *(400, "ThrottlingException", "Rate exceeded"),
        ),
        (Throttle("ListBuckets"), "s3", "list_buckets", {}, 503, "SlowDown", "reduce your request rate"),
        (Deny("ListBuckets"), "s3", "list_buckets", {}, 403, "AccessDenied", "Access Denied"),
        (ServerError("ListBuckets"), "s3", "list_buckets", {}, 500, "InternalError", "try again"),
        (ServerError("HeadBucket"), "s3", "head_bucket", {"Bucket": BUCKET}, 500, "500", "Internal"),
    ],
)
def test_a_failing_call_has_the_error_of_its_service(
    aws: LocalAws,
    faults: Faults,
    fault: Fault,
    service: str,
    method: str,
    members: dict[str, Any],
    status: int,
    code: str,
    message: str,
) -> None:
    faults.plan(fault)
    error = error_of(getattr(aws.client(service), method), **members)
    assert error[:2] == (status, code)
    assert message in error[2]


def test_a_dropped_connection_has_no_response_and_no_effect(aws: LocalAws, faults: Faults) -> None:
    faults.plan(DropConnection("RunJobFlow"))
    with pytest.raises(ConnectionClosedError):
        cluster(aws, "dropped")
    assert clusters(aws, "dropped") == []
    cluster(aws, "dropped")
    assert len(clusters(aws, "dropped")) == 1


@pytest.mark.parametrize("kind", [DropConnection, ServerError])
def test_a_call_with_after_work_takes_effect_although_it_fails(
    aws: LocalAws, faults: Faults, kind: type[DropConnection] | type[ServerError]
) -> None:
    """A client that repeats RunJobFlow must first look for the cluster: EMR has no request token."""
    name = f"lost response, {kind.__name__}"
    faults.plan(kind("RunJobFlow", after_work=True), kind("AddJobFlowSteps", after_work=True))
    with pytest.raises((ConnectionClosedError, ClientError)):
        cluster(aws, name)
    [cluster_id] = clusters(aws, name)
    emr = aws.client("emr")
    with pytest.raises((ConnectionClosedError, ClientError)):
        emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[STEP])
    assert len(emr.list_steps(ClusterId=cluster_id)["Steps"]) == 1


def test_a_query_with_a_lost_response_is_found_by_its_request_token(aws: LocalAws, faults: Faults) -> None:
    athena = aws.client("athena")
    request = {
        "QueryString": "SELECT 1",
        "ClientRequestToken": "t" * 32,
        "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/results/"},
    }
    before = len(athena.list_query_executions()["QueryExecutionIds"])
    faults.plan(DropConnection("StartQueryExecution", after_work=True))
    with pytest.raises(ConnectionClosedError):
        athena.start_query_execution(**request)
    found = athena.start_query_execution(**request)["QueryExecutionId"]
    listed = athena.list_query_executions()["QueryExecutionIds"]
    assert (listed[0], len(listed)) == (found, before + 1)


@pytest.mark.parametrize("after_work", [False, True])
def test_a_delayed_call_has_the_correct_response(aws: LocalAws, faults: Faults, after_work: bool) -> None:
    [fault_id] = faults.plan(Delay("ListClusters", 0.05, after_work=after_work))
    assert "Clusters" in aws.client("emr").list_clusters()
    assert faults.triggered(fault_id) == 1


def test_a_fault_of_one_cluster_does_not_apply_to_others(aws: LocalAws, faults: Faults) -> None:
    emr, mine, other = aws.client("emr"), cluster(aws, "mine", run_id="1"), cluster(aws, "mine", run_id="2")
    faults.plan(Throttle("TerminateJobFlows", cluster="mine", tags={"run_id": "1"}))
    faults.plan(Throttle("RunJobFlow", tags={"run_id": "1"}), Throttle("RunJobFlow", cluster="yours"))
    emr.terminate_job_flows(JobFlowIds=[other])
    assert error_of(emr.terminate_job_flows, JobFlowIds=[other, mine])[1] == "ThrottlingException"
    cluster(aws, "mine", run_id="2")
    for name, run in (("mine", "1"), ("yours", "2")):
        with pytest.raises(ClientError, match="Rate exceeded"):
            cluster(aws, name, run_id=run)


def test_a_fault_with_containing_does_not_apply_to_other_calls(aws: LocalAws, faults: Faults) -> None:
    s3, athena, glue = (aws.client(name) for name in ("s3", "athena", "glue"))
    faults.plan(
        Throttle("PutObject", containing=f"{BUCKET}/a b/"),
        Throttle("ListObjectsV2", containing="prefix=a b/"),
        Throttle("glue:CreateDatabase", containing="mine"),
    )
    s3.put_object(Bucket=BUCKET, Key="b", Body=b"kept")
    assert error_of(s3.put_object, Bucket=BUCKET, Key="a b/c", Body=b"x" * 2**20)[1] == "SlowDown"
    assert s3.get_object(Bucket=BUCKET, Key="b")["Body"].read() == b"kept"
    s3.list_objects_v2(Bucket=BUCKET)
    assert error_of(s3.list_objects_v2, Bucket=BUCKET, Prefix="a b/")[1] == "SlowDown"
    glue.create_database(DatabaseInput={"Name": "yours"})
    assert error_of(glue.create_database, DatabaseInput={"Name": "mine"})[1] == "ThrottlingException"
    results = {"OutputLocation": f"s3://{BUCKET}/results/"}
    one, two = (
        athena.start_query_execution(QueryString=f"SELECT\n{n}", ResultConfiguration=results) for n in (1, 2)
    )
    athena.get_query_execution(QueryExecutionId=one["QueryExecutionId"])
    faults.plan(Throttle("GetQueryExecution", containing="SELECT\n2"))
    assert error_of(athena.get_query_execution, QueryExecutionId=two["QueryExecutionId"])[0] == 400


def test_faults_do_not_apply_to_calls_by_the_local_aws(aws: LocalAws, faults: Faults) -> None:
    """The local Athena calls Glue and S3 of the same server; only calls of clients fail."""
    athena = aws.client("athena")
    planned = faults.plan(Throttle("glue:GetTable"), Throttle("glue:GetDatabases"), Throttle("PutObject"))
    results = {"OutputLocation": f"s3://{BUCKET}/results/"}
    started = athena.start_query_execution(QueryString="SHOW DATABASES", ResultConfiguration=results)
    while True:
        status = athena.get_query_execution(**{"QueryExecutionId": started["QueryExecutionId"]})
        if "CompletionDateTime" in status["QueryExecution"]["Status"]:
            break
    assert status["QueryExecution"]["Status"]["State"] == "SUCCEEDED"
    assert [faults.triggered(fault_id) for fault_id in planned] == [0, 0, 0]


def test_an_invalid_request_is_rejected_by_its_service(aws: LocalAws, faults: Faults) -> None:
    faults.plan(Throttle("ListClusters"), Throttle("DescribeCluster", cluster="c"))
    emr = aws.client("emr")
    assert error_of(emr.describe_cluster, ClusterId="j-NONE")[1] == "InvalidRequestException"
