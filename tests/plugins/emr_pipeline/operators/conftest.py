"""What the operators of a test need: where Athena works, and a cluster to queue steps on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_pipeline import live_log
from emr_pipeline.operators import base
from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec
from emr_pipeline.triggers import base as triggers

ATHENA = {
    "output_location": "s3://operators/athena-results/",
    "workgroup": "primary",
    "max_scanned_gb": 1.0,
}


def executions(aws: Any) -> int:
    """Return how many queries there have been."""
    pages = aws.client("athena").get_paginator("list_query_executions").paginate()
    return sum(len(page["QueryExecutionIds"]) for page in pages)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of the tests take seconds; ``triggers/test_base.py`` tests the interval itself."""
    monkeypatch.setattr(triggers, "poll_interval", lambda _: 0.1)
    monkeypatch.setattr(base, "FIRST_WAIT_SECONDS", 0.5)


@pytest.fixture
def cluster_id(aws: Any, run: Callable[..., Any]) -> Iterator[str]:
    create = CreateClusterOperator(
        task_id="create_cluster",
        cluster=ClusterSpec("emr-7.13.0", core_nodes=1),
        settings=Settings(bucket="operators"),
    )
    yield create.execute(run())
    TerminateClusterOperator(task_id="terminate_cluster", cluster_id="").execute(run())


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The lines that triggers have logged, and their levels. The file ``seen`` is created at "the first line"."""
    levels: dict[str, int] = {}

    class Log:
        def log(self, level: int, _: str, line: str) -> None:
            levels[line] = level
            if line == "the first line":
                (tmp_path / "seen").touch()

    monkeypatch.setattr(live_log, "SECONDS", 0.2)
    monkeypatch.setattr(triggers.PollingTrigger, "log", Log())
    return levels
