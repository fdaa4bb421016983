"""EMR's API operations: one method each, from the request's members to the response's members.

Operations without a method are rejected as "not supported by the local AWS". Source of the behaviour:
https://docs.aws.amazon.com/emr/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from localaws.emr import serializers
from localaws.emr.app_uis import AppUis
from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.errors import invalid_request, no_such_cluster, no_such_job_flow, validation_error
from localaws.emr.instances import instances
from localaws.emr.model import USER_REQUEST, CancelOption, Cluster, Step
from localaws.emr.request import (
    JSON,
    RoleCheck,
    check_scaling,
    parse_cluster,
    parse_idle_timeout,
    parse_steps,
    parse_tags,
)
from localaws.emr.security import (
    BLOCK_PUBLIC_ACCESS,
    SecurityConfiguration,
    SecurityConfigurations,
    block_public_access,
)
from localaws.spark.releases import SPARK_BY_RELEASE, applications, label_error

PAGE_SIZE = 50
MAX_STEP_IDS = 10
MAX_TERMINATED_CLUSTERS = 10
T = TypeVar("T", Cluster, Step, SecurityConfiguration)


class EmrApi:
    def __init__(
        self,
        registry: ClusterRegistry,
        phase: timedelta,
        check_roles: RoleCheck,
        launch: Callable[[Cluster], None],
        app_uis: AppUis,
    ) -> None:
        """``phase`` is the duration of STARTING and of BOOTSTRAPPING; ``launch`` starts running a new cluster."""
        self._registry, self._phase, self._check_roles, self._launch = registry, phase, check_roles, launch
        self._app_uis = app_uis
        self.security = SecurityConfigurations()
        self.public_access = block_public_access(BLOCK_PUBLIC_ACCESS, registry.clock())

    # Clusters

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
            page, marker = _page(found, request.get("Marker"))
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

    def put_managed_scaling_policy(self, request: JSON) -> None:
        cluster = self._cluster(request["ClusterId"])
        check_scaling(request["ManagedScalingPolicy"], cluster.request["Instances"])
        with self._registry.transaction():
            cluster.scaling = request["ManagedScalingPolicy"]

    def get_managed_scaling_policy(self, request: JSON) -> JSON:
        policy = self._cluster(request["ClusterId"]).scaling
        return {"ManagedScalingPolicy": policy} if policy else {}

    def remove_managed_scaling_policy(self, request: JSON) -> None:
        with self._registry.transaction():
            self._cluster(request["ClusterId"]).scaling = None

    def add_tags(self, request: JSON) -> None:
        tags = parse_tags(request["Tags"])
        with self._registry.transaction():
            self._cluster(request["ResourceId"]).tags.update(tags)

    def remove_tags(self, request: JSON) -> None:
        with self._registry.transaction():
            tags = self._cluster(request["ResourceId"]).tags
            for key in request["TagKeys"]:
                tags.pop(key, None)

    def list_instance_groups(self, request: JSON) -> JSON:
        cluster = self._cluster(request["ClusterId"])
        if "InstanceFleets" in cluster.request["Instances"]:
            raise invalid_request(
                "Instance fleets and instance groups are mutually exclusive: this cluster has instance fleets."
            )
        return {"InstanceGroups": serializers.instance_groups(cluster)}

    def list_instance_fleets(self, request: JSON) -> JSON:
        cluster = self._cluster(request["ClusterId"])
        if "InstanceFleets" not in cluster.request["Instances"]:
            raise invalid_request(
                "Instance fleets and instance groups are mutually exclusive: this cluster has instance groups."
            )
        return {"InstanceFleets": serializers.instance_fleets(cluster)}

    def list_instances(self, request: JSON) -> JSON:
        with self._registry.transaction():
            return {"Instances": instances(self._cluster(request["ClusterId"]), request)}

    def list_bootstrap_actions(self, request: JSON) -> JSON:
        return {"BootstrapActions": serializers.bootstrap_actions(self._cluster(request["ClusterId"]))}

    # Steps

    def add_job_flow_steps(self, request: JSON) -> JSON:
        with self._registry.transaction() as now:
            cluster = self._job_flow(request["JobFlowId"])
            steps = parse_steps(request["Steps"], now)
            cluster.add_steps(steps, now)
            return {"StepIds": [step.id for step in steps]}

    def describe_step(self, request: JSON) -> JSON:
        with self._registry.transaction():
            return {"Step": serializers.step(_step(self._cluster(request["ClusterId"]), request["StepId"]))}

    def list_steps(self, request: JSON) -> JSON:
        states, ids = request.get("StepStates"), request.get("StepIds")
        if states and ids:
            raise invalid_request("Cannot specify both StepStates and StepIds.")
        if ids and len(ids) > MAX_STEP_IDS:
            raise invalid_request(f"At most {MAX_STEP_IDS} StepIds are allowed, not {len(ids)}.")
        with self._registry.transaction():
            cluster = self._cluster(request["ClusterId"])
            if ids:
                return {"Steps": [serializers.step(_step(cluster, step_id)) for step_id in ids]}
            found = [step for step in reversed(cluster.steps) if not states or step.state in states]
            page, marker = _page(found, request.get("Marker"))
            return {"Steps": [serializers.step(step) for step in page], "Marker": marker}

    def cancel_steps(self, request: JSON) -> JSON:
        option = CancelOption(request.get("StepCancellationOption", CancelOption.SEND_INTERRUPT))
        with self._registry.transaction() as now:
            cluster = self._cluster(request["ClusterId"])
            results = [
                (step.id, cluster.cancel_step(step, option, now))
                for step in [_step(cluster, step_id) for step_id in request["StepIds"]]
            ]
        return {
            "CancelStepsInfoList": [
                {"StepId": step_id, "Status": "FAILED" if reason else "SUBMITTED", "Reason": reason}
                for step_id, reason in results
            ]
        }

    # Application UIs

    def create_persistent_app_ui(self, request: JSON) -> JSON:
        arn = request["TargetResourceArn"]
        self._cluster(arn.removeprefix(serializers.ARN))
        app_ui = self._app_uis.create(arn, request.get("Tags", []), self._registry.clock())
        return {"PersistentAppUIId": app_ui.id, "RuntimeRoleEnabledCluster": False}

    def describe_persistent_app_ui(self, request: JSON) -> JSON:
        return {"PersistentAppUI": self._app_uis.describe(request["PersistentAppUIId"])}

    def get_persistent_app_ui_presigned_url(self, request: JSON) -> JSON:
        kind = request.get("PersistentAppUIType", "SHS")
        return self._app_uis.presigned_url(request["PersistentAppUIId"], kind, request.get("ApplicationId"))

    # Releases

    def list_release_labels(self, request: JSON) -> JSON:
        prefix = request.get("Filters", {}).get("Prefix", "")
        return {"ReleaseLabels": [label for label in SPARK_BY_RELEASE if label.startswith(prefix)]}

    def describe_release_label(self, request: JSON) -> JSON:
        label = request.get("ReleaseLabel", "")
        if error := label_error(label):
            raise invalid_request(error)
        return {"ReleaseLabel": label, "Applications": applications(label)}

    # Security configurations

    def create_security_configuration(self, request: JSON) -> JSON:
        now = self._registry.clock()
        self.security.create(request["Name"], request["SecurityConfiguration"], now)
        return {"Name": request["Name"], "CreationDateTime": now}

    def describe_security_configuration(self, request: JSON) -> JSON:
        found = self.security.get(request["Name"])
        return {
            "Name": found.name,
            "SecurityConfiguration": found.content,
            "CreationDateTime": found.created,
        }

    def list_security_configurations(self, request: JSON) -> JSON:
        page, marker = _page(list(self.security), request.get("Marker"))
        return {
            "SecurityConfigurations": [{"Name": s.name, "CreationDateTime": s.created} for s in page],
            "Marker": marker,
        }

    def delete_security_configuration(self, request: JSON) -> None:
        self.security.delete(request["Name"])

    def get_block_public_access_configuration(self, request: JSON) -> JSON:
        return self.public_access

    def put_block_public_access_configuration(self, request: JSON) -> None:
        self.public_access = block_public_access(
            request["BlockPublicAccessConfiguration"], self._registry.clock()
        )

    def _cluster(self, cluster_id: str) -> Cluster:
        if cluster := self._registry.get(cluster_id):
            return cluster
        raise no_such_cluster(cluster_id)

    def _job_flow(self, cluster_id: str) -> Cluster:
        if cluster := self._registry.get(cluster_id):
            return cluster
        raise no_such_job_flow()

    def _job_flows(self, request: JSON) -> list[Cluster]:
        return [self._job_flow(cluster_id) for cluster_id in request["JobFlowIds"]]


def _step(cluster: Cluster, step_id: str) -> Step:
    for step in cluster.steps:
        if step.id == step_id:
            return step
    raise invalid_request(f"Step id '{step_id}' is not valid.", "NoSuchStep")


def _page(items: Sequence[T], marker: str | None) -> tuple[Sequence[T], str | None]:
    """Return the page after the item with the id ``marker``, and the next marker. Raises AwsError."""
    ids = [item.id for item in items]
    if marker and marker not in ids:
        raise invalid_request(f"Marker '{marker}' is not valid.")
    start = ids.index(marker) + 1 if marker else 0
    page = items[start : start + PAGE_SIZE]
    return page, page[-1].id if start + PAGE_SIZE < len(items) else None
