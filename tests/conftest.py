"""Fixtures for every test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devtools import one_process
from localaws.pytest_plugin import local_aws
from localaws.testing import CREDENTIALS, LocalAws
from tests.distribution import (
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)
from tests.spark.session import s3_root, spark

__all__ = [
    "local_aws",
    "pytest_collection_modifyitems",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
    "s3_root",
    "spark",
]
"""Fixtures and hooks that are defined elsewhere."""

ROOT = Path(__file__).parents[1]


def send(
    aws: LocalAws, method: str, path: str, headers: Mapping[str, str], body: str | None = None
) -> tuple[int, HTTPMessage, str]:
    """Send a request with these headers, ``Host`` among them; return the status, the headers and the body."""
    connection = HTTPConnection(urlsplit(aws.endpoint_url).netloc, timeout=60)
    with closing(connection):
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()


@contextmanager
def connected(aws: LocalAws) -> Iterator[None]:
    """Inside the block Airflow's connection ``aws_default`` points at ``aws``."""
    connection = {
        "conn_type": "aws",
        "login": CREDENTIALS["aws_access_key_id"],
        "password": CREDENTIALS["aws_secret_access_key"],
        "extra": {"endpoint_url": aws.endpoint_url, "region_name": "us-east-1"},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        yield


@pytest.fixture(scope="session", autouse=True)
def shared_in_one_process() -> None:
    """The operators of the tests make hundreds of sessions."""
    one_process.share()


@pytest.fixture(scope="session")
def local_aws_options() -> Sequence[str]:
    return ("--cluster-seconds", "0.1")
