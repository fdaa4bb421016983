"""The estimated cost of a cluster so far, from list prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any


@dataclass(frozen=True)
class HourlyPrice:
    """US dollars for one node and hour: the EC2 instance, and the charge of EMR."""

    ec2: float
    emr: float

    @property
    def total(self) -> float:
        return self.ec2 + self.emr


PRICES = {
    "m7g.xlarge": HourlyPrice(ec2=0.1632, emr=0.0408),
    "m6g.xlarge": HourlyPrice(ec2=0.154, emr=0.0385),
    "m6gd.xlarge": HourlyPrice(ec2=0.1808, emr=0.0452),
    "m6i.xlarge": HourlyPrice(ec2=0.192, emr=0.048),
    "m5.xlarge": HourlyPrice(ec2=0.192, emr=0.048),
    "m6a.xlarge": HourlyPrice(ec2=0.1728, emr=0.0432),
    "m5a.xlarge": HourlyPrice(ec2=0.172, emr=0.043),
}
"""On-Demand list prices of us-east-1, Linux. Other regions cost up to half as much again."""

PRICES_FROM = "aws.amazon.com/ec2/pricing/on-demand and aws.amazon.com/emr/pricing"
PRICES_OF = "2026-11"

SHORTEST = 60
"""Seconds that are charged at least: https://aws.amazon.com/emr/pricing/"""


@dataclass(frozen=True)
class ClusterCost:
    """The use of one cluster, from its request to its end or to the time of the estimate."""

    cluster_id: str
    release: str
    seconds: float
    ready_after: float | None
    """Seconds from the request until it was ready for steps; None if it never was."""
    nodes: int
    """The largest number of nodes that the capacity allows; exact if all instance types have the same weight."""
    spot_nodes: int
    node_types: tuple[str, ...]
    """Instance types that the fleets may use; ListInstanceFleets does not return the ones in use."""

    @property
    def price(self) -> HourlyPrice | None:
        """The highest price of the instance types; None if the price of one is unknown."""
        known = [PRICES[node] for node in self.node_types if node in PRICES]
        complete = known and len(known) == len(self.node_types)
        return max(known, key=lambda price: price.total) if complete else None

    @property
    def dollars(self) -> float | None:
        """The highest possible cost of the nodes at list price; without disks, S3 and Athena.

        Spot nodes count as On-Demand nodes, because their price varies.
        """
        hours = max(self.seconds, SHORTEST) / 3600
        return self.nodes * hours * self.price.total if self.price else None


def read_cost(client: Any, cluster_id: str, now: datetime) -> ClusterCost:
    """Return the cost of the cluster until ``now``, from DescribeCluster and ListInstanceFleets."""
    cluster = client.describe_cluster(ClusterId=cluster_id)["Cluster"]
    fleets = client.list_instance_fleets(ClusterId=cluster_id)["InstanceFleets"]
    times = cluster["Status"]["Timeline"]
    created = times["CreationDateTime"]
    ready = times.get("ReadyDateTime")
    nodes = [_nodes(fleet) for fleet in fleets]
    on_demand, spot = sum(number for number, _ in nodes), sum(number for _, number in nodes)
    types = [spec["InstanceType"] for fleet in fleets for spec in fleet["InstanceTypeSpecifications"]]
    return ClusterCost(
        cluster_id=cluster_id,
        release=cluster.get("ReleaseLabel", "unknown"),
        seconds=((times.get("EndDateTime") or now) - created).total_seconds(),
        ready_after=(ready - created).total_seconds() if ready else None,
        nodes=on_demand + spot,
        spot_nodes=spot,
        node_types=tuple(dict.fromkeys(types)),
    )


def _nodes(fleet: dict[str, Any]) -> tuple[int, int]:
    """Return the On-Demand and Spot nodes of a fleet.

    The provisioned capacity differs from the target capacity if, for example, there was no Spot capacity. A fleet that
    terminates has only a target capacity.
    """
    weight = min((spec.get("WeightedCapacity", 1) for spec in fleet["InstanceTypeSpecifications"]), default=1)
    provisioned, target = (
        (
            ceil(fleet.get(f"{kind}OnDemandCapacity", 0) / weight),
            ceil(fleet.get(f"{kind}SpotCapacity", 0) / weight),
        )
        for kind in ("Provisioned", "Target")
    )
    return provisioned if any(provisioned) else target
