"""The operations of EMR on the instance groups, instance fleets and instances of a cluster."""

from __future__ import annotations

from localaws.emr import serializers
from localaws.emr.errors import invalid_request, validation_error
from localaws.emr.instance_requests import (
    check_auto_scaling,
    check_new_fleet,
    check_new_groups,
    check_scaling,
    modify_fleet,
    modify_group,
)
from localaws.emr.instances import InstanceFleet, InstanceGroup
from localaws.emr.model import Cluster
from localaws.emr.operations import Operations, paged
from localaws.protocol import JSON


class InstanceOperations(Operations):
    # Instance groups

    def add_instance_groups(self, request: JSON) -> JSON:
        with self._registry.transaction() as now:
            cluster = self._job_flow(request["JobFlowId"])
            cluster.check_modifiable()
            groups = _groups(cluster)
            check_new_groups(groups, request["InstanceGroups"])
            added = [InstanceGroup.of(config, now) for config in request["InstanceGroups"]]
            groups += added
            return {
                "JobFlowId": cluster.id,
                "ClusterArn": serializers.ARN + cluster.id,
                "InstanceGroupIds": [group.id for group in added],
            }

    def list_instance_groups(self, request: JSON) -> JSON:
        with self._registry.transaction():
            cluster = self._cluster(request["ClusterId"])
            page, marker = paged(_groups(cluster), request.get("Marker"))
            return {
                "InstanceGroups": [serializers.instance_group(cluster, group) for group in page],
                "Marker": marker,
            }

    def modify_instance_groups(self, request: JSON) -> None:
        """Without a ClusterId, the cluster of each instance group is found by the id of the group."""
        only = request.get("ClusterId")
        with self._registry.transaction() as now:
            clusters = [self._cluster(only)] if only else self._registry.newest_first()
            by_id = {group.id: (cluster, group) for cluster in clusters for group in cluster.groups or []}
            for change in request.get("InstanceGroups", []):
                if change["InstanceGroupId"] not in by_id:
                    raise validation_error(f"Instance group id '{change['InstanceGroupId']}' is not valid.")
                by_id[change["InstanceGroupId"]][0].check_modifiable()
            for change in request.get("InstanceGroups", []):
                modify_group(by_id[change["InstanceGroupId"]][1], change, now)

    def put_auto_scaling_policy(self, request: JSON) -> JSON:
        policy = request["AutoScalingPolicy"]
        with self._registry.transaction():
            cluster = self._cluster(request["ClusterId"])
            group = _group(cluster, request["InstanceGroupId"])
            check_auto_scaling(cluster, group, policy)
            group.scaling = policy
            return {
                "ClusterId": cluster.id,
                "ClusterArn": serializers.ARN + cluster.id,
                "InstanceGroupId": group.id,
                "AutoScalingPolicy": serializers.auto_scaling_policy(policy),
            }

    def remove_auto_scaling_policy(self, request: JSON) -> None:
        with self._registry.transaction():
            _group(self._cluster(request["ClusterId"]), request["InstanceGroupId"]).scaling = None

    # Instance fleets

    def add_instance_fleet(self, request: JSON) -> JSON:
        with self._registry.transaction() as now:
            cluster = self._cluster(request["ClusterId"])
            cluster.check_modifiable()
            fleets = _fleets(cluster)
            check_new_fleet(fleets, request["InstanceFleet"])
            fleets.append(InstanceFleet.of(request["InstanceFleet"], now))
            return {
                "ClusterId": cluster.id,
                "ClusterArn": serializers.ARN + cluster.id,
                "InstanceFleetId": fleets[-1].id,
            }

    def list_instance_fleets(self, request: JSON) -> JSON:
        with self._registry.transaction():
            cluster = self._cluster(request["ClusterId"])
            page, marker = paged(_fleets(cluster), request.get("Marker"))
            return {
                "InstanceFleets": [serializers.instance_fleet(cluster, fleet) for fleet in page],
                "Marker": marker,
            }

    def modify_instance_fleet(self, request: JSON) -> None:
        change = request["InstanceFleet"]
        with self._registry.transaction() as now:
            cluster = self._cluster(request["ClusterId"])
            cluster.check_modifiable()
            for fleet in _fleets(cluster):
                if fleet.id == change["InstanceFleetId"]:
                    modify_fleet(fleet, change, now)
                    return
            raise invalid_request(f"Instance fleet id '{change['InstanceFleetId']}' is not valid.")

    # Instances

    def list_instances(self, request: JSON) -> JSON:
        with self._registry.transaction():
            cluster = self._cluster(request["ClusterId"])
            found = serializers.instances(cluster)
            filters = {
                "InstanceGroupId": request.get("InstanceGroupId"),
                "InstanceFleetId": request.get("InstanceFleetId"),
            }
            roles = request.get("InstanceGroupTypes", [])
            roles = [*roles, request["InstanceFleetType"]] if "InstanceFleetType" in request else roles
            states = request.get("InstanceStates")
            matching = [
                each
                for each in found
                if all(value in (None, each.members.get(name)) for name, value in filters.items())
                and (not roles or each.role in roles)
                and (not states or each.members["Status"]["State"] in states)
            ]
            page, marker = paged(matching, request.get("Marker"))
            return {"Instances": [each.members for each in page], "Marker": marker}

    # Managed scaling

    def put_managed_scaling_policy(self, request: JSON) -> None:
        cluster = self._cluster(request["ClusterId"])
        check_scaling(request["ManagedScalingPolicy"], has_fleets=cluster.fleets is not None)
        with self._registry.transaction():
            cluster.scaling = request["ManagedScalingPolicy"]

    def get_managed_scaling_policy(self, request: JSON) -> JSON:
        policy = self._cluster(request["ClusterId"]).scaling
        return {"ManagedScalingPolicy": policy} if policy else {}

    def remove_managed_scaling_policy(self, request: JSON) -> None:
        with self._registry.transaction():
            self._cluster(request["ClusterId"]).scaling = None


def _groups(cluster: Cluster) -> list[InstanceGroup]:
    if cluster.groups is None:
        raise invalid_request(
            "Instance fleets and instance groups are mutually exclusive: this cluster has instance fleets."
        )
    return cluster.groups


def _fleets(cluster: Cluster) -> list[InstanceFleet]:
    if cluster.fleets is None:
        raise invalid_request(
            "Instance fleets and instance groups are mutually exclusive: this cluster has instance groups."
        )
    return cluster.fleets


def _group(cluster: Cluster, group_id: str) -> InstanceGroup:
    for group in _groups(cluster):
        if group.id == group_id:
            return group
    raise invalid_request(f"Instance group id '{group_id}' is not valid.")
