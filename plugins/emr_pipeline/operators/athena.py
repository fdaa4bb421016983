"""Operators that run a statement on Athena exactly once, and verify row counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk import Context

from emr_pipeline.extra_links import QUERY_ID
from emr_pipeline.operators.base import WaitingOperator
from emr_pipeline.triggers.athena import QueryTrigger
from emr_pipeline.triggers.base import Event, Resource

FAILED_STATES = ("FAILED", "CANCELLED")


class AthenaStatementOperator(WaitingOperator):
    """Runs a statement and returns its query execution id; fails if the statement scans more than ``max_scanned_gb``.

    Differences to AthenaOperator: that operator sends no client request token, so a retry after a crash of the worker
    runs the query again. It polls every 30 s, which is long for DDL that takes one second. If it is deferred, it waits
    without a time limit, and the query continues after the task is killed.
    """

    aws_hook_class = AthenaHook
    template_fields = aws_template_fields(
        "query", "database", "output_location", "workgroup", "max_scanned_gb"
    )
    template_ext = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"query": "sql"}

    def __init__(
        self,
        *,
        query: str,
        output_location: str,
        workgroup: str,
        max_scanned_gb: Any,
        database: str = "",
        timeout: timedelta = timedelta(minutes=30),
        **kwargs: Any,
    ) -> None:
        """``max_scanned_gb`` is in GB of 10^9 bytes, the unit in which Athena bills.

        ``database`` may be omitted if the statement contains the database of each table.
        """
        super().__init__(timeout=timeout, **kwargs)
        self.query = query
        self.database = database
        self.output_location = output_location
        self.workgroup = workgroup
        self.max_scanned_gb: float = max_scanned_gb
        self._query_id: str | None = None

    @property
    def max_bytes(self) -> int:
        return round(self.max_scanned_gb * 1e9)

    def reconcile(self, context: Context) -> Any:
        attempt = 0
        query_id = self._start(context, attempt)
        # Athena returns the query that was started with the same token, even a failed one: a retry uses the next token.
        # Each earlier try has started at most one query.
        earlier_tries = context["ti"].try_number - 1 - self._tries_before_clear(context)
        while attempt < earlier_tries and self.hook.check_query_status(query_id) in FAILED_STATES:
            attempt += 1
            query_id = self._start(context, attempt)
        context["ti"].xcom_push(key=QUERY_ID, value=query_id)
        return self.wait_for(context, QueryTrigger, query_id=query_id, max_bytes=self.max_bytes)

    def _start(self, context: Context, attempt: int) -> str:
        response = self.hook.conn.start_query_execution(
            ClientRequestToken=self._token(context, attempt),
            **self._request(),
        )
        query_id: str = response["QueryExecutionId"]
        return query_id

    def _request(self) -> dict[str, Any]:
        database = {"Database": self.database} if self.database else {}
        return {
            "QueryString": self.query,
            "QueryExecutionContext": {"Catalog": "AwsDataCatalog", **database},
            "ResultConfiguration": {"OutputLocation": self.output_location},
            "WorkGroup": self.workgroup,
        }

    def _token(self, context: Context, attempt: int) -> str:
        """Return 64 characters that are equal for a task and its retries, but different after the task is cleared."""
        ti = context["ti"]
        # A deleted run may be created again with the same run id.
        run = (ti.dag_id, ti.run_id, context["dag_run"].run_after)
        tries = (self._tries_before_clear(context), attempt)
        work = (*run, ti.task_id, ti.map_index, *tries, self._request())
        return hashlib.sha256(repr(work).encode()).hexdigest()

    def _tries_before_clear(self, context: Context) -> int:
        """Return the tries before the task was last cleared; Airflow adds the retries to them as ``max_tries``."""
        max_tries: int = context["ti"].max_tries
        return max_tries - (self.retries or 0)

    def cancel(self, resource: Resource) -> None:
        self.hook.stop_query(resource["query_id"])

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the tables in the statement, as the provider's operator finds them. It needs GetTableMetadata."""
        from airflow.providers.amazon.aws.operators.athena import AthenaOperator

        statement = AthenaOperator(
            task_id=self.task_id,
            query=self.query,
            database=self.database,
            output_location=self.output_location,
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
        )
        statement.query_execution_id = self._query_id
        return statement.get_openlineage_facets_on_complete(task_instance)

    def finish(self, context: Context, event: Event) -> Any:
        query_id = self._query_id = event["query_id"]
        if event.get("timed_out"):
            self.cancel(event)
            raise AirflowException(f"query {query_id} has not ended within {self.timeout} and was stopped")
        if event["scanned"] > self.max_bytes:
            # A query that has ended before it could be stopped fails too, so that the result does not depend on timing.
            raise AirflowFailException(
                f"query {query_id} {event['state']}: it has scanned {event['scanned'] / 1e9:,.3f} GB, more than "
                f"max_scanned_gb, {self.max_scanned_gb}; scan less, or raise the limit"
            )
        if event["state"] in FAILED_STATES:
            message = f"query {query_id} {event['state']}: {event['reason']}"
            raise AirflowException(message) if event["retryable"] else AirflowFailException(message)
        use = f"{event['scanned']:,} bytes scanned in {event['seconds']:.1f} s"
        self.log.info("Query %s %s: %s; result: %s", query_id, event["state"], use, event["result"])
        return str(query_id)


def read_answer(hook: AthenaHook, query_id: str) -> list[dict[str, str]]:
    """Return the result of a SELECT, one dict for each row; all values are strings, NULL is ''."""
    pages = hook.conn.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
    rows = [
        [cell.get("VarCharValue", "") for cell in row["Data"]]
        for page in pages
        for row in page["ResultSet"]["Rows"]
    ]
    header, *body = rows
    return [dict(zip(header, row, strict=True)) for row in body]


class VerifyRowCountsOperator(AthenaStatementOperator):
    """Compares Athena's row counts with those that the jobs report, and fails if they differ.

    MSCK REPAIR TABLE succeeds even if it finds no partition; this operator detects that. The query must return the
    columns ``dataset`` and ``row_count``, one row for each table. ``metrics`` maps each job of the run to the URI of
    its metrics file, whose ``rows`` contain the number of rows by table.

    An outlet named ``<database>.<table>`` gets an event with ``run_date`` and ``rows`` if the run has written the
    table.
    """

    template_fields = (*AthenaStatementOperator.template_fields, "metrics", "run_date")

    def __init__(self, *, metrics: Any, run_date: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metrics: Mapping[str, str] = metrics
        self.run_date = run_date

    def finish(self, context: Context, event: Event) -> dict[str, int]:
        query_id = super().finish(context, event)
        counted = {row["dataset"]: int(row["row_count"]) for row in read_answer(self.hook, query_id)}
        written: dict[str, int] = {}
        for uri in self.metrics.values():
            bucket, key = S3Hook.parse_s3_url(uri)
            written |= json.loads(self.s3.read_key(key, bucket))["rows"]
        differing = {
            dataset: f"Athena counts {counted.get(dataset, 0):,}, the job wrote {written.get(dataset, 0):,}"
            for dataset in sorted(counted.keys() | written.keys())
            if counted.get(dataset, 0) != written.get(dataset, 0)
        }
        if differing:
            # No retry: it would get the result of the same query.
            raise AirflowFailException(
                "; ".join(f"{dataset}: {difference}" for dataset, difference in differing.items())
            )
        self.log.info("Rows of each table: %s", counted)
        self._publish(context, {f"{self.database}.{dataset}": rows for dataset, rows in counted.items()})
        return counted

    def _publish(self, context: Context, rows: dict[str, int]) -> None:
        # Airflow emits an event for each outlet of a successful task.
        self.outlets = [outlet for outlet in self.outlets if outlet.name in rows]
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {"run_date": self.run_date, "rows": rows[outlet.name]}
