"""Triggers for steps and clusters of EMR on EC2."""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.hooks.emr import EmrHook
from botocore.exceptions import ClientError

from emr_pipeline.targets.emr_ec2.cluster import ENDED_STATES, UNKNOWN, is_unknown
from emr_pipeline.targets.emr_ec2.step import cancellation, phase_of, queued_steps
from emr_pipeline.triggers.base import Event, PollingTrigger, seconds_between


class StepTrigger(PollingTrigger):
    """Fires with a step's final ``state``, ``phase``, ``reason`` and ``seconds``.

    Resource: ``cluster_id``, ``step_id``.
    """

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
        times = status.get("Timeline", {})
        seconds = seconds_between(times.get("StartDateTime"), times.get("EndDateTime"))
        return {"state": status["State"], "phase": phase.value, "reason": reason, "seconds": seconds}

    async def cancel(self, client: Any) -> None:
        listed = await client.list_steps(**queued_steps(self.resource["cluster_id"]))
        await client.cancel_steps(**cancellation(self.resource, listed))


class ClusterEndTrigger(PollingTrigger):
    """Fires with the final ``states`` when all clusters have ended; resource: ``cluster_ids``.

    A cluster that EMR does not know has ended.
    """

    hook_class = EmrHook

    async def poll(self, client: Any) -> Event | None:
        states = {}
        for cluster_id in self.resource["cluster_ids"]:
            try:
                response = await client.describe_cluster(ClusterId=cluster_id)
            except ClientError as error:
                if not is_unknown(error):
                    raise
                states[cluster_id] = UNKNOWN
            else:
                states[cluster_id] = response["Cluster"]["Status"]["State"]
        ended = all(state in (*ENDED_STATES, UNKNOWN) for state in states.values())
        return {"states": states} if ended else None

    async def cancel(self, client: Any) -> None:
        """Do nothing: the cluster must end, also when the task that terminates it is killed."""
