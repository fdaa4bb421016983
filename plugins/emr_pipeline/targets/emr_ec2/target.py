"""EMR on EC2 as a target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from emr_pipeline.cost import ClusterCost
from emr_pipeline.live_log import LogStreams
from emr_pipeline.logs import Log
from emr_pipeline.settings import Settings
from emr_pipeline.specs import EMR_EC2, ClusterSpec, StepSpec
from emr_pipeline.targets.emr_ec2.cluster import LIVE_STATES, cluster_name, is_unknown, run_job_flow_request
from emr_pipeline.targets.emr_ec2.cost import read_cost
from emr_pipeline.targets.emr_ec2.logs import log_streams, read_logs, step_folder
from emr_pipeline.targets.emr_ec2.step import add_steps_request, cancellation, phase_of, queued_steps
from emr_pipeline.targets.target import Cluster, Step, StepDescription, Target

if TYPE_CHECKING:
    from emr_pipeline.targets.emr_ec2.triggers import ClusterEndTrigger, StepTrigger
    from emr_pipeline.triggers.base import Resource


class EmrEc2(Target):
    name = EMR_EC2
    service = "emr"
    logs_seconds = 360
    """EMR copies the logs of a step to S3 every five minutes.
    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html"""
    logs_while_running = True
    cluster_id_pattern = "j-[A-Z0-9]+"
    step_id_pattern = "s-[A-Z0-9]+"

    @property
    def step_trigger(self) -> type[StepTrigger]:
        from emr_pipeline.targets.emr_ec2.triggers import StepTrigger

        return StepTrigger

    @property
    def end_trigger(self) -> type[ClusterEndTrigger]:
        from emr_pipeline.targets.emr_ec2.triggers import ClusterEndTrigger

        return ClusterEndTrigger

    def cluster_name(self, dag_id: str, run_id: str) -> str:
        return cluster_name(dag_id, run_id)

    def cluster_request(
        self, name: str, cluster: ClusterSpec, settings: Settings, tags: Mapping[str, str]
    ) -> dict[str, Any]:
        return run_job_flow_request(name, cluster, settings, tags)

    def create(self, request: Mapping[str, Any]) -> str:
        return str(self.client_without_retries.run_job_flow(**request)["JobFlowId"])

    def live_clusters(self) -> Iterator[Cluster]:
        return self._clusters(ClusterStates=list(LIVE_STATES))

    def clusters_since(self, time: datetime) -> Iterator[Cluster]:
        return self._clusters(CreatedAfter=time)

    def _clusters(self, **filters: Any) -> Iterator[Cluster]:
        """Yield clusters newest first; ListClusters returns them in no order."""
        pages = self.client.get_paginator("list_clusters").paginate(**filters)
        found = [_listed(cluster) for page in pages for cluster in page["Clusters"]]
        return iter(sorted(found, key=lambda cluster: cluster.created, reverse=True))

    def tags(self, cluster_id: str) -> dict[str, str]:
        return _tags(self._cluster(cluster_id))

    def why_ended(self, cluster_id: str) -> str:
        status = self._cluster(cluster_id)["Status"]
        if status["State"] in LIVE_STATES:
            return ""
        return f"{status['State']}: {_message(status) or 'no reason given'}"

    def terminate(self, cluster_id: str) -> None:
        try:
            self.client.terminate_job_flows(JobFlowIds=[cluster_id])
        except ClientError as error:
            if not is_unknown(error):
                raise

    def latest_steps(self, cluster_id: str) -> dict[str, Step]:
        pages = self.client.get_paginator("list_steps").paginate(ClusterId=cluster_id)
        newest_first = [_step(step) for page in pages for step in page["Steps"]]
        return {step.name: step for step in reversed(newest_first)}

    def queue(self, cluster_id: str, steps: Sequence[StepSpec]) -> None:
        self._add(cluster_id, steps)

    def submit(self, cluster_id: str, step: StepSpec, previous: str | None = None) -> str:
        return self._add(cluster_id, [step])[0]

    def _add(self, cluster_id: str, steps: Sequence[StepSpec]) -> list[str]:
        request = add_steps_request(cluster_id, steps)
        response = self.client_without_retries.add_job_flow_steps(**request)
        return [str(step_id) for step_id in response["StepIds"]]

    def cancel(self, resource: Resource) -> None:
        listed = self.client.list_steps(**queued_steps(resource["cluster_id"]))
        self.client.cancel_steps(**cancellation(resource, listed))

    def describe(self, cluster_id: str, step_id: str) -> StepDescription:
        cluster = self._cluster(cluster_id)
        step = self.client.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"]
        status = step["Status"]
        details, times = status.get("FailureDetails", {}), status["Timeline"]
        reasons = (details.get("Reason"), details.get("Message"), _message(status))
        # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-clusters.html
        console = f"/emr/home?region={self.client.meta.region_name}#/clusterDetails/{cluster_id}"
        return StepDescription(
            step=_step(step),
            reason=": ".join(reason for reason in reasons if reason),
            queued=times.get("CreationDateTime"),
            started=times.get("StartDateTime"),
            ended=times.get("EndDateTime"),
            arguments=step["Config"]["Args"],
            cluster_state=cluster["Status"]["State"],
            tags=_tags(cluster),
            log_folder=step_folder(cluster.get("LogUri", ""), cluster_id, step_id),
            console_path=console,
            log_streams=log_streams(cluster, step_id),
        )

    def end_reason(self, cluster_id: str) -> str:
        return _message(self._cluster(cluster_id)["Status"])

    def log_folder(self, cluster_id: str, step_id: str) -> str:
        return step_folder(self._cluster(cluster_id).get("LogUri", ""), cluster_id, step_id)

    def step_folder(self, log_uri: str, cluster_id: str, step_id: str) -> str:
        return step_folder(log_uri, cluster_id, step_id)

    def read_logs(self, folder: str) -> list[Log]:
        return read_logs(self.s3, folder)

    def log_streams(self, cluster_id: str, step_id: str) -> LogStreams | None:
        return log_streams(self._cluster(cluster_id), step_id)

    def spark_ui(self, cluster_id: str, step_id: str, application_id: str | None) -> str | None:
        # EMR returns the existing UI of the cluster, and keeps it for 30 days after the end of the cluster.
        arn = self._cluster(cluster_id)["ClusterArn"]
        app_ui = self.client.create_persistent_app_ui(TargetResourceArn=arn)["PersistentAppUIId"]
        described = self.client.describe_persistent_app_ui(PersistentAppUIId=app_ui)["PersistentAppUI"]
        if described["PersistentAppUIStatus"] != "ATTACHED":
            return None
        application = {"ApplicationId": application_id} if application_id else {}
        response = self.client.get_persistent_app_ui_presigned_url(
            PersistentAppUIId=app_ui, PersistentAppUIType="SHS", **application
        )
        return str(response["PresignedURL"]) if response.get("PresignedURLReady") else None

    def cost(self, cluster_id: str, now: datetime) -> ClusterCost:
        return read_cost(self.client, cluster_id, now)

    def _cluster(self, cluster_id: str) -> dict[str, Any]:
        cluster: dict[str, Any] = self.client.describe_cluster(ClusterId=cluster_id)["Cluster"]
        return cluster


def _listed(cluster: Mapping[str, Any]) -> Cluster:
    status, times = cluster["Status"], cluster["Status"]["Timeline"]
    created, ended = times["CreationDateTime"], times.get("EndDateTime")
    return Cluster(cluster["Id"], cluster["Name"], created, status["State"], ended)


def _tags(cluster: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in cluster.get("Tags", [])}


def _message(status: Mapping[str, Any]) -> str:
    return str(status.get("StateChangeReason", {}).get("Message", ""))


def _step(step: Mapping[str, Any]) -> Step:
    state = step["Status"]["State"]
    return Step(step["Id"], step["Name"], state, phase_of(state))
