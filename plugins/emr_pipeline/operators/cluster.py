"""One cluster for a run: made once, found again, and ended for certain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.hooks.emr import EmrHook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import Context
from botocore.exceptions import ClientError

from emr_pipeline.cluster import LIVE_STATES, Cluster, run_job_flow_request, run_tags
from emr_pipeline.operators.base import IdempotentAwsOperator, WaitingOperator
from emr_pipeline.settings import Settings
from emr_pipeline.triggers.base import Event, Resource
from emr_pipeline.triggers.emr import ClusterEndTrigger

NAME_LENGTH = 256
"""https://docs.aws.amazon.com/emr/latest/APIReference/API_RunJobFlow.html"""


def cluster_name(context: Context) -> str:
    """Return the name of the run's cluster; ListClusters shows names but no tags.

    A name that is too long for EMR is cut, and ends in a hash of the whole.
    """
    name = f"{context['dag'].dag_id} {context['run_id']}"
    if len(name) <= NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: NAME_LENGTH - 1 - len(digest)]} {digest}"


def live_clusters(client: Any, context: Context) -> list[str]:
    """Return the ids of the live clusters that carry this run's tags, oldest first."""
    run = {"dag_id": context["dag"].dag_id, "run_id": context["run_id"]}
    named = [c["Id"] for c in _live(client) if c["Name"] == cluster_name(context)]
    return [cluster_id for cluster_id in reversed(named) if run.items() <= _tags(client, cluster_id).items()]


def _live(client: Any) -> Iterator[dict[str, Any]]:
    """Yield the live clusters as ListClusters summarises them, newest first."""
    for page in client.get_paginator("list_clusters").paginate(ClusterStates=list(LIVE_STATES)):
        yield from page["Clusters"]


def _tags(client: Any, cluster_id: str) -> dict[str, str]:
    described = client.describe_cluster(ClusterId=cluster_id)["Cluster"]
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}


class CreateClusterOperator(IdempotentAwsOperator):
    """Returns the id of this run's cluster, at once; makes the cluster only if the run has none alive.

    Instead of EmrCreateJobFlowOperator: RunJobFlow has no client token, so its retry makes a second cluster; what
    fails after the call, its links among them, leaves a cluster that the teardown of a failed set-up never ends;
    and it merges ``emr_default``, which carries another cluster's settings.
    """

    aws_hook_class = EmrHook
    template_fields = aws_template_fields("cluster", "bootstrap")

    def __init__(
        self, *, cluster: Mapping[str, str], bootstrap: str, settings: Settings, **kwargs: Any
    ) -> None:
        """``cluster`` holds the fields of ``Cluster`` as templates, ``bootstrap`` the URI of the nodes' script."""
        super().__init__(**kwargs)
        self.cluster = cluster
        self.bootstrap = bootstrap
        self.settings = settings

    def reconcile(self, context: Context) -> str:
        tags = run_tags(context["dag"].dag_id, context["run_id"], self.settings)
        request = run_job_flow_request(
            cluster_name(context), Cluster.parse(self.cluster), self.settings, tags, self.bootstrap
        )
        # Nothing may come after the call: a set-up that fails now would leave a cluster without a teardown.
        return self.find_or_create(
            find=lambda: next(iter(live_clusters(self.hook.conn, context)), None),
            create=lambda: str(self.client_without_retries.run_job_flow(**request)["JobFlowId"]),
        )


class TerminateClusterOperator(WaitingOperator):
    """Ends every cluster of this run and succeeds only when all of them have ended.

    Instead of EmrTerminateJobFlowOperator: that one asks for the log's address first and does not terminate if the
    answer fails, takes an accepted request for an ended cluster, and calls TERMINATED_WITH_ERRORS a failure.
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
        """Nothing: whoever ends this task does not want to keep the cluster."""

    def finish(self, context: Context, event: Event) -> None:
        if event.get("timed_out"):
            raise AirflowException(
                f"cluster {', '.join(event['cluster_ids'])} has not ended within {self.timeout}; "
                "end it in the EMR console, it costs money until then"
            )
        self.log.info("Ended: %s", event["states"])


class ReapClustersOperator(IdempotentAwsOperator):
    """Ends the clusters of this package that nobody will end any more, and returns the reason for each by its id.

    Such is a live cluster that carries the ``tags`` of this deployment and whose DAG run is finished or gone, or which
    has lived longer than ``max_hours``. Others are never touched: what another Airflow runs, this one cannot know.
    """

    aws_hook_class = EmrHook
    template_fields = aws_template_fields("max_hours", "report_only")

    def __init__(self, *, tags: Mapping[str, str], max_hours: Any, report_only: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tags = tags
        self.max_hours: float = max_hours
        self.report_only: bool = report_only

    def reconcile(self, context: Context) -> dict[str, str]:
        client = self.hook.conn
        doomed = dict(self._doomed(client, context["ti"]))
        spared = []
        for cluster_id, reason in doomed.items():
            self.log.warning("%s %s: %s", "Would end" if self.report_only else "Ending", cluster_id, reason)
            if self.report_only:
                continue
            try:
                client.terminate_job_flows(JobFlowIds=[cluster_id])
            except ClientError as error:
                spared.append(f"cluster {cluster_id} goes on and costs money: {error}")
        if spared:
            raise AirflowException("; ".join(spared))
        return doomed

    def _doomed(self, client: Any, ti: Any) -> Iterator[tuple[str, str]]:
        """Yield the clusters to end, each with the reason."""
        for cluster in _live(client):
            try:
                tags = _tags(client, cluster["Id"])
            except ClientError as error:
                # Whoever may not see all clusters of the account shall still end his own.
                self.log.warning("Cluster %s cannot be seen and is left alone: %s", cluster["Id"], error)
                continue
            if reason := self._reason(ti, tags, cluster):
                yield cluster["Id"], reason

    def _reason(self, ti: Any, tags: Mapping[str, str], cluster: Mapping[str, Any]) -> str:
        """Return why the cluster must end, nothing if it may live or is not ours."""
        ours = tags.items() >= self.tags.items() and tags.keys() >= {"dag_id", "run_id"}
        if not ours:
            return ""
        run = f"run {tags['run_id']} of {tags['dag_id']}"
        unfinished = {"dag_id": tags["dag_id"], "run_ids": [tags["run_id"]], "states": ["queued", "running"]}
        if ti.get_dr_count(**unfinished) == 0:
            return f"{run} is over or gone"
        age = datetime.now(UTC) - cluster["Status"]["Timeline"]["CreationDateTime"]
        return f"{run} has kept it for {age}" if age > timedelta(hours=self.max_hours) else ""
