"""The local AWS as a process beside this one: started, asked, and stopped for certain."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig

from devtools.paths import PROJECT

REGION = "eu-central-1"
CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
"""What an AWS client must send; the local AWS takes any."""

STOP_SECONDS = 20
ACTIVE_STATES = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING")
"""The states of ``aws emr list-clusters --active``."""

_READY = re.compile(r"localaws ready at (http://\S+)")


class AwsFailed(Exception):
    """The local AWS did not start; the message is its own."""


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS at ``endpoint``, with its files under ``state``."""

    endpoint: str
    state: Path

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, **CREDENTIALS)

    def active_clusters(self) -> list[str]:
        """Return the ids of the clusters that have not ended."""
        pages = self.client("emr").get_paginator("list_clusters").paginate(ClusterStates=list(ACTIVE_STATES))
        return [cluster["Id"] for page in pages for cluster in page["Clusters"]]

    def provide(self, file: Path, bucket: str, key: str) -> str:
        """Return the S3 URI of ``file``, which is put there unless its very content is there already."""
        s3 = self.client("s3")
        if bucket not in {found["Name"] for found in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        there = s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
        with file.open("rb") as content:
            etag = f'"{hashlib.file_digest(content, "md5").hexdigest()}"'
        if (key, etag) not in {(found["Key"], found["ETag"]) for found in there}:
            # In one part, for then the ETag is the MD5 of the content.
            s3.upload_file(str(file), bucket, key, Config=TransferConfig(multipart_threshold=5 * 1024**3))
        return f"s3://{bucket}/{key}"


@contextmanager
def local_aws(state: Path, log: Path, port: int = 0) -> Iterator[LocalAws]:
    """Run a local AWS on a loopback port, a free one for 0; raise AwsFailed with its last words if it does not start.

    It has a process group of its own, so that Ctrl-C reaches it only through us; and it holds the read end of a pipe
    of which we hold the other, so that it also ends when we are killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "localaws",
                "--state",
                str(state),
                "--port",
                str(port),
                "--stop-with-stdin",
            ],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ready = _READY.match(process.stdout.readline().decode())
        if ready is None:
            process.wait(STOP_SECONDS)
            last_words = log.read_text().strip().rpartition("\n")[2]
            raise AwsFailed(f"the local AWS did not start: {last_words or f'see {log}'}")
        yield LocalAws(ready[1], state)
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
