"""The estimated cost of a cluster is an upper bound, and unknown without a price."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from emr_pipeline.cost import PRICES, ClusterCost, read_cost
from emr_pipeline.specs import INSTANCE_TYPES

USAGE = ClusterCost("j-1", "emr-7.13.0", 3600.0, 300.0, 3, 0, INSTANCE_TYPES["x86_64"])
START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def emr(times: dict[str, datetime], **capacity: int) -> Any:
    """Return a client that describes one cluster of one fleet."""
    cluster = {"ReleaseLabel": "emr-7.13.0", "Status": {"Timeline": {"CreationDateTime": START, **times}}}
    types = [{"InstanceType": node} for node in INSTANCE_TYPES["x86_64"]]
    fleet = {**capacity, "InstanceTypeSpecifications": types}
    return SimpleNamespace(
        describe_cluster=lambda **_: {"Cluster": cluster},
        list_instance_fleets=lambda **_: {"InstanceFleets": [fleet]},
    )


def test_every_default_instance_type_has_a_price() -> None:
    assert {node for types in INSTANCE_TYPES.values() for node in types} <= set(PRICES)


def test_the_most_expensive_instance_type_is_assumed() -> None:
    assert USAGE.dollars == pytest.approx(3 * 0.24)


def test_less_than_a_minute_costs_as_much_as_a_minute() -> None:
    assert replace(USAGE, seconds=5).dollars == replace(USAGE, seconds=60).dollars


@pytest.mark.parametrize("types", [(), ("m6i.xlarge", "x9.huge")])
def test_without_a_price_for_each_type_the_cost_is_unknown(types: tuple[str, ...]) -> None:
    assert replace(USAGE, node_types=types).dollars is None


def test_nodes_that_are_on_demand_because_spot_capacity_was_missing_count_once() -> None:
    fallen_back = {
        "TargetOnDemandCapacity": 1,
        "TargetSpotCapacity": 2,
        "ProvisionedOnDemandCapacity": 3,
        "ProvisionedSpotCapacity": 0,
    }
    cost = read_cost(emr({}, **fallen_back), "j-1", START)
    assert (cost.nodes, cost.spot_nodes) == (3, 0)


def test_capacity_is_divided_by_the_weight() -> None:
    client = emr({}, ProvisionedOnDemandCapacity=8, ProvisionedSpotCapacity=2)
    (fleet,) = client.list_instance_fleets()["InstanceFleets"]
    fleet["InstanceTypeSpecifications"] = [
        {"InstanceType": "m5.xlarge", "WeightedCapacity": 4},
        {"InstanceType": "m5a.xlarge", "WeightedCapacity": 8},
    ]
    cost = read_cost(client, "j-1", START)
    assert (cost.nodes, cost.spot_nodes) == (3, 1)


def test_a_cluster_without_fleets_has_no_nodes() -> None:
    client = emr({})
    client.list_instance_fleets = lambda **_: {"InstanceFleets": []}
    cost = read_cost(client, "j-1", START)
    assert (cost.nodes, cost.spot_nodes, cost.dollars) == (0, 0, None)


def test_a_live_cluster_costs_until_now_and_an_ended_one_until_its_end() -> None:
    now = START + timedelta(hours=2)
    capacity = {"ProvisionedOnDemandCapacity": 2, "ProvisionedSpotCapacity": 1}
    live = read_cost(emr({"ReadyDateTime": START + timedelta(minutes=5)}, **capacity), "j-1", now)
    assert (live.seconds, live.ready_after, live.nodes, live.spot_nodes) == (7200, 300, 3, 1)
    # The provisioned capacity of an ended fleet is 0; the target capacity remains.
    ended = emr(
        {"EndDateTime": START + timedelta(hours=1)}, ProvisionedOnDemandCapacity=0, TargetOnDemandCapacity=3
    )
    assert read_cost(ended, "j-1", now) == replace(USAGE, ready_after=None)
