"""The record of what a run has used, after its clusters have ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.sdk import Context

from emr_pipeline.cost import RunCost, billed_bytes, price_nodes, price_queries, scanned_bytes
from emr_pipeline.cost_records import record_key, write_run_cost
from emr_pipeline.extra_links import COST, QUERY_ID
from emr_pipeline.operators.athena import AthenaStatementOperator
from emr_pipeline.operators.base import TargetOperator
from emr_pipeline.operators.cluster import clusters_of_run
from emr_pipeline.operators.estimate_cost import ESTIMATE, EstimateCostOperator
from emr_pipeline.prices import load_prices
from emr_pipeline.settings import Settings
from emr_pipeline.tags import run_tags

PAGE = 50
"""The most queries of one call of BatchGetQueryExecution."""


class RecordCostOperator(TargetOperator):
    """Records the cost of the run in ``costs/`` of the bucket, and pushes one line about it as the XCom ``run_cost``.

    The clusters of the run are found by their tags; that also finds those of a part of the run that was cleared. The
    queries are those of all Athena tasks of the DAG, but only those of the last try of each task. The size of the input
    is that of the estimate, if the DAG has a task that estimates the cost.
    """

    def __init__(self, *, settings: Settings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings

    def reconcile(self, context: Context) -> None:
        dag_id, run_id, now = context["dag"].dag_id, context["run_id"], datetime.now(UTC)
        clusters = tuple(
            self.emr.cost(cluster_id, now) for cluster_id in clusters_of_run(self.emr, context, ended=True)
        )
        athena = AthenaHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name).conn
        prices = load_prices(athena.meta.region_name)
        queries = list(_executions(athena, _xcoms(context, AthenaStatementOperator, QUERY_ID)))
        billed = billed_bytes(queries)
        estimate: dict[str, Any] = next(iter(_xcoms(context, EstimateCostOperator, ESTIMATE)), {})
        uses = [use for cluster in clusters for use in cluster.uses]
        run = RunCost(
            tags=run_tags(dag_id, run_id, self.settings),
            recorded=now.isoformat(timespec="seconds"),
            clusters=clusters,
            input_bytes=estimate.get("input_bytes"),
            queries=len(queries),
            scanned_bytes=sum(map(scanned_bytes, queries)),
            billed_bytes=billed,
            region=prices.region,
            prices=prices.date,
            node_dollars=price_nodes(uses, prices) if clusters else 0.0,
            athena_dollars=price_queries(billed, prices),
        )
        key = record_key(dag_id, run_id, context["dag_run"].run_after)
        write_run_cost(self.s3.conn, self.settings.bucket, key, run)
        expected = estimate.get("dollars")
        line = run.summary + (
            f"; the estimate before the run was at most ${expected:.2f}" if expected is not None else ""
        )
        self.log.info("%s; recorded in %s", line, self.settings.s3(key))
        context["ti"].xcom_push(key=COST, value=line)


def _xcoms(context: Context, operator: type, key: str) -> Iterator[Any]:
    """Yield the XComs with this key of all tasks of the DAG that have this operator, mapped or not."""
    for task in context["dag"].tasks:
        if issubclass(getattr(task, "operator_class", type(task)), operator):
            found = context["ti"].xcom_pull(task_ids=task.task_id, key=key)
            yield from (value for value in (found if isinstance(found, list) else [found]) if value)


def _executions(athena: Any, query_ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    ids = list(query_ids)
    for start in range(0, len(ids), PAGE):
        yield from athena.batch_get_query_execution(QueryExecutionIds=ids[start : start + PAGE])[
            "QueryExecutions"
        ]
