"""The cost of a cluster, measured from what EMR reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from emr_pipeline.cost import Use
from emr_pipeline.prices import Prices
from emr_pipeline.targets.emr_ec2.cost import read_cost

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
PRICES = Prices("eu-west-1", "2026-11-27", {"m7g.xlarge": 0.2, "m6g.xlarge": 0.1}, 5.0)


def minutes(number: float) -> datetime:
    return START + timedelta(minutes=number)


def node(kind: str, market: str, started: float = 0, ended: float | None = None) -> dict[str, Any]:
    life = {"CreationDateTime": minutes(started)} | ({} if ended is None else {"EndDateTime": minutes(ended)})
    return {"Ec2InstanceId": "i-1", "InstanceType": kind, "Market": market, "Status": {"Timeline": life}}


def emr(*nodes: dict[str, Any], **times: datetime) -> Any:
    """Return a client that describes a cluster with these nodes and one completed step of two minutes."""
    step = {"StartDateTime": minutes(5), "EndDateTime": minutes(7)}
    pages = {
        "list_instances": {"Instances": list(nodes)},
        "list_steps": {"Steps": [{"Name": "pca", "Status": {"Timeline": step}}]},
    }
    timeline = {"CreationDateTime": START, **times}
    cluster = {"ReleaseLabel": "emr-7.13.0", "Status": {"Timeline": timeline}}
    return SimpleNamespace(
        describe_cluster=lambda **_: {"Cluster": cluster},
        get_paginator=lambda name: SimpleNamespace(paginate=lambda **_: [pages[name]]),
    )


def test_node_seconds_are_summed_by_type_and_market() -> None:
    nodes = [
        node("m7g.xlarge", "ON_DEMAND", 1, 31),
        node("m7g.xlarge", "ON_DEMAND", 1),
        node("m6g.xlarge", "SPOT", 1, 11),
        node("m6g.xlarge", "SPOT", 20, 20.5),
    ]
    cost = read_cost(emr(*nodes, EndDateTime=minutes(31), ReadyDateTime=minutes(5)), "j-1", minutes(99))
    assert cost.uses == (Use("m6g.xlarge", "SPOT", 2, 660), Use("m7g.xlarge", "ON_DEMAND", 2, 3600))
    assert (cost.seconds, cost.ready_after, cost.nodes) == (1860, 300, 4)
    assert (cost.node_hours("ON_DEMAND"), cost.node_hours("SPOT")) == (1, 660 / 3600)
    assert cost.step_seconds == {"pca": 120}
    assert cost.dollars(PRICES) == pytest.approx(0.2 + 660 / 3600 * 0.1)


def test_a_live_cluster_costs_until_now() -> None:
    cost = read_cost(emr(node("m7g.xlarge", "ON_DEMAND")), "j-1", minutes(60))
    assert (cost.seconds, cost.ready_after, cost.dollars(PRICES)) == (3600, None, pytest.approx(0.2))


def test_a_node_that_ec2_did_not_provide_costs_nothing() -> None:
    missing = node("m7g.xlarge", "SPOT") | {"Ec2InstanceId": ""}
    cost = read_cost(emr(missing), "j-1", minutes(60))
    assert (cost.uses, cost.dollars(PRICES)) == ((), None)


def test_without_the_price_of_a_type_the_cost_is_unknown() -> None:
    cost = read_cost(emr(node("m7g.xlarge", "SPOT"), node("x9.huge", "SPOT")), "j-1", minutes(60))
    assert cost.dollars(PRICES) is None
