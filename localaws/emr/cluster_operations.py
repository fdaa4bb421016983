"""The operations of EMR on clusters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from localaws.emr import serializers
from localaws.emr.errors import validation_error
from localaws.emr.model import USER_REQUEST, Cluster
from localaws.emr.operations import Operations, paged
from localaws.emr.request import (
    RoleCheck,
    check_concurrency,
    parse_cluster,
    parse_idle_timeout,
    parse_tags,
)
from localaws.emr.security import SecurityConfigurations
from localaws.protocol import JSON

MAX_TERMINATED_CLUSTERS = 10


class ClusterOperations(Operations):
    _phase: timedelta
    _check_roles: RoleCheck
    _launch: Callable[[Cluster], None]
    security: SecurityConfigurations

    def run_job_flow(self, request: JSON) -> JSON:
        name = request.get("SecurityConfiguration")
        if name and name not in [configuration.name for configuration in self.security]:
            raise validation_error(f"Security configuration with name '{name}' does not exist.")
        cluster = parse_cluster(request, self._registry.clock(), self._phase, self._check_roles)
        self._registry.add(cluster)
        self._launch(cluster)
        return {"JobFlowId": cluster.id, "ClusterArn": serializers.ARN + cluster.id}

    def describe_cluster(self, request: JSON) -> JSON:
        with self._registry.transaction():
            return {"Cluster": serializers.cluster(self._cluster(request["ClusterId"]))}

    def list_clusters(self, request: JSON) -> JSON:
        states = request.get("ClusterStates")
        after, before = request.get("CreatedAfter"), request.get("CreatedBefore")
        with self._registry.transaction():
            found = [
                c
                for c in self._registry.newest_first()
                if (not states or c.state in states)
                and (not after or c.created > after)
                and (not before or c.created < before)
            ]
            page, marker = paged(found, request.get("Marker"))
            return {"Clusters": [serializers.cluster_summary(c) for c in page], "Marker": marker}

    def terminate_job_flows(self, request: JSON) -> None:
        if len(request["JobFlowIds"]) > MAX_TERMINATED_CLUSTERS:
            raise validation_error(f"The maximum number of clusters allowed is {MAX_TERMINATED_CLUSTERS}.")
        clusters = self._job_flows(request)
        with self._registry.transaction() as now:
            for cluster in clusters:
                if not cluster.protected:
                    cluster.terminate(USER_REQUEST, now)
            if any(cluster.protected and cluster.is_alive for cluster in clusters):
                raise validation_error(
                    "Could not shut down one or more job flows since they are termination protected."
                )

    def set_termination_protection(self, request: JSON) -> None:
        clusters = self._job_flows(request)
        with self._registry.transaction():
            for cluster in clusters:
                cluster.protected = request["TerminationProtected"]

    def set_keep_job_flow_alive_when_no_steps(self, request: JSON) -> None:
        clusters = self._job_flows(request)
        with self._registry.transaction() as now:
            for cluster in clusters:
                cluster.set_keep_alive(request["KeepJobFlowAliveWhenNoSteps"], now)

    def put_auto_termination_policy(self, request: JSON) -> None:
        timeout = parse_idle_timeout(request.get("AutoTerminationPolicy", {}))
        with self._registry.transaction() as now:
            self._cluster(request["ClusterId"]).set_idle_timeout(timeout, now)

    def get_auto_termination_policy(self, request: JSON) -> JSON:
        timeout = self._cluster(request["ClusterId"]).idle_timeout
        return {"AutoTerminationPolicy": {"IdleTimeout": int(timeout.total_seconds())}} if timeout else {}

    def remove_auto_termination_policy(self, request: JSON) -> None:
        with self._registry.transaction() as now:
            self._cluster(request["ClusterId"]).set_idle_timeout(None, now)

    def set_unhealthy_node_replacement(self, request: JSON) -> None:
        clusters = self._job_flows(request)
        with self._registry.transaction():
            for cluster in clusters:
                cluster.unhealthy_node_replacement = request["UnhealthyNodeReplacement"]

    def set_visible_to_all_users(self, request: JSON) -> None:
        clusters = self._job_flows(request)
        with self._registry.transaction():
            for cluster in clusters:
                cluster.visible_to_all = request["VisibleToAllUsers"]

    def modify_cluster(self, request: JSON) -> JSON:
        with self._registry.transaction():
            cluster = self._cluster(request["ClusterId"])
            cluster.check_modifiable()
            if (level := request.get("StepConcurrencyLevel")) is not None:
                cluster.step_concurrency = check_concurrency(level)
            return {"StepConcurrencyLevel": cluster.step_concurrency}

    def describe_job_flows(self, request: JSON) -> None:
        raise validation_error(
            "DescribeJobFlows is no longer supported: use ListClusters, DescribeCluster, ListSteps,"
            " ListInstanceGroups and ListBootstrapActions instead."
        )

    def add_tags(self, request: JSON) -> None:
        tags = parse_tags(request["Tags"])
        with self._registry.transaction():
            self._cluster(request["ResourceId"]).tags.update(tags)

    def remove_tags(self, request: JSON) -> None:
        with self._registry.transaction():
            tags = self._cluster(request["ResourceId"]).tags
            for key in request["TagKeys"]:
                tags.pop(key, None)

    def list_bootstrap_actions(self, request: JSON) -> JSON:
        return {"BootstrapActions": serializers.bootstrap_actions(self._cluster(request["ClusterId"]))}
