"""The operation found for a request is the one that boto3 has called."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.test import EnvironBuilder

from localaws.operations import Operation, operation_of, qualified_names, service_model, targets_cluster

OBJECT = {"Bucket": "bucket", "Key": "a/b c.csv"}
PART = {"UploadId": "u", "PartNumber": 1}
S3: list[tuple[str, dict[str, Any]]] = [
    ("list_buckets", {}),
    ("create_bucket", {"Bucket": "bucket"}),
    ("head_bucket", {"Bucket": "bucket"}),
    ("get_bucket_location", {"Bucket": "bucket"}),
    ("get_bucket_policy", {"Bucket": "bucket"}),
    ("put_bucket_versioning", {"Bucket": "bucket", "VersioningConfiguration": {"Status": "Enabled"}}),
    ("list_objects", {"Bucket": "bucket", "Prefix": "a/"}),
    ("list_objects_v2", {"Bucket": "bucket", "Prefix": "a/", "MaxKeys": 1}),
    ("list_object_versions", {"Bucket": "bucket"}),
    ("list_multipart_uploads", {"Bucket": "bucket"}),
    ("delete_objects", {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "a"}]}}),
    ("get_object", {**OBJECT, "Range": "bytes=0-9"}),
    ("head_object", OBJECT),
    ("put_object", {**OBJECT, "Body": b"x", "IfNoneMatch": "*"}),
    ("copy_object", {**OBJECT, "CopySource": "bucket/other"}),
    ("delete_object", OBJECT),
    ("get_object_tagging", OBJECT),
    ("create_multipart_upload", OBJECT),
    ("upload_part", {**OBJECT, **PART, "Body": b"x"}),
    ("upload_part_copy", {**OBJECT, **PART, "CopySource": "bucket/other"}),
    ("complete_multipart_upload", {**OBJECT, "UploadId": "u", "MultipartUpload": {"Parts": []}}),
    ("abort_multipart_upload", {**OBJECT, "UploadId": "u"}),
    ("list_parts", {**OBJECT, "UploadId": "u"}),
]
ROLE = "arn:aws:iam::123456789012:role/job"
APPLICATION = "arn:aws:emr-serverless:us-east-1:123456789012:/applications/00f1a2b3"
JSON: list[tuple[str, str, dict[str, Any]]] = [
    ("emr", "describe_step", {"ClusterId": "j-1", "StepId": "s-1"}),
    ("athena", "get_database", {"CatalogName": "c", "DatabaseName": "d"}),
    ("glue", "get_database", {"Name": "d"}),
    ("s3", "list_buckets", {}),
    ("emr-serverless", "start_job_run", {"applicationId": "a", "executionRoleArn": ROLE}),
    ("emr-serverless", "get_job_run", {"applicationId": "a", "jobRunId": "j", "attempt": 2}),
    ("emr-serverless", "tag_resource", {"resourceArn": APPLICATION, "tags": {"a": "b"}}),
]


def sent(service: str, method: str, **params: Any) -> tuple[Operation, Operation | None]:
    """Return the operation that boto3 calls, and the operation found for its request."""
    credentials = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client(service, endpoint_url="http://127.0.0.1:1", config=config, **credentials)
    seen: list[AWSPreparedRequest] = []

    def respond(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        seen.append(request)
        return AWSResponse(request.url, 599, {}, None)

    client.meta.events.register("before-send", respond)
    with pytest.raises((ClientError, AttributeError)):
        getattr(client, method)(**params)
    headers = [(k, v.decode() if isinstance(v, bytes) else v) for k, v in seen[0].headers.items()]
    request = EnvironBuilder.from_environ(
        EnvironBuilder(path=seen[0].url, method=seen[0].method, headers=headers).get_environ()
    ).get_request()
    request.environ["RAW_URI"] = seen[0].url.removeprefix(client.meta.endpoint_url)
    name = client.meta.method_to_api_mapping[method]
    return Operation(client.meta.service_model.endpoint_prefix, name), operation_of(request)


def test_the_models_are_not_those_of_the_clients() -> None:
    """A client of S3 removes the bucket from the paths of its model, which all sessions of the tests share."""
    sent("s3", "list_objects", Bucket="bucket")
    assert service_model.__wrapped__("s3").operation_model("ListObjects").http["requestUri"] == "/{Bucket}"


@pytest.mark.parametrize(("method", "params"), S3)
def test_s3_operations_are_distinguished(method: str, params: dict[str, Any]) -> None:
    called, found = sent("s3", method, **params)
    assert found == called


@pytest.mark.parametrize(("service", "method", "params"), JSON)
def test_services_are_named_by_their_iam_prefix(service: str, method: str, params: dict[str, Any]) -> None:
    called, found = sent(service, method, **params)
    assert found == called


def test_other_services_have_no_operation() -> None:
    assert sent("sts", "get_caller_identity")[1] is None


def test_a_name_without_service_is_searched_in_all_services() -> None:
    assert qualified_names("RunJobFlow") == ["elasticmapreduce:RunJobFlow"]
    assert qualified_names("GetTags") == ["glue:GetTags"]
    assert qualified_names("GetDatabase") == ["athena:GetDatabase", "glue:GetDatabase"]
    assert qualified_names("athena:RunJobFlow") == qualified_names("sts:GetCallerIdentity") == []


def test_operations_that_target_a_cluster_or_an_application() -> None:
    for name in ("RunJobFlow", "DescribeStep", "AddJobFlowSteps", "TerminateJobFlows", "AddTags"):
        assert targets_cluster(f"elasticmapreduce:{name}")
    for name in ("CreateApplication", "StartJobRun", "TagResource"):
        assert targets_cluster(f"emr-serverless:{name}")
    for name in (
        "emr-serverless:ListApplications",
        "elasticmapreduce:ListClusters",
        "elasticmapreduce:ListReleaseLabels",
        "s3:GetObject",
    ):
        assert not targets_cluster(name)
