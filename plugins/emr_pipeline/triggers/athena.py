"""The trigger for Athena."""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.hooks.athena import AthenaHook

from emr_pipeline.triggers.base import Event, PollingTrigger


class QueryTrigger(PollingTrigger):
    """Fires with a query's final ``state``, ``reason``, ``retryable``, ``scanned`` bytes, ``seconds`` and ``result``.

    Resource: ``query_id``, and ``max_bytes``: a running query that has scanned more is stopped. Athena itself has such
    a limit for workgroups only: https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html
    """

    hook_class = AthenaHook

    async def poll(self, client: Any) -> Event | None:
        response = await client.get_query_execution(QueryExecutionId=self.resource["query_id"])
        execution = response["QueryExecution"]
        status = execution["Status"]
        statistics = execution.get("Statistics", {})
        scanned = statistics.get("DataScannedInBytes", 0)
        if status["State"] in ("QUEUED", "RUNNING"):
            if scanned > self.resource["max_bytes"]:
                await self.cancel(client)
            return None
        return {
            "state": status["State"],
            "reason": status.get("StateChangeReason", ""),
            "retryable": bool(status.get("AthenaError", {}).get("Retryable", False)),
            "scanned": scanned,
            "seconds": statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
            "result": execution.get("ResultConfiguration", {}).get("OutputLocation", ""),
        }

    async def cancel(self, client: Any) -> None:
        await client.stop_query_execution(QueryExecutionId=self.resource["query_id"])
