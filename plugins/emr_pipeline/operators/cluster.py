"""The cluster of a run: created once, found again by its tags, and always terminated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import Context
from botocore.exceptions import ClientError

from emr_pipeline.hook_clients import HookClients
from emr_pipeline.operators.base import IdempotentAwsOperator, TargetOperator, WaitingOperator
from emr_pipeline.reaper import inspect
from emr_pipeline.run_lock import is_unfinished
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec
from emr_pipeline.tags import run_tags
from emr_pipeline.targets.registry import TARGETS
from emr_pipeline.targets.target import Target
from emr_pipeline.triggers.base import Event, Resource

PRIORITY_WEIGHT = 1000
"""Above the weight of other tasks, which by default is 1 plus that of all tasks downstream."""


def clusters_of_run(emr: Target, context: Context, *, ended: bool = False) -> list[str]:
    """Return the ids of the live clusters with the tags of this run, oldest first; with ``ended`` of all clusters."""
    run = {"dag_id": context["dag"].dag_id, "run_id": context["run_id"]}
    name = emr.cluster_name(**run)
    listed = emr.clusters_since(context["dag_run"].run_after) if ended else emr.live_clusters()
    named = [cluster.cluster_id for cluster in listed if cluster.name == name]
    return [cluster_id for cluster_id in reversed(named) if run.items() <= emr.tags(cluster_id).items()]


class CreateClusterOperator(TargetOperator):
    """Creates a cluster, unless the run has a live one, and returns its id without waiting for it to start.

    Differences to EmrCreateJobFlowOperator: RunJobFlow has no client token, so a retry of that operator creates a
    second cluster. If it fails after the call, for example while it stores its links, the teardown of the failed setup
    does not run, and the cluster stays. It also merges the connection ``emr_default``, which describes another cluster.
    """

    template_fields = aws_template_fields("cluster", "target")
    template_fields_renderers: ClassVar[dict[str, str]] = {"cluster": "json"}

    def __init__(self, *, cluster: ClusterSpec, settings: Settings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cluster = dict(vars(cluster))  # Airflow renders templates in a dict, not in a frozen dataclass
        self.settings = settings

    def reconcile(self, context: Context) -> str:
        tags = run_tags(context["dag"].dag_id, context["run_id"], self.settings)
        cluster = ClusterSpec(**self.cluster)
        name = self.emr.cluster_name(context["dag"].dag_id, context["run_id"])
        request = self.emr.cluster_request(name, cluster, self.settings, tags)
        # If this setup task fails after the call, its teardown does not run. An application that is not started costs
        # nothing; EMR on EC2 starts the cluster itself, so nothing follows the call.
        cluster_id = self.find_or_create(
            find=lambda: next(iter(clusters_of_run(self.emr, context)), None),
            create=lambda: self.emr.create(request),
        )
        self.emr.start(cluster_id)
        nodes = f"core nodes: {cluster.core_nodes}, task nodes: {cluster.task_nodes}"
        logs = self.settings.s3("logs", "")
        self.log.info("Cluster %s: %s, %s; logs: %s", cluster_id, cluster.release_label, nodes, logs)
        return cluster_id


class TerminateClusterOperator(TargetOperator, WaitingOperator):
    """Terminates all clusters of this run and succeeds only when all of them have ended.

    Differences to EmrTerminateJobFlowOperator: that operator first reads the address of the logs and does not
    terminate the cluster if this fails. It succeeds when the request was accepted, not when the cluster has ended, and
    it treats TERMINATED_WITH_ERRORS as a failure.

    It has a higher priority than other tasks, because the cluster costs money while it waits for a slot.
    """

    template_fields = aws_template_fields("cluster_id", "target")

    def __init__(self, *, cluster_id: str, timeout: timedelta = timedelta(minutes=30), **kwargs: Any) -> None:
        super().__init__(timeout=timeout, **{"priority_weight": PRIORITY_WEIGHT, **kwargs})
        self.cluster_id = cluster_id

    def reconcile(self, context: Context) -> Any:
        known = [self.cluster_id] if self.cluster_id else []
        for cluster_id in known:
            self.emr.terminate(cluster_id)
        forgotten = [found for found in clusters_of_run(self.emr, context) if found not in known]
        if forgotten:
            self.log.warning("Terminating %s, which has the tags of run %s", forgotten, context["run_id"])
        for cluster_id in forgotten:
            self.emr.terminate(cluster_id)
        return self.wait_for(context, self.emr.end_trigger, cluster_ids=known + forgotten)

    def cancel(self, resource: Resource) -> None:
        """Do nothing: a killed task must not keep the cluster alive."""

    def finish(self, context: Context, event: Event) -> None:
        if event.get("timed_out"):
            raise AirflowException(
                f"cluster {', '.join(event['cluster_ids'])} has not ended within {self.timeout}; "
                "terminate it in the EMR console, it costs money until then"
            )
        ended = ", ".join(f"{cluster_id} is {state}" for cluster_id, state in event["states"].items())
        self.log.info("%s", f"Cluster {ended}" if ended else "The run has no live cluster")


class ReapClustersOperator(IdempotentAwsOperator):
    """Terminates abandoned clusters, see ``reaper.inspect``, and returns the reason for each by its id."""

    aws_hook_class = AwsBaseHook  # not used: a target has the hook of its service
    template_fields = aws_template_fields("max_hours", "log_only")

    def __init__(
        self, *, tags: Sequence[Mapping[str, str]], max_hours: Any, log_only: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.tags = tags
        self.max_hours: float = max_hours
        self.log_only: bool = log_only

    def reconcile(self, context: Context) -> dict[str, str]:
        is_active = partial(is_unfinished, context)
        abandoned, problems = {}, []
        for emr in (target(HookClients(**self._hook_parameters)) for target in TARGETS.values()):
            inspected = list(inspect(emr, self.tags, self.max_hours, is_active))
            self.log.info(
                "%s: %d live or expired, %d abandoned, %d ignored",
                emr.name,
                len(inspected),
                sum(bool(found.abandoned) for found in inspected),
                sum(bool(found.ignored) for found in inspected),
            )
            for found in inspected:
                cluster_id = found.cluster.cluster_id
                if found.ignored:
                    self.log.info("Ignoring %s: it %s", cluster_id, found.ignored)
                elif not found.abandoned:
                    self.log.info("Keeping %s: its run %s is active", cluster_id, found.tags["run_id"])
                if not found.abandoned:
                    continue
                abandoned[cluster_id] = found.abandoned
                action = "Would terminate" if self.log_only else "Terminating"
                self.log.warning("%s %s: %s", action, cluster_id, found.abandoned)
                if self.log_only:
                    continue
                try:
                    emr.terminate(cluster_id)
                except ClientError as error:
                    problems.append(f"cluster {cluster_id} still runs and costs money: {error}")
        if problems:
            raise AirflowException("; ".join(problems))
        return abandoned
