"""Triggers for steps and clusters of EMR on EC2."""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.hooks.emr import EmrHook

from emr_pipeline.targets.emr_ec2.cluster import ENDED_STATES
from emr_pipeline.targets.emr_ec2.step import cancellation, phase_of, queued_steps
from emr_pipeline.triggers.base import Event, PollingTrigger


class StepTrigger(PollingTrigger):
    """Fires with a step's final ``state``, ``phase`` and ``reason``; resource: ``cluster_id``, ``step_id``."""

    hook_class = EmrHook

    async def poll(self, client: Any) -> Event | None:
        response = await client.describe_step(
            ClusterId=self.resource["cluster_id"], StepId=self.resource["step_id"]
        )
        status = response["Step"]["Status"]
        phase = phase_of(status["State"])
        if not phase.ended:
            return None
        reason = status.get("FailureDetails", {}).get("Message", "")
        return {"state": status["State"], "phase": phase.value, "reason": reason}

    async def cancel(self, client: Any) -> None:
        listed = await client.list_steps(**queued_steps(self.resource["cluster_id"]))
        await client.cancel_steps(**cancellation(self.resource, listed))


class ClusterEndTrigger(PollingTrigger):
    """Fires with the final ``states`` when all clusters have ended; resource: ``cluster_ids``."""

    hook_class = EmrHook

    async def poll(self, client: Any) -> Event | None:
        states = {}
        for cluster_id in self.resource["cluster_ids"]:
            response = await client.describe_cluster(ClusterId=cluster_id)
            states[cluster_id] = response["Cluster"]["Status"]["State"]
        return {"states": states} if all(state in ENDED_STATES for state in states.values()) else None

    async def cancel(self, client: Any) -> None:
        """Do nothing: the cluster must end, also when the task that terminates it is killed."""
