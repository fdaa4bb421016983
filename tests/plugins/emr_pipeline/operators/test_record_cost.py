"""The cost of a run is measured from its clusters and queries, and recorded for later estimates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from emr_pipeline.cost_records import read_run_costs
from emr_pipeline.operators.athena import AthenaStatementOperator
from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.operators.estimate_cost import EstimateCostOperator
from emr_pipeline.operators.record_cost import RecordCostOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec
from tests.plugins.emr_pipeline.operators.conftest import ATHENA

SETTINGS = Settings(bucket="operators", project="words")
SPEC = ClusterSpec("emr-7.13.0", core_nodes=2, spot_share=0.5)


@pytest.fixture
def finished(run: Callable[..., Any]) -> Any:
    """A function that runs the tasks of a DAG and returns the context of its last one."""
    context = run()
    context["dag"].dag_id = f"pipeline_{uuid4().hex[:8]}"
    context["dag_run"].run_after = datetime.now(UTC) - timedelta(seconds=1)
    xcoms: dict[tuple[str, str], Any] = {}

    def execute(task: Any) -> None:
        context["ti"].xcom_push = lambda key, value: xcoms.setdefault((task.task_id, key), value)
        task.execute(context)

    def finish(*tasks: Any, create: bool = True) -> Any:
        if create:
            execute(CreateClusterOperator(task_id="create_cluster", cluster=SPEC, settings=SETTINGS))
        for task in tasks:
            execute(task)
        execute(TerminateClusterOperator(task_id="terminate_cluster", cluster_id=""))
        context["dag"].tasks = tasks
        context["ti"].xcom_pull = lambda task_ids, key: xcoms.get((task_ids, key))
        return context

    return finish


def record(context: Any) -> str:
    pushed: dict[str, str] = {}
    context["ti"].xcom_push = lambda key, value: pushed.update({key: value})
    RecordCostOperator(task_id="record_cost", settings=SETTINGS).execute(context)
    return pushed["run_cost"]


def test_nodes_queries_and_the_estimate_are_recorded(aws: Any, finished: Any) -> None:
    estimate = EstimateCostOperator(
        task_id="estimate_cost", cluster=SPEC, settings=SETTINGS, steps=["count"], input_bytes=1_000
    )
    query = AthenaStatementOperator(task_id="queries", query="SELECT 42 AS answer", **ATHENA)
    ddl = AthenaStatementOperator(task_id="ddl", query="CREATE DATABASE IF NOT EXISTS costs", **ATHENA)
    context = finished(estimate, query, ddl)
    line = record(context)
    (run,) = read_run_costs(aws.client("s3"), "operators", context["dag"].dag_id, datetime.now(UTC))
    (cluster,) = run.clusters
    assert [(use.resource, use.market, use.nodes) for use in cluster.uses] == [
        ("m7g.xlarge", "ON_DEMAND", 2),
        ("m7g.xlarge", "SPOT", 1),
    ]
    assert run.node_hours("ON_DEMAND") == 2 * run.node_hours("SPOT") == pytest.approx(2 / 60)  # the minimum
    assert (run.queries, run.billed_bytes, run.input_bytes) == (2, 10_000_000, 1_000)
    assert (run.tags["run_id"], run.tags["project"]) == (context["run_id"], "words")
    assert run.dollars == pytest.approx(3 / 60 * (0.1632 + 0.0408) + 5e-5)
    assert line.startswith(
        "0.03 node hours On-Demand, 0.02 node hours Spot, Athena scanned 0.000 GB: $0.01 on AWS"
    )
    assert "the estimate before the run was at most $" in line


def test_a_run_without_a_cluster_costs_only_its_queries(aws: Any, finished: Any) -> None:
    query = AthenaStatementOperator(task_id="queries", query="SELECT 42 AS answer", **ATHENA)
    context = finished(query, create=False)
    assert "0.00 node hours On-Demand" in record(context)
    (run,) = read_run_costs(aws.client("s3"), "operators", context["dag"].dag_id, datetime.now(UTC))
    assert (run.clusters, run.node_dollars, run.athena_dollars) == ((), 0.0, pytest.approx(5e-5))


def test_a_query_without_statistics_has_scanned_nothing(
    aws: Any, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query that was cancelled in the queue; all members of QueryExecution are optional."""
    cancelled = {"StatementType": "DDL", "Status": {"State": "CANCELLED"}}
    monkeypatch.setattr("emr_pipeline.operators.record_cost._executions", lambda *_: [cancelled])
    assert "Athena scanned 0.000 GB" in record(finished(create=False))


def test_the_queries_of_mapped_tasks_are_counted(aws: Any, finished: Any) -> None:
    query = AthenaStatementOperator(task_id="queries", query="SELECT 1 AS one", **ATHENA)
    context = finished(query, create=False)
    query_id = context["ti"].xcom_pull("queries", "query_id")
    context["dag"].tasks = [SimpleNamespace(task_id="queries", operator_class=AthenaStatementOperator)]
    context["ti"].xcom_pull = lambda task_ids, key: [query_id, None]
    record(context)
    (run,) = read_run_costs(aws.client("s3"), "operators", context["dag"].dag_id, datetime.now(UTC))
    assert run.queries == 1
