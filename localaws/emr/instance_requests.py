"""Checks the members of requests that are about instances: of RunJobFlow, and of the operations that change them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from localaws.emr.errors import invalid_request, validation_error
from localaws.emr.instances import InstanceFleet, InstanceGroup
from localaws.emr.model import Cluster
from localaws.protocol import JSON

MAX_TASK_GROUPS = 48
"""https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-instance-group-configuration.html"""
INSTANCE_TYPE = re.compile(
    r"[a-z][a-z0-9-]*\d[a-z0-9-]*\.(nano|micro|small|medium|large|\d*xlarge|metal(-\d+xl)?)"
)


def check_instances(instances: JSON) -> None:
    """Raise AwsError if the Instances of RunJobFlow are not valid."""
    shapes = [name for name in ("InstanceGroups", "InstanceFleets", "InstanceCount") if instances.get(name)]
    if len(shapes) != 1:
        given = " and ".join(shapes) or "none of them"
        raise validation_error(
            f"Give exactly one of InstanceGroups, InstanceFleets, or InstanceCount with instance types, not {given}."
        )
    _check_types([instances.get("MasterInstanceType", ""), instances.get("SlaveInstanceType", "")])
    _check_types(group["InstanceType"] for group in instances.get("InstanceGroups", []))
    for fleet in instances.get("InstanceFleets", []):
        _check_types(config["InstanceType"] for config in fleet.get("InstanceTypeConfigs", []))
    if instances.get("InstanceCount") and not instances.get("MasterInstanceType"):
        raise validation_error("MasterInstanceType is required with InstanceCount.")
    _check_masters(instances)


def _check_types(types: Iterable[str]) -> None:
    for instance_type in filter(None, types):
        if not INSTANCE_TYPE.fullmatch(instance_type):
            raise validation_error(f"Instance type '{instance_type}' is not supported.")


def _check_masters(instances: JSON) -> None:
    roles = [group["InstanceRole"] for group in instances.get("InstanceGroups", [])]
    roles += [fleet["InstanceFleetType"] for fleet in instances.get("InstanceFleets", [])]
    if roles and roles.count("MASTER") != 1:
        raise validation_error(
            f"A cluster needs exactly one MASTER instance group or fleet, not {roles.count('MASTER')}."
        )
    for group in instances.get("InstanceGroups", []):
        if group["InstanceRole"] == "MASTER" and group["InstanceCount"] not in {1, 3}:
            raise validation_error("The MASTER instance group must have 1 or 3 instances.")


def check_scaling(policy: JSON, has_fleets: bool) -> None:
    """Raise AwsError if the managed scaling policy does not fit the cluster's instances.

    https://docs.aws.amazon.com/emr/latest/APIReference/API_ComputeLimits.html
    """
    limits = policy.get("ComputeLimits")
    if not limits:
        raise validation_error("A managed scaling policy must have ComputeLimits.")
    unit = limits["UnitType"]
    if has_fleets != (unit == "InstanceFleetUnits"):
        raise validation_error(
            f"UnitType {unit} does not fit a cluster of instance {'fleets' if has_fleets else 'groups'}."
        )
    maximum = limits["MaximumCapacityUnits"]
    for name in ("MinimumCapacityUnits", "MaximumOnDemandCapacityUnits", "MaximumCoreCapacityUnits"):
        if not 0 <= limits.get(name, 0) <= maximum:
            raise validation_error(f"{name} must be from 0 to MaximumCapacityUnits, which is {maximum}.")


def check_new_groups(groups: Sequence[InstanceGroup], added: Sequence[JSON]) -> None:
    """Raise AwsError if AddInstanceGroups must not add these groups to ``groups``."""
    _check_types(config["InstanceType"] for config in added)
    roles = [*(group.role for group in groups), *(config["InstanceRole"] for config in added)]
    for role in ("MASTER", "CORE"):
        if roles.count(role) > 1:
            raise validation_error(f"A cluster can have only one {role} instance group.")
    if roles.count("TASK") > MAX_TASK_GROUPS:
        raise validation_error(f"A cluster can have at most {MAX_TASK_GROUPS} TASK instance groups.")
    if any(config["InstanceCount"] < 1 for config in added):
        raise validation_error("The InstanceCount of an instance group must be at least 1.")


def modify_group(group: InstanceGroup, change: JSON, now: datetime) -> None:
    """Apply an InstanceGroupModifyConfig. Raises AwsError."""
    ended = change.get("EC2InstanceIdsToTerminate", [])
    known = {instance.ec2_id for instance in group.instances if not instance.ended}
    if unknown := sorted(set(ended) - known):
        raise validation_error(f"The instance group {group.id} has no running instance {', '.join(unknown)}.")
    count = change.get("InstanceCount", group.config["InstanceCount"] - len(set(ended)))
    if group.role == "MASTER" and count != group.config["InstanceCount"]:
        raise validation_error("The MASTER instance group cannot be resized.")
    if count < (1 if group.role == "CORE" else 0):
        raise validation_error(f"The InstanceCount of a {group.role} instance group cannot be {count}.")
    group.shrink_policy = change.get("ShrinkPolicy", group.shrink_policy)
    if "Configurations" in change:
        group.config["Configurations"] = change["Configurations"]
        group.configurations_version += 1
    group.resize(count, now, ended)


def check_new_fleet(fleets: Sequence[InstanceFleet], added: JSON) -> None:
    """Raise AwsError if AddInstanceFleet must not add this fleet to ``fleets``."""
    _check_types(config["InstanceType"] for config in added.get("InstanceTypeConfigs", []))
    role = added["InstanceFleetType"]
    if role in [fleet.role for fleet in fleets]:
        raise invalid_request(f"A cluster can have only one {role} instance fleet.")
    if not added.get("TargetOnDemandCapacity", 0) + added.get("TargetSpotCapacity", 0):
        raise invalid_request(
            "At least one of TargetOnDemandCapacity and TargetSpotCapacity must be greater than 0."
        )


def modify_fleet(fleet: InstanceFleet, change: JSON, now: datetime) -> None:
    """Apply an InstanceFleetModifyConfig. Raises AwsError."""
    if fleet.role == "MASTER":
        raise invalid_request("The MASTER instance fleet cannot be modified.")
    _check_types(config["InstanceType"] for config in change.get("InstanceTypeConfigs", []))
    fleet.config |= {name: value for name, value in change.items() if name != "InstanceFleetId"}
    fleet.resize(now)


def check_auto_scaling(cluster: Cluster, group: InstanceGroup, policy: JSON) -> None:
    """Raise AwsError if the group cannot have the automatic scaling policy.

    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-automatic-scaling.html
    """
    cluster.check_modifiable()
    if not cluster.request.get("AutoScalingRole"):
        raise validation_error("The cluster has no AutoScalingRole, which automatic scaling requires.")
    if group.role == "MASTER":
        raise validation_error("The MASTER instance group cannot have an automatic scaling policy.")
    limits = policy["Constraints"]
    if not 0 <= limits["MinCapacity"] <= limits["MaxCapacity"]:
        raise validation_error(
            f"MinCapacity must be from 0 to MaxCapacity, which is {limits['MaxCapacity']},"
            f" not {limits['MinCapacity']}."
        )
