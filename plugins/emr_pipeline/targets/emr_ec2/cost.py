"""The use of a cluster, from its instances."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from emr_pipeline.cost import ClusterCost, Use

SHORTEST = 60
"""Seconds of a node that are charged at least: https://aws.amazon.com/emr/pricing/"""


def read_cost(client: Any, cluster_id: str, now: datetime) -> ClusterCost:
    """Return the use of a cluster until ``now``, from DescribeCluster, ListInstances and ListSteps."""
    cluster = client.describe_cluster(ClusterId=cluster_id)["Cluster"]
    times = cluster["Status"]["Timeline"]
    created, ready = times["CreationDateTime"], times.get("ReadyDateTime")
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for page in client.get_paginator("list_instances").paginate(ClusterId=cluster_id):
        for node in page["Instances"]:
            life = node["Status"]["Timeline"]
            # A node that EC2 did not provide has no instance.
            if "CreationDateTime" in life and node.get("Ec2InstanceId"):
                ended = life.get("EndDateTime") or times.get("EndDateTime") or now
                used = (ended - life["CreationDateTime"]).total_seconds()
                seconds[node["InstanceType"], node["Market"]].append(max(used, SHORTEST))
    return ClusterCost(
        cluster_id=cluster_id,
        release=cluster.get("ReleaseLabel", "unknown"),
        seconds=((times.get("EndDateTime") or now) - created).total_seconds(),
        ready_after=(ready - created).total_seconds() if ready else None,
        uses=tuple(Use(*kind, len(each), sum(each)) for kind, each in sorted(seconds.items())),
        step_seconds=_step_seconds(client, cluster_id),
    )


def _step_seconds(client: Any, cluster_id: str) -> dict[str, float]:
    pages = client.get_paginator("list_steps").paginate(ClusterId=cluster_id, StepStates=["COMPLETED"])
    times = {step["Name"]: step["Status"]["Timeline"] for page in pages for step in page["Steps"]}
    return {name: (at["EndDateTime"] - at["StartDateTime"]).total_seconds() for name, at in times.items()}
