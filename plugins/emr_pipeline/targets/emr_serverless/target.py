"""EMR Serverless as a target."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from emr_pipeline.cost import ClusterCost
from emr_pipeline.live_log import LogStreams
from emr_pipeline.logs import DRIVER_LOGS, Log, read_logs
from emr_pipeline.settings import Settings
from emr_pipeline.specs import EMR_SERVERLESS, ClusterSpec, StepSpec
from emr_pipeline.targets.emr_serverless.application import (
    ENDED_STATES,
    LIVE_STATES,
    NAME_PATTERN,
    application_name,
    check_state_error,
    create_application_request,
    end_call,
    is_expired,
)
from emr_pipeline.targets.emr_serverless.cost import read_cost
from emr_pipeline.targets.emr_serverless.job_run import (
    OPEN_STATES,
    PHASES,
    UNFINISHED_STATES,
    client_token,
    command_line,
    job_run_folder,
    log_streams,
    start_job_run_request,
)
from emr_pipeline.targets.target import Cluster, Step, StepDescription, Target

if TYPE_CHECKING:
    from emr_pipeline.targets.emr_serverless.triggers import ApplicationEndTrigger, JobRunTrigger
    from emr_pipeline.triggers.base import Resource

CREATION_SECONDS = 60
"""An application is created within seconds. Without its start, the first job run starts it."""


class EmrServerless(Target):
    """An application for each run, with a job run for each step.

    Differences to the EMR Serverless operators of the Amazon provider: their client token is random, so a retry starts
    a second job run (https://github.com/apache/airflow/issues/42401); they do not find the job run of an earlier try;
    and a deferred failure lacks the reason and the logs.
    """

    name = EMR_SERVERLESS
    service = "emr-serverless"
    logs_seconds = 120
    logs_while_running = False
    cluster_id_pattern = "[0-9a-z]+"
    step_id_pattern = "[0-9a-z]+"

    @property
    def step_trigger(self) -> type[JobRunTrigger]:
        from emr_pipeline.targets.emr_serverless.triggers import JobRunTrigger

        return JobRunTrigger

    @property
    def end_trigger(self) -> type[ApplicationEndTrigger]:
        from emr_pipeline.targets.emr_serverless.triggers import ApplicationEndTrigger

        return ApplicationEndTrigger

    def cluster_name(self, dag_id: str, run_id: str) -> str:
        return application_name(dag_id, run_id)

    def cluster_request(
        self, name: str, cluster: ClusterSpec, settings: Settings, tags: Mapping[str, str]
    ) -> dict[str, Any]:
        return create_application_request(name, cluster, settings, tags)

    def create(self, request: Mapping[str, Any]) -> str:
        # The client may retry: botocore sends the same client token.
        return str(self.client.create_application(**request)["applicationId"])

    def start(self, cluster_id: str) -> None:
        deadline = time.monotonic() + CREATION_SECONDS
        while (state := self._application(cluster_id)["state"]) == "CREATING" and time.monotonic() < deadline:
            time.sleep(1)
        if state == "CREATED":
            try:
                self.client.start_application(applicationId=cluster_id)
            except ClientError as error:
                check_state_error(error)

    def live_clusters(self) -> Iterator[Cluster]:
        return map(_cluster, self._applications(states=list(LIVE_STATES)))

    def expired_clusters(self) -> Iterator[Cluster]:
        now = datetime.now(UTC)
        # The tags of an application cost a call each, so those with a name of another kind are left out.
        return (
            _cluster(found)
            for found in self._applications(states=["STOPPED"])
            if is_expired(found, now) and NAME_PATTERN.fullmatch(found.get("name", ""))
        )

    def clusters_since(self, time: datetime) -> Iterator[Cluster]:
        return (cluster for cluster in map(_cluster, self._applications()) if cluster.created > time)

    def _applications(self, **filters: Any) -> list[dict[str, Any]]:
        """Return applications as they are listed, newest first."""
        pages = self.client.get_paginator("list_applications").paginate(**filters)
        found = [each for page in pages for each in page["applications"]]
        return sorted(found, key=lambda each: each["createdAt"], reverse=True)

    def tags(self, cluster_id: str) -> dict[str, str]:
        return dict(self._application(cluster_id).get("tags", {}))

    def why_ended(self, cluster_id: str) -> str:
        application = self._application(cluster_id)
        if application["state"] in LIVE_STATES:
            return ""
        idle = application["autoStopConfiguration"]["idleTimeoutMinutes"]
        reason = application.get("stateDetails") or f"after {idle} idle minutes, or at the end of its run"
        return f"{application['state']}: {reason}"

    def terminate(self, cluster_id: str) -> None:
        with suppress(self.client.exceptions.ResourceNotFoundException):
            self._terminate(cluster_id)

    def _terminate(self, cluster_id: str) -> None:
        for step in self._job_runs(cluster_id, OPEN_STATES):
            self.cancel({"cluster_id": cluster_id, "step_id": step["id"]})
        has_open = next(self._job_runs(cluster_id, UNFINISHED_STATES), None) is not None
        application = self._application(cluster_id)
        expired = is_expired(application, datetime.now(UTC))
        if call := "delete_application" if expired else end_call(application["state"], has_open):
            try:
                getattr(self.client, call)(applicationId=cluster_id)
            except ClientError as error:
                check_state_error(error)

    def latest_steps(self, cluster_id: str) -> dict[str, Step]:
        oldest_first = sorted(self._job_runs(cluster_id), key=lambda run: run["createdAt"])
        return {
            run.get("name", ""): Step(run["id"], run.get("name", ""), run["state"], PHASES[run["state"]])
            for run in oldest_first
        }

    def queue(self, cluster_id: str, steps: Sequence[StepSpec]) -> None:
        """Check the requests. EMR Serverless would start queued job runs although an earlier one has failed.

        Each step is therefore submitted by the task that waits for it. An idle application costs nothing.
        """
        for step in steps:
            start_job_run_request(step)

    def submit(self, cluster_id: str, step: StepSpec, previous: str | None = None) -> str:
        response = self.client.start_job_run(
            applicationId=cluster_id,
            clientToken=client_token(cluster_id, step.name, previous),
            tags=self.tags(cluster_id),
            **start_job_run_request(step),
        )
        return str(response["jobRunId"])

    def cancel(self, resource: Resource) -> None:
        try:
            self.client.cancel_job_run(applicationId=resource["cluster_id"], jobRunId=resource["step_id"])
        except ClientError as error:
            check_state_error(error)

    def describe(self, cluster_id: str, step_id: str) -> StepDescription:
        application, run = self._application(cluster_id), self._job_run(cluster_id, step_id)
        return StepDescription(
            step=Step(step_id, run.get("name", ""), run["state"], PHASES[run["state"]]),
            reason=run.get("stateDetails", ""),
            queued=run["createdAt"],
            started=run.get("startedAt"),
            ended=run.get("endedAt"),
            arguments=command_line(run),
            cluster_state=application["state"],
            tags=application.get("tags", {}),
            log_folder=job_run_folder(_log_uri(application), cluster_id, step_id),
            log_streams=log_streams(application, step_id),
            console_path="",  # EMR Studio, which shows job runs, has another address in each account
        )

    def end_reason(self, cluster_id: str) -> str:
        return str(self._application(cluster_id).get("stateDetails", ""))

    def log_folder(self, cluster_id: str, step_id: str) -> str:
        return job_run_folder(_log_uri(self._application(cluster_id)), cluster_id, step_id)

    def step_folder(self, log_uri: str, cluster_id: str, step_id: str) -> str:
        return job_run_folder(log_uri, cluster_id, step_id)

    def read_logs(self, folder: str) -> list[Log]:
        return list(read_logs(self.s3, f"{folder}SPARK_DRIVER/", DRIVER_LOGS))

    def log_streams(self, cluster_id: str, step_id: str) -> LogStreams | None:
        return log_streams(self._application(cluster_id), step_id)

    def spark_ui(self, cluster_id: str, step_id: str, application_id: str | None) -> str | None:
        response = self.client.get_dashboard_for_job_run(applicationId=cluster_id, jobRunId=step_id)
        return str(response["url"])

    def cost(self, cluster_id: str, now: datetime) -> ClusterCost:
        runs = [self._job_run(cluster_id, run["id"]) for run in self._job_runs(cluster_id)]
        return read_cost(self._application(cluster_id), runs, now)

    def _application(self, cluster_id: str) -> dict[str, Any]:
        application: dict[str, Any] = self.client.get_application(applicationId=cluster_id)["application"]
        return application

    def _job_run(self, cluster_id: str, step_id: str) -> dict[str, Any]:
        response = self.client.get_job_run(applicationId=cluster_id, jobRunId=step_id)
        job_run: dict[str, Any] = response["jobRun"]
        return job_run

    def _job_runs(self, cluster_id: str, states: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        request = {"applicationId": cluster_id} | ({"states": list(states)} if states else {})
        for page in self.client.get_paginator("list_job_runs").paginate(**request):
            yield from page["jobRuns"]


def _cluster(listed: Mapping[str, Any]) -> Cluster:
    state = listed["state"]
    ended = listed["updatedAt"] if state in ENDED_STATES else None
    return Cluster(listed["id"], listed.get("name", ""), listed["createdAt"], state, ended)


def _log_uri(application: Mapping[str, Any]) -> str:
    monitoring = application.get("monitoringConfiguration", {})
    return str(monitoring.get("s3MonitoringConfiguration", {}).get("logUri", ""))
