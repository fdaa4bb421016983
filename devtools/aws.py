"""The AWS of a run: uploads of input files, and active clusters."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

import boto3
from boto3.s3.transfer import TransferConfig

REGION = "eu-central-1"
ACTIVE_STATES = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING")
"""The states of ``aws emr list-clusters --active``."""

ACTIVE_APPLICATION_STATES = ("STARTING", "STARTED", "STOPPING")
"""The states in which an application of EMR Serverless may have workers."""


class Aws(Protocol):
    """The local AWS, or an account."""

    @property
    def region(self) -> str: ...

    def client(self, service: str) -> Any: ...


class Account:
    """The account of the AWS variables of the environment."""

    def __init__(self) -> None:
        self._session = boto3.Session()
        self.region = str(self._session.region_name)

    def client(self, service: str) -> Any:
        return self._session.client(service)


def active_clusters(aws: Aws) -> list[str]:
    """Return the ids of the clusters, and of the applications of EMR Serverless, that have not ended."""
    pages = aws.client("emr").get_paginator("list_clusters").paginate(ClusterStates=list(ACTIVE_STATES))
    clusters = [cluster["Id"] for page in pages for cluster in page["Clusters"]]
    serverless = aws.client("emr-serverless").get_paginator("list_applications")
    found = serverless.paginate(states=list(ACTIVE_APPLICATION_STATES))
    return clusters + [application["id"] for page in found for application in page["applications"]]


def provide(aws: Aws, file: Path, bucket: str, key: str) -> str:
    """Return the S3 URI of ``file``; upload it unless an object with the same content exists at the key."""
    s3 = aws.client("s3")
    if bucket not in {found["Name"] for found in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
    found = s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
    with file.open("rb") as content:
        etag = f'"{hashlib.file_digest(content, "md5").hexdigest()}"'
    if (key, etag) not in {(item["Key"], item["ETag"]) for item in found}:
        # In one part: only then the ETag is the MD5 of the content.
        s3.upload_file(str(file), bucket, key, Config=TransferConfig(multipart_threshold=5 * 1024**3))
    return f"s3://{bucket}/{key}"
