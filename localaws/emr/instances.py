"""The nodes of a cluster as ListInstances returns them: as many as requested, from the request to the cluster's end.

They are data only: the local EMR has no nodes, no Spot interruptions, and does not scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from localaws.emr.model import Cluster
from localaws.emr.request import JSON
from localaws.emr.serializers import instance_fleets, instance_groups

_MARKETS = (("ON_DEMAND", "TargetOnDemandCapacity"), ("SPOT", "TargetSpotCapacity"))


def instances(c: Cluster, request: JSON) -> list[JSON]:
    """Return the instances that match the filters of the request of ListInstances."""
    state = _state(c)
    if (states := request.get("InstanceStates")) and state not in states:
        return []
    nodes = _of_fleets(c, request) if "InstanceFleets" in c.request["Instances"] else _of_groups(c, request)
    times = {"CreationDateTime": c.created, "ReadyDateTime": c.ready, "EndDateTime": c.ended}
    return [
        {
            "Id": f"ci-{number:013d}",
            "Ec2InstanceId": f"i-{number:017x}",
            "Status": {"State": state, "StateChangeReason": {}, "Timeline": times},
            **node,
        }
        for number, node in enumerate(nodes, start=1)
    ]


def _state(c: Cluster) -> str:
    if not c.is_alive:
        return "TERMINATED"
    return "RUNNING" if c.ready else "PROVISIONING"


def _of_groups(c: Cluster, request: JSON) -> Iterator[JSON]:
    types = request.get("InstanceGroupTypes")
    for group in instance_groups(c):
        if request.get("InstanceGroupId") in (None, group["Id"]) and (
            not types or group["InstanceGroupType"] in types
        ):
            node = {"InstanceGroupId": group["Id"], **{k: group[k] for k in ("Market", "InstanceType")}}
            yield from [node] * group["RequestedInstanceCount"]


def _of_fleets(c: Cluster, request: JSON) -> Iterator[JSON]:
    for fleet in instance_fleets(c):
        if request.get("InstanceFleetId") in (None, fleet["Id"]) and (
            request.get("InstanceFleetType") in (None, fleet["InstanceFleetType"])
        ):
            chosen = fleet["InstanceTypeSpecifications"][0]
            for market, capacity in _MARKETS:
                node = {
                    "InstanceFleetId": fleet["Id"],
                    "Market": market,
                    "InstanceType": chosen["InstanceType"],
                }
                yield from [node] * ceil(fleet[capacity] / chosen.get("WeightedCapacity", 1))
