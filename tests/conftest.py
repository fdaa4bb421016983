"""Fixtures for every test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from tests.spark.session import s3_root, spark

__all__ = ["s3_root", "spark"]
"""Fixtures that are defined elsewhere."""

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class LocalAws:
    """A local AWS that runs for the tests: its address, its state folder and clients of its services."""

    endpoint: str
    state: Path
    process: subprocess.Popen[str]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: str | None = None
    ) -> tuple[int, HTTPMessage, str]:
        """Send a request with these headers, ``Host`` among them; return status, headers and text of its answer."""
        connection = HTTPConnection(urlsplit(self.endpoint).netloc, timeout=60)
        with closing(connection):
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()


@contextmanager
def running_local_aws(state: Path, *options: str) -> Iterator[LocalAws]:
    """Start ``python -m localaws``; it ends with the block, or with the tests if they are killed."""
    command = [sys.executable, "-m", "localaws", "--state", str(state), "--stop-with-stdin", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout
        ready = process.stdout.readline()
        assert ready.startswith("localaws ready at "), f"localaws did not start: {ready!r}"
        yield LocalAws(ready.split()[-1], state, process)


@contextmanager
def connected(aws: LocalAws) -> Iterator[None]:
    """Inside the block Airflow's connection ``aws_default`` points at ``aws``."""
    connection = {
        "conn_type": "aws",
        "login": "test",
        "password": "test",
        "extra": {"endpoint_url": aws.endpoint, "region_name": "us-east-1"},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        yield


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with running_local_aws(tmp_path_factory.mktemp("localaws"), "--cluster-seconds", "0.1") as aws:
        yield aws
