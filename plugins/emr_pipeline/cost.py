"""What a cluster has used so far, and what that costs: an estimate from list prices, not a bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class HourlyPrice:
    """US dollars for one node and hour: the instance, and what EMR asks on top."""

    ec2: float
    emr: float

    @property
    def total(self) -> float:
        return self.ec2 + self.emr


PRICES = {
    "m6i.xlarge": HourlyPrice(ec2=0.192, emr=0.048),
    "m5.xlarge": HourlyPrice(ec2=0.192, emr=0.048),
    "m6a.xlarge": HourlyPrice(ec2=0.1728, emr=0.0432),
    "m5a.xlarge": HourlyPrice(ec2=0.172, emr=0.043),
}
"""On-demand list prices of us-east-1, Linux. An estimate needs no more; other regions ask up to half as much again."""

PRICES_FROM = "aws.amazon.com/ec2/pricing/on-demand and aws.amazon.com/emr/pricing"
PRICES_OF = "2026-11"

SHORTEST = 60
"""Seconds that are paid in any case: https://aws.amazon.com/emr/pricing/"""


@dataclass(frozen=True)
class ClusterCost:
    """The use of one cluster from the request until its end, or until it was looked at."""

    cluster_id: str
    release: str
    seconds: float
    ready_after: float | None
    """Seconds from the request to the first step; None where it never got ready."""
    nodes: int
    spot_nodes: int
    node_types: tuple[str, ...]
    """What the nodes may be; which of them the fleet has taken, EMR does not say here."""

    @property
    def price(self) -> HourlyPrice | None:
        """The dearest price that a node may have; None where the table lacks one of them."""
        known = [PRICES[node] for node in self.node_types if node in PRICES]
        complete = known and len(known) == len(self.node_types)
        return max(known, key=lambda price: price.total) if complete else None

    @property
    def dollars(self) -> float | None:
        """The most that nodes at list price cost, each for the whole time; without disks, S3 and Athena.

        Spot nodes count as on-demand ones, as their price changes by the minute.
        """
        hours = max(self.seconds, SHORTEST) / 3600
        return self.nodes * hours * self.price.total if self.price else None


def read_cost(client: Any, cluster_id: str, now: datetime) -> ClusterCost:
    """Return what the cluster has used until ``now``, from DescribeCluster and ListInstanceFleets."""
    cluster = client.describe_cluster(ClusterId=cluster_id)["Cluster"]
    fleets = client.list_instance_fleets(ClusterId=cluster_id)["InstanceFleets"]
    times = cluster["Status"]["Timeline"]
    created = times["CreationDateTime"]
    ready = times.get("ReadyDateTime")
    nodes = [_nodes(fleet) for fleet in fleets]
    on_demand, spot = sum(there for there, _ in nodes), sum(there for _, there in nodes)
    types = [kind["InstanceType"] for fleet in fleets for kind in fleet["InstanceTypeSpecifications"]]
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
    """Return the On-Demand and Spot nodes of a fleet, each of weight 1.

    What a fleet has may differ from its target, as when there was no Spot capacity. One that is ending has nothing any
    more, but still a target.
    """
    there, meant = (
        (int(fleet.get(f"{kind}OnDemandCapacity", 0)), int(fleet.get(f"{kind}SpotCapacity", 0)))
        for kind in ("Provisioned", "Target")
    )
    return there if any(there) else meant
