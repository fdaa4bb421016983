"""Operators run as in Airflow, with the local AWS."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import connected

BUCKET = "operators"


@pytest.fixture(scope="session")
def aws(local_aws: Any) -> Any:
    """The local AWS, with Airflow's connection pointing at it and a bucket for job code and logs."""
    local_aws.client("s3").create_bucket(Bucket=BUCKET)
    with connected(local_aws):
        yield local_aws


@pytest.fixture
def run() -> Callable[..., dict[str, Any]]:
    """A function that returns the context of a task in a new run: ``run(try_number=2, tries_before_clear=1)``."""
    run_id = f"manual__{uuid.uuid4()}"
    xcoms: dict[str, Any] = {}

    def context(try_number: int = 1, tries_before_clear: int = 0) -> dict[str, Any]:
        ti = SimpleNamespace(
            dag_id="pipeline",
            run_id=run_id,
            task_id="task",
            map_index=-1,
            try_number=try_number,
            max_tries=tries_before_clear,
            xcoms=xcoms,
            xcom_push=lambda key, value: xcoms.update({key: value}),
        )
        return {
            "dag": SimpleNamespace(dag_id="pipeline"),
            "dag_run": SimpleNamespace(run_after=datetime(2026, 1, 31, tzinfo=UTC)),
            "run_id": run_id,
            "ti": ti,
        }

    return context
