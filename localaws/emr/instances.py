"""The instance groups and instance fleets of a cluster with their instances.

They are data only: the local EMR has no nodes, no Spot interruptions, and does not scale. A group or a fleet has as
many instances as its request says, from the creation of the cluster on.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-instance-group-configuration.html
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

from localaws.emr.ids import new_id
from localaws.protocol import JSON


@dataclass
class Instance:
    market: str
    instance_type: str
    created: datetime
    ended: datetime | None = None
    """When it was removed from its group or fleet; the instances that are left end with the cluster."""
    id: str = field(default_factory=lambda: new_id("ci"))
    ec2_id: str = field(default_factory=lambda: f"i-{secrets.token_hex(9)[:17]}")


@dataclass
class InstanceGroup:
    """``config`` is the InstanceGroupConfig of the request, with its later changes."""

    config: JSON
    created: datetime
    scaling: Mapping[str, Any] | None = None
    """The automatic scaling policy; it is only stored."""
    shrink_policy: Mapping[str, Any] | None = None
    configurations_version: int = 0
    instances: list[Instance] = field(default_factory=list)
    id: str = field(default_factory=lambda: new_id("ig"))

    @classmethod
    def of(cls, config: JSON, now: datetime) -> InstanceGroup:
        group = cls(dict(config), now, scaling=config.get("AutoScalingPolicy"))
        group.resize(config["InstanceCount"], now)
        return group

    @property
    def role(self) -> str:
        return str(self.config["InstanceRole"])

    @property
    def market(self) -> str:
        return str(self.config.get("Market", "ON_DEMAND"))

    def resize(self, count: int, now: datetime, ended: Collection[str] = ()) -> None:
        """Set the number of instances; those with the EC2 ids ``ended`` end first."""
        for instance in self.instances:
            if instance.ec2_id in ended:
                instance.ended = instance.ended or now
        self.config["InstanceCount"] = count
        _resize(self.instances, self.market, self.config["InstanceType"], count, now)


@dataclass
class InstanceFleet:
    """``config`` is the InstanceFleetConfig of the request, with its later changes.

    All its instances have the first instance type.
    """

    config: JSON
    created: datetime
    instances: list[Instance] = field(default_factory=list)
    id: str = field(default_factory=lambda: new_id("if"))

    @classmethod
    def of(cls, config: JSON, now: datetime) -> InstanceFleet:
        fleet = cls(dict(config), now)
        fleet.resize(now)
        return fleet

    @property
    def role(self) -> str:
        return str(self.config["InstanceFleetType"])

    def resize(self, now: datetime) -> None:
        """Start and end instances so that they have the target capacities."""
        configs = self.config.get("InstanceTypeConfigs", [])
        for market, name in (("ON_DEMAND", "TargetOnDemandCapacity"), ("SPOT", "TargetSpotCapacity")):
            if configs:
                count = ceil(self.config.get(name, 0) / configs[0].get("WeightedCapacity", 1))
                _resize(self.instances, market, configs[0]["InstanceType"], count, now)


def _resize(instances: list[Instance], market: str, instance_type: str, count: int, now: datetime) -> None:
    running = [each for each in instances if each.market == market and not each.ended]
    for surplus in running[count:]:
        surplus.ended = now
    instances += [Instance(market, instance_type, now) for _ in range(count - len(running))]


def collections_of(instances: JSON, now: datetime) -> list[InstanceGroup] | list[InstanceFleet]:
    """Return the instance groups, or the instance fleets, of the Instances of RunJobFlow."""
    if fleets := instances.get("InstanceFleets"):
        return [InstanceFleet.of(fleet, now) for fleet in fleets]
    if groups := instances.get("InstanceGroups"):
        return [InstanceGroup.of(group, now) for group in groups]
    primary = instances["MasterInstanceType"]
    master = {"InstanceRole": "MASTER", "InstanceType": primary, "InstanceCount": 1}
    workers = {
        "InstanceRole": "CORE",
        "InstanceType": instances.get("SlaveInstanceType", primary),
        "InstanceCount": instances["InstanceCount"] - 1,
    }
    return [InstanceGroup.of(each, now) for each in (master, workers) if each["InstanceCount"]]
