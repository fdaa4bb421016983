"""Supported operations are passed on to moto; others are rejected in the protocol of the called service."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError

from localaws.moto_services import SUPPORTED_OPERATIONS
from localaws.testing import LocalAws

ROLE = "arn:aws:iam::123456789012:role/x"
TOPIC = "arn:aws:sns:us-east-1:123456789012:t"
TABLE = {"DatabaseName": "d", "TableName": "t"}
OBJECT = {"Bucket": "some-bucket", "Key": "k"}
SELECT = {
    "Expression": "SELECT 1",
    "ExpressionType": "SQL",
    "InputSerialization": {},
    "OutputSerialization": {},
}


def error_of(call: Callable[..., Any], **request: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as failure:
        call(**request)
    response = failure.value.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        response["Error"]["Message"],
    )


# Operations that users of Spark on EMR may call, and at least one of each protocol.
UNSUPPORTED: list[tuple[str, str, dict[str, Any]]] = [
    ("glue", "start_crawler", {"Name": "c"}),
    ("glue", "create_crawler", {"Name": "c", "Role": ROLE, "Targets": {}}),
    ("glue", "start_job_run", {"JobName": "j"}),
    ("glue", "create_job", {"Name": "j", "Role": ROLE, "Command": {}}),
    ("glue", "search_tables", {}),
    ("glue", "get_column_statistics_for_table", {**TABLE, "ColumnNames": ["a"]}),
    ("glue", "create_partition_index", {**TABLE, "PartitionIndex": {"Keys": ["a"], "IndexName": "i"}}),
    ("emr-containers", "list_virtual_clusters", {}),
    ("emr-containers", "start_job_run", {"virtualClusterId": "v"}),
    ("stepfunctions", "create_activity", {"name": "a"}),
    ("lambda", "invoke", {"FunctionName": "f"}),
    ("batch", "submit_job", {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}),
    ("cloudformation", "create_stack_set", {"StackSetName": "s"}),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": [{"MetricName": "m"}]}),
    ("events", "put_rule", {"Name": "r", "ScheduleExpression": "rate(1 day)"}),
    ("events", "put_rule", {"Name": "r", "EventPattern": '{"source": ["aws.s3"]}'}),
    (
        "events",
        "put_rule",
        {"Name": "r", "EventPattern": '{"source": ["aws.states"], "detail": {"name": [{"prefix": "a"}]}}'},
    ),
    ("events", "put_targets", {"Rule": "r", "Targets": [{"Id": "t", "Arn": TOPIC}]}),
    ("events", "put_events", {"Entries": [{"Source": "s"}]}),
    ("ec2", "run_instances", {"MinCount": 1, "MaxCount": 1}),
    ("route53", "list_hosted_zones", {}),
    ("iam", "simulate_custom_policy", {"PolicyInputList": ["{}"], "ActionNames": ["s3:GetObject"]}),
    ("sts", "decode_authorization_message", {"EncodedMessage": "x"}),
    ("sns", "publish", {"PhoneNumber": "+491", "Message": "m"}),
    ("sns", "subscribe", {"TopicArn": TOPIC, "Protocol": "sms", "Endpoint": "a@b.c"}),
    ("sqs", "start_message_move_task", {"SourceArn": "arn"}),
    ("secretsmanager", "rotate_secret", {"SecretId": "s"}),
    ("ssm", "send_command", {"DocumentName": "AWS-RunShellScript"}),
    ("s3", "select_object_content", {**OBJECT, **SELECT}),
    ("s3", "put_bucket_logging", {"Bucket": "some-bucket", "BucketLoggingStatus": {}}),
    ("s3", "list_directory_buckets", {}),
    ("s3", "restore_object", {**OBJECT, "RestoreRequest": {"Days": 1}}),
]
CODES = {
    **dict.fromkeys(("cloudformation", "ec2", "iam", "sts", "sns"), "InvalidAction"),
    **dict.fromkeys(("route53", "s3"), "NotImplemented"),
}


@pytest.mark.parametrize(("service", "operation", "request_"), UNSUPPORTED)
def test_simulated_operations_are_rejected_in_the_protocol_of_the_service(
    local_aws: LocalAws, service: str, operation: str, request_: dict[str, Any]
) -> None:
    status, code, message = error_of(getattr(local_aws.client(service), operation), **request_)
    assert (status, code) == (501, CODES.get(service, "UnknownOperationException"))
    assert message.startswith("not supported by the local AWS: ")


@pytest.mark.parametrize("service", sorted(SUPPORTED_OPERATIONS))
def test_every_supported_operation_exists_in_the_service_model(service: str) -> None:
    known = botocore.session.get_session().get_service_model(service).operation_names
    assert not SUPPORTED_OPERATIONS[service] - set(known)


def test_messages_secrets_and_parameters_are_delivered(local_aws: LocalAws) -> None:
    name = uuid4().hex
    sqs, sns = local_aws.client("sqs"), local_aws.client("sns")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="hello")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"
    secrets = local_aws.client("secretsmanager")
    secrets.create_secret(Name=name, SecretString="s")
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "s"
    parameters = local_aws.client("ssm")
    parameters.put_parameter(Name=name, Value="p", Type="String")
    assert parameters.get_parameter(Name=name)["Parameter"]["Value"] == "p"


def test_roles_are_created_and_assumed(local_aws: LocalAws) -> None:
    iam, name = local_aws.client("iam"), uuid4().hex
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    try:
        sts = local_aws.client("sts")
        assumed = sts.assume_role(RoleArn=role, RoleSessionName="me")
        by_token = sts.assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="me", WebIdentityToken="token"
        )
    finally:
        iam.delete_role(RoleName=name)
    for response in (assumed, by_token):
        assert response["AssumedRoleUser"]["Arn"].endswith(f"assumed-role/{name}/me")


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("sns", "get_topic_attributes", {"TopicArn": "no-arn"}),
        ("iam", "list_policies", {"Marker": "none-of-its"}),
        ("secretsmanager", "list_secret_version_ids", {"SecretId": "none"}),
    ],
)
def test_a_request_that_moto_cannot_process_is_rejected_and_not_retried(
    local_aws: LocalAws, service: str, operation: str, request_: dict[str, Any]
) -> None:
    status, code, message = error_of(getattr(local_aws.client(service), operation), **request_)
    assert (status, code) == (501, CODES.get(service, "UnknownOperationException"))
    assert "with these parameters" in message


def test_a_policy_that_is_not_json_is_rejected(local_aws: LocalAws) -> None:
    s3, bucket = local_aws.client("s3"), f"policy-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    assert error_of(s3.put_bucket_policy, Bucket=bucket, Policy="allow")[:2] == (400, "MalformedPolicy")
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy


def test_an_invalid_request_that_fails_in_moto_is_answered_with_400(local_aws: LocalAws) -> None:
    """A request that does not fit the service's model is a client error."""

    def post(body: bytes) -> tuple[int, str, dict[str, Any]]:
        headers = {
            "X-Amz-Target": "AWSGlue.GetTable",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=a/20250101/us-east-1/glue/aws4_request, "
            "SignedHeaders=host, Signature=0",
        }
        try:
            urlopen(Request(local_aws.endpoint_url, body, headers))
        except HTTPError as error:
            return error.code, error.headers.get_content_type(), json.load(error)
        raise AssertionError("the request succeeded")

    for body in (b"[]", b"{", b'{"DatabaseName": 1, "Name": {}}', b'{"Name": "x"}'):
        status, mimetype, error = post(body)
        assert status == 400, body
        assert "json" in mimetype, body
        assert error["__type"] in ("InvalidInputException", "EntityNotFoundException"), body


def test_all_regions_share_one_catalog(local_aws: LocalAws) -> None:
    """The local Athena and EMR have no regions either."""
    frankfurt, nowhere = (
        boto3.client(
            "glue",
            endpoint_url=local_aws.endpoint_url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for region in ("eu-central-1", "local")
    )
    frankfurt.create_database(DatabaseInput={"Name": "made_in_frankfurt"})
    assert nowhere.get_database(Name="made_in_frankfurt")["Database"]["Name"] == "made_in_frankfurt"
    databases = local_aws.client("athena").list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]
    assert "made_in_frankfurt" in {database["Name"] for database in databases}


def test_an_update_of_a_table_keeps_the_earlier_version_unless_it_skips_it(local_aws: LocalAws) -> None:
    glue = local_aws.client("glue")
    place = {"DatabaseName": "versions"}
    glue.create_database(DatabaseInput={"Name": "versions"})
    glue.create_table(**place, TableInput={"Name": "t", "Description": "1"})
    for description, skip, versions in (
        ("2", True, ["2"]),
        ("3", False, ["3", "2"]),
        ("4", True, ["4", "2"]),
    ):
        glue.update_table(**place, TableInput={"Name": "t", "Description": description}, SkipArchive=skip)
        found = glue.get_table_versions(**place, TableName="t")["TableVersions"]
        assert sorted((each["Table"]["Description"] for each in found), reverse=True) == versions
        assert glue.get_table(**place, Name="t")["Table"]["Description"] == description
