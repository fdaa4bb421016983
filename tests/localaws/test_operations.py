"""A request's operation is the one botocore made it for."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.test import EnvironBuilder

from localaws.operations import Operation, operation_of, qualified_names, targets_cluster

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
JSON: list[tuple[str, str, dict[str, Any]]] = [
    ("emr", "describe_step", {"ClusterId": "j-1", "StepId": "s-1"}),
    ("athena", "get_database", {"CatalogName": "c", "DatabaseName": "d"}),
    ("glue", "get_database", {"Name": "d"}),
    ("s3", "list_buckets", {}),
]


def sent(service: str, method: str, **params: Any) -> tuple[Operation, Operation | None]:
    """Return the operation that boto3 means, and the one that is seen in its request."""
    credentials = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client(service, endpoint_url="http://127.0.0.1:1", config=config, **credentials)
    seen: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        seen.append(request)
        return AWSResponse(request.url, 599, {}, None)

    client.meta.events.register("before-send", answer)
    with pytest.raises((ClientError, AttributeError)):
        getattr(client, method)(**params)
    headers = [(k, v.decode() if isinstance(v, bytes) else v) for k, v in seen[0].headers.items()]
    request = EnvironBuilder.from_environ(
        EnvironBuilder(path=seen[0].url, method=seen[0].method, headers=headers).get_environ()
    ).get_request()
    name = client.meta.method_to_api_mapping[method]
    return Operation(client.meta.service_model.endpoint_prefix, name), operation_of(request)


@pytest.mark.parametrize(("method", "params"), S3)
def test_operations_of_s3_are_told_apart(method: str, params: dict[str, Any]) -> None:
    meant, found = sent("s3", method, **params)
    assert found == meant


@pytest.mark.parametrize(("service", "method", "params"), JSON)
def test_each_service_is_known_by_its_name_in_iam(service: str, method: str, params: dict[str, Any]) -> None:
    meant, found = sent(service, method, **params)
    assert found == meant


def test_other_services_are_left_alone() -> None:
    assert sent("sts", "get_caller_identity")[1] is None


def test_a_name_is_looked_for_in_every_service_unless_one_is_given() -> None:
    assert qualified_names("RunJobFlow") == ["elasticmapreduce:RunJobFlow"]
    assert qualified_names("GetTags") == ["glue:GetTags"]
    assert qualified_names("GetDatabase") == ["athena:GetDatabase", "glue:GetDatabase"]
    assert qualified_names("athena:RunJobFlow") == qualified_names("sts:GetCallerIdentity") == []


def test_operations_that_name_a_cluster() -> None:
    for name in ("RunJobFlow", "DescribeStep", "AddJobFlowSteps", "TerminateJobFlows", "AddTags"):
        assert targets_cluster(f"elasticmapreduce:{name}")
    for name in ("elasticmapreduce:ListClusters", "elasticmapreduce:ListReleaseLabels", "s3:GetObject"):
        assert not targets_cluster(name)
