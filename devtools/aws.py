"""Uploads of input files to a local AWS, and its active clusters."""

from __future__ import annotations

import hashlib
from pathlib import Path

from boto3.s3.transfer import TransferConfig

from localaws.testing import LocalAws

REGION = "eu-central-1"
ACTIVE_STATES = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING")
"""The states of ``aws emr list-clusters --active``."""


ACTIVE_APPLICATION_STATES = ("STARTING", "STARTED", "STOPPING")
"""The states in which an application of EMR Serverless may have workers."""


def active_clusters(aws: LocalAws) -> list[str]:
    """Return the ids of the clusters, and of the applications of EMR Serverless, that have not ended."""
    pages = aws.client("emr").get_paginator("list_clusters").paginate(ClusterStates=list(ACTIVE_STATES))
    clusters = [cluster["Id"] for page in pages for cluster in page["Clusters"]]
    serverless = aws.client("emr-serverless").get_paginator("list_applications")
    found = serverless.paginate(states=list(ACTIVE_APPLICATION_STATES))
    return clusters + [application["id"] for page in found for application in page["applications"]]


def provide(aws: LocalAws, file: Path, bucket: str, key: str) -> str:
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
