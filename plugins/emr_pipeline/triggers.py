"""What is waited for: a step's end, a cluster's end, a query's end."""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.hooks.emr import EmrHook

from emr_pipeline.cluster import ENDED_STATES
from emr_pipeline.step import UNFINISHED_STATES, cancellation, queued_steps
from emr_pipeline.waiting import Event, WatchTrigger


class StepTrigger(WatchTrigger):
    """Fires with a step's final ``state`` and ``failure`` details; subject: ``cluster_id``, ``step_id``."""

    hook_class = EmrHook

    async def look(self, client: Any) -> Event | None:
        response = await client.describe_step(
            ClusterId=self.subject["cluster_id"], StepId=self.subject["step_id"]
        )
        status = response["Step"]["Status"]
        if status["State"] in UNFINISHED_STATES:
            return None
        return {"state": status["State"], "failure": status.get("FailureDetails", {})}

    async def cancel(self, client: Any) -> None:
        listed = await client.list_steps(**queued_steps(self.subject["cluster_id"]))
        await client.cancel_steps(**cancellation(self.subject, listed))


class ClusterEndTrigger(WatchTrigger):
    """Fires with the final ``states`` when all clusters have ended; subject: ``cluster_ids``."""

    hook_class = EmrHook

    async def look(self, client: Any) -> Event | None:
        states = {}
        for cluster_id in self.subject["cluster_ids"]:
            response = await client.describe_cluster(ClusterId=cluster_id)
            states[cluster_id] = response["Cluster"]["Status"]["State"]
        return {"states": states} if all(state in ENDED_STATES for state in states.values()) else None

    async def cancel(self, client: Any) -> None:
        """Nothing: whoever ends the task that ends the cluster does not want to keep the cluster."""


class QueryTrigger(WatchTrigger):
    """Fires with a query's final ``state``, ``reason``, ``retryable`` and ``scanned`` bytes.

    Subject: ``query_id``, and ``max_bytes``, from which on a running query is stopped. Athena itself has such a limit
    for a workgroup only: https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html
    """

    hook_class = AthenaHook

    async def look(self, client: Any) -> Event | None:
        response = await client.get_query_execution(QueryExecutionId=self.subject["query_id"])
        execution = response["QueryExecution"]
        status = execution["Status"]
        scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
        if status["State"] in ("QUEUED", "RUNNING"):
            if scanned > self.subject["max_bytes"]:
                await self.cancel(client)
            return None
        return {
            "state": status["State"],
            "reason": status.get("StateChangeReason", ""),
            "retryable": bool(status.get("AthenaError", {}).get("Retryable", False)),
            "scanned": scanned,
        }

    async def cancel(self, client: Any) -> None:
        await client.stop_query_execution(QueryExecutionId=self.subject["query_id"])
