"""Validation and expiry of presigned URLs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4
from xml.etree import ElementTree

import boto3
import pytest
from botocore.config import Config

from localaws.s3.presigned import signature_error
from localaws.testing import LocalAws

NOW = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)
SIGNED = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": "a/20250301/us-east-1/s3/aws4_request",
    "X-Amz-Date": "20250301T115900Z",
    "X-Amz-Expires": "60",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0",
}
OLD = {"AWSAccessKeyId": "a", "Signature": "s", "Expires": str(int(NOW.timestamp()))}


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({}, None, ""),
        ({"Expires": "1"}, None, ""),  # not a signature parameter: the request is unsigned
        (SIGNED, None, ""),
        ({**SIGNED, "X-Amz-Expires": "59"}, "AccessDenied", "Request has expired"),
        ({**SIGNED, "X-Amz-Date": "20250301T121600Z"}, "AccessDenied", "Request is not yet valid"),
        ({**SIGNED, "X-Amz-Date": "20250301T121400Z"}, None, ""),
        ({**SIGNED, "X-Amz-Expires": "604801"}, "AuthorizationQueryParametersError", "less than a week"),
        ({**SIGNED, "X-Amz-Expires": "-1"}, "AuthorizationQueryParametersError", "non-negative"),
        ({**SIGNED, "X-Amz-Expires": "soon"}, "AuthorizationQueryParametersError", "should be a number"),
        ({**SIGNED, "X-Amz-Date": "2025-03-01"}, "AuthorizationQueryParametersError", "ISO8601 Long Format"),
        ({"X-Amz-Signature": "0"}, "AuthorizationQueryParametersError", "requires the parameters"),
        (OLD, None, ""),
        ({**OLD, "Expires": str(int(NOW.timestamp()) - 1)}, "AccessDenied", "Request has expired"),
        ({**OLD, "Expires": "soon"}, "AccessDenied", "should be seconds since epoch"),
    ],
)
def test_signature_parameters_and_expiry_are_validated(
    query: dict[str, str], code: str | None, message: str
) -> None:
    error = signature_error(query, NOW)
    if code is None:
        assert error is None
    else:
        assert error is not None
        assert error[1] == code
        assert message in error[2]


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_an_expired_url_is_denied_for_reads_and_writes(local_aws: LocalAws, version: str) -> None:
    s3 = boto3.client(
        "s3",
        endpoint_url=local_aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(signature_version=version),
    )
    bucket = f"presigned-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    where = {"Bucket": bucket, "Key": "k"}
    with urlopen(s3.generate_presigned_url("get_object", where, ExpiresIn=60)) as response:
        assert response.read() == b"content"
    urls = [
        (method, s3.generate_presigned_url(operation, where, ExpiresIn=1))
        for operation, method in (("get_object", "GET"), ("head_object", "HEAD"), ("put_object", "PUT"))
    ]
    time.sleep(2.1)
    for method, url in urls:
        with pytest.raises(HTTPError) as failure:
            urlopen(Request(url, b"other" if method == "PUT" else None, method=method))
        assert failure.value.code == 403
        if method != "HEAD":
            error = ElementTree.fromstring(failure.value.read())
            assert (error.findtext("Code"), error.findtext("Message")) == (
                "AccessDenied",
                "Request has expired",
            )
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"
