"""Triggers for job runs and applications of EMR Serverless."""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook
from botocore.exceptions import ClientError

from emr_pipeline.targets.emr_serverless.application import ENDED_STATES, check_state_error, end_call
from emr_pipeline.targets.emr_serverless.job_run import PHASES, UNFINISHED_STATES
from emr_pipeline.triggers.base import Event, PollingTrigger, seconds_between

UNKNOWN = "not known to EMR Serverless"
"""Instead of the state of an application that EMR Serverless no longer has."""


class JobRunTrigger(PollingTrigger):
    """Fires with a job run's final ``state``, ``phase``, ``reason`` and ``seconds``.

    Resource: ``cluster_id``, ``step_id``. ``reason`` is the member stateDetails, which the deferred operator of the
    Amazon provider does not report.
    """

    hook_class = EmrServerlessHook

    async def poll(self, client: Any) -> Event | None:
        response = await client.get_job_run(
            applicationId=self.resource["cluster_id"], jobRunId=self.resource["step_id"]
        )
        job_run = response["jobRun"]
        phase = PHASES[job_run["state"]]
        if not phase.ended:
            return None
        seconds = seconds_between(job_run.get("startedAt"), job_run.get("endedAt"))
        return {
            "state": job_run["state"],
            "phase": phase.value,
            "reason": job_run["stateDetails"],
            "seconds": seconds,
        }

    async def cancel(self, client: Any) -> None:
        try:
            await client.cancel_job_run(
                applicationId=self.resource["cluster_id"], jobRunId=self.resource["step_id"]
            )
        except ClientError as error:
            check_state_error(error)


class ApplicationEndTrigger(PollingTrigger):
    """Fires with the final ``states`` when all applications have ended; resource: ``cluster_ids``.

    It stops an application as soon as its job runs, which were cancelled before, have ended. An application that EMR
    Serverless does not know has ended.
    """

    hook_class = EmrServerlessHook

    async def poll(self, client: Any) -> Event | None:
        states = {application_id: await self._end(client, application_id) for application_id in self._ids}
        return (
            {"states": states}
            if all(state in (*ENDED_STATES, UNKNOWN) for state in states.values())
            else None
        )

    @property
    def _ids(self) -> list[str]:
        return list(self.resource["cluster_ids"])

    async def _end(self, client: Any, application_id: str) -> str:
        """Stop or delete the application if this is possible now; return its state."""
        try:
            response = await client.get_application(applicationId=application_id)
        except client.exceptions.ResourceNotFoundException:
            return UNKNOWN
        state = str(response["application"]["state"])
        if state in ENDED_STATES:
            return state
        listed = await client.list_job_runs(
            applicationId=application_id, states=list(UNFINISHED_STATES), maxResults=1
        )
        if call := end_call(state, bool(listed["jobRuns"])):
            try:
                await getattr(client, call)(applicationId=application_id)
            except ClientError as error:
                check_state_error(error)
        return state

    async def cancel(self, client: Any) -> None:
        """Do nothing: the application must end, also when the task that ends it is killed."""
