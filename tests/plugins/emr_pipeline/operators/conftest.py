"""What the operators of a test need: where Athena works, and a cluster to queue steps on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec

ATHENA = {
    "output_location": "s3://operators/athena-results/",
    "workgroup": "primary",
    "max_scanned_gb": 1.0,
}


def executions(aws: Any) -> int:
    """Return how many queries there have been."""
    pages = aws.client("athena").get_paginator("list_query_executions").paginate()
    return sum(len(page["QueryExecutionIds"]) for page in pages)


@pytest.fixture
def cluster_id(aws: Any, run: Callable[..., Any]) -> Iterator[str]:
    create = CreateClusterOperator(
        task_id="create_cluster",
        cluster=ClusterSpec("emr-7.13.0", core_nodes=1),
        settings=Settings(bucket="operators"),
    )
    yield create.execute(run())
    TerminateClusterOperator(task_id="terminate_cluster", cluster_id="").execute(run())
