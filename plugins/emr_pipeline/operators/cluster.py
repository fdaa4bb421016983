"""The cluster of a run: created once, found again by its tags, and always terminated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from airflow.providers.amazon.aws.hooks.emr import EmrHook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import Context
from botocore.exceptions import ClientError

from emr_pipeline.cluster import LIVE_STATES, run_job_flow_request, run_tags
from emr_pipeline.operators.base import IdempotentAwsOperator, WaitingOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec
from emr_pipeline.triggers.base import Event, Resource
from emr_pipeline.triggers.emr import ClusterEndTrigger

NAME_LENGTH = 256
"""https://docs.aws.amazon.com/emr/latest/APIReference/API_RunJobFlow.html"""


def cluster_name(context: Context) -> str:
    """Return the name of the run's cluster; ListClusters returns names but no tags.

    A name that is too long for EMR is cut and ends with a hash of the whole name.
    """
    name = f"{context['dag'].dag_id} {context['run_id']}"
    if len(name) <= NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: NAME_LENGTH - 1 - len(digest)]} {digest}"


def live_clusters(client: Any, context: Context) -> list[str]:
    """Return the ids of the live clusters with the tags of this run, oldest first."""
    run = {"dag_id": context["dag"].dag_id, "run_id": context["run_id"]}
    named = [c["Id"] for c in _live(client) if c["Name"] == cluster_name(context)]
    return [cluster_id for cluster_id in reversed(named) if run.items() <= _tags(client, cluster_id).items()]


def _live(client: Any) -> Iterator[dict[str, Any]]:
    """Yield the live clusters as ListClusters returns them, newest first."""
    for page in client.get_paginator("list_clusters").paginate(ClusterStates=list(LIVE_STATES)):
        yield from page["Clusters"]


def _tags(client: Any, cluster_id: str) -> dict[str, str]:
    described = client.describe_cluster(ClusterId=cluster_id)["Cluster"]
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}


class CreateClusterOperator(IdempotentAwsOperator):
    """Creates a cluster, unless the run has a live one, and returns its id without waiting for it to start.

    Differences to EmrCreateJobFlowOperator: RunJobFlow has no client token, so a retry of that operator creates a
    second cluster. If it fails after the call, for example while it stores its links, the teardown of the failed setup
    does not run, and the cluster stays. It also merges the connection ``emr_default``, which describes another cluster.
    """

    aws_hook_class = EmrHook
    template_fields = aws_template_fields("cluster")
    template_fields_renderers: ClassVar[dict[str, str]] = {"cluster": "json"}

    def __init__(self, *, cluster: ClusterSpec, settings: Settings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cluster = dict(vars(cluster))  # Airflow renders templates in a dict, not in a frozen dataclass
        self.settings = settings

    def reconcile(self, context: Context) -> str:
        tags = run_tags(context["dag"].dag_id, context["run_id"], self.settings)
        cluster = ClusterSpec(**self.cluster)
        request = run_job_flow_request(cluster_name(context), cluster, self.settings, tags)
        # Do nothing after the call: if this setup task fails, its teardown does not run and the cluster stays.
        return self.find_or_create(
            find=lambda: next(iter(live_clusters(self.hook.conn, context)), None),
            create=lambda: str(self.client_without_retries.run_job_flow(**request)["JobFlowId"]),
        )


class TerminateClusterOperator(WaitingOperator):
    """Terminates all clusters of this run and succeeds only when all of them have ended.

    Differences to EmrTerminateJobFlowOperator: that operator first reads the address of the logs and does not
    terminate the cluster if this fails. It succeeds when the request was accepted, not when the cluster has ended, and
    it treats TERMINATED_WITH_ERRORS as a failure.
    """

    aws_hook_class = EmrHook
    template_fields = aws_template_fields("cluster_id")

    def __init__(self, *, cluster_id: str, timeout: timedelta = timedelta(minutes=30), **kwargs: Any) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.cluster_id = cluster_id

    def reconcile(self, context: Context) -> Any:
        client = self.hook.conn
        known = [self.cluster_id] if self.cluster_id else []
        if known:
            client.terminate_job_flows(JobFlowIds=known)
        forgotten = [found for found in live_clusters(client, context) if found not in known]
        if forgotten:
            self.log.warning("Run %s also left %s alive", context["run_id"], forgotten)
            client.terminate_job_flows(JobFlowIds=forgotten)
        return self.wait_for(context, ClusterEndTrigger, cluster_ids=known + forgotten)

    def cancel(self, resource: Resource) -> None:
        """Do nothing: a killed task must not keep the cluster alive."""

    def finish(self, context: Context, event: Event) -> None:
        if event.get("timed_out"):
            raise AirflowException(
                f"cluster {', '.join(event['cluster_ids'])} has not ended within {self.timeout}; "
                "terminate it in the EMR console, it costs money until then"
            )
        self.log.info("Ended: %s", event["states"])


class ReapClustersOperator(IdempotentAwsOperator):
    """Terminates abandoned clusters and returns the reason for each by its id.

    A cluster is abandoned if its DAG run has ended or no longer exists, or if it is older than ``max_hours``. Only
    clusters with all tags of one entry of ``tags`` are considered, because this Airflow does not know the runs of
    another one.
    """

    aws_hook_class = EmrHook
    template_fields = aws_template_fields("max_hours", "log_only")

    def __init__(
        self, *, tags: Sequence[Mapping[str, str]], max_hours: Any, log_only: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.tags = tags
        self.max_hours: float = max_hours
        self.log_only: bool = log_only

    def reconcile(self, context: Context) -> dict[str, str]:
        client = self.hook.conn
        abandoned = dict(self._abandoned(client, context["ti"]))
        problems = []
        for cluster_id, reason in abandoned.items():
            action = "Would terminate" if self.log_only else "Terminating"
            self.log.warning("%s %s: %s", action, cluster_id, reason)
            if self.log_only:
                continue
            try:
                client.terminate_job_flows(JobFlowIds=[cluster_id])
            except ClientError as error:
                problems.append(f"cluster {cluster_id} still runs and costs money: {error}")
        if problems:
            raise AirflowException("; ".join(problems))
        return abandoned

    def _abandoned(self, client: Any, ti: Any) -> Iterator[tuple[str, str]]:
        """Yield the id of each abandoned cluster with the reason."""
        for cluster in _live(client):
            try:
                tags = _tags(client, cluster["Id"])
            except ClientError as error:
                # The IAM policy may hide the clusters of others.
                self.log.warning("Skipping cluster %s, which cannot be described: %s", cluster["Id"], error)
                continue
            if reason := self._reason(ti, tags, cluster):
                yield cluster["Id"], reason

    def _reason(self, ti: Any, tags: Mapping[str, str], cluster: Mapping[str, Any]) -> str:
        """Return why the cluster is abandoned; an empty text if it is not, or if no entry of ``tags`` fits."""
        known = any(tags.items() >= wanted.items() for wanted in self.tags)
        if not known or not tags.keys() >= {"dag_id", "run_id"}:
            return ""
        run = f"run {tags['run_id']} of {tags['dag_id']}"
        unfinished = {"dag_id": tags["dag_id"], "run_ids": [tags["run_id"]], "states": ["queued", "running"]}
        if ti.get_dr_count(**unfinished) == 0:
            return f"{run} has ended or no longer exists"
        age = datetime.now(UTC) - cluster["Status"]["Timeline"]["CreationDateTime"]
        return f"{run} has used it for {age}" if age > timedelta(hours=self.max_hours) else ""
