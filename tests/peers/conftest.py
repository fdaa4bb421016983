"""Fixtures for the tests of Athena's clients.

The tests run in the environment of the clients, the local AWS in the usual one: their dependencies conflict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import pytest

from localaws.testing import LocalAws

ROOT = Path(__file__).parents[2]
collect_ignore_glob = [] if find_spec("awswrangler") else ["test_*.py"]


@dataclass(frozen=True)
class Lake:
    """A bucket and a Glue database of a local AWS, for one test module."""

    aws: LocalAws
    bucket: str
    database: str

    @property
    def output(self) -> str:
        return f"s3://{self.bucket}/athena-results/"


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """A local AWS, to which also the environment variables of this process point."""
    python = ROOT / ".venv" / "bin" / "python"
    with (
        LocalAws("--cluster-seconds", "0.1", python=python) as local_aws,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in local_aws.environment.items():
            patch.setenv(name, value)
        yield local_aws


@pytest.fixture(scope="module")
def lake(aws: LocalAws) -> Lake:
    name = f"lake-{uuid4().hex[:8]}"
    lake = Lake(aws, name, name.replace("-", "_"))
    aws.client("s3").create_bucket(Bucket=lake.bucket)
    aws.client("glue").create_database(DatabaseInput={"Name": lake.database})
    return lake
