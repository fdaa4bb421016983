"""The cost of a run: what Athena charges, and the estimate from earlier runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emr_pipeline.cost import (
    ClusterCost,
    Estimate,
    RunCost,
    Use,
    billed_bytes,
    estimate,
    price_queries,
)
from emr_pipeline.prices import Prices, load_prices
from emr_pipeline.specs import EMR_SERVERLESS, INSTANCE_TYPES, ClusterSpec

PRICES = Prices("eu-west-1", "2026-11-27", {"m7g.xlarge": 0.2, "m6g.xlarge": 0.1, "m6gd.xlarge": 0.3}, 5.0)


def query(scanned: int, kind: str = "DML", state: str = "SUCCEEDED") -> dict[str, Any]:
    statistics = {"DataScannedInBytes": scanned}
    return {"StatementType": kind, "Status": {"State": state}, "Statistics": statistics}


def test_athena_charges_a_minimum_for_each_query_and_nothing_for_ddl_and_failures() -> None:
    queries = [
        query(25_000_000),
        query(1),
        query(30_000_000, state="CANCELLED"),
        query(10**12, state="FAILED"),
        query(0, kind="DDL"),
    ]
    assert billed_bytes(queries) == 65_000_000
    assert price_queries(10**12, PRICES) == 5
    assert price_queries(10**12, replace(PRICES, athena=None)) is None


def earlier(
    work: float = 600, nodes: int = 3, size: int = 1_000_000_000, steps: str = "fit score"
) -> RunCost:
    """Return a run with ten minutes outside its steps."""
    names = steps.split()
    seconds = 600 + work
    cluster = ClusterCost(
        *("j-1", "emr-7.13.0", seconds, 300.0),
        uses=(Use("m7g.xlarge", "ON_DEMAND", nodes, nodes * seconds),),
        step_seconds={name: work / len(names) for name in names},
    )
    return RunCost(
        *({}, "2026-01-31T12:00:00+00:00", (cluster,), size),
        queries=1,
        scanned_bytes=1,
        billed_bytes=10_000_000,
        region="eu-west-1",
        prices="2026-11-27",
        node_dollars=0.1,
        athena_dollars=0.0,
    )


def estimated(*runs: RunCost, size: int = 1_000_000_000, **spec: Any) -> Estimate:
    cluster = ClusterSpec(**{"release_label": "emr-7.13.0", "core_nodes": "2", **spec})
    return estimate(cluster, "arm64", ["fit", "score"], size, runs, PRICES)


def test_the_first_estimate_is_a_guess_from_the_size_of_the_input() -> None:
    first = estimated()
    assert (first.on_demand_nodes, first.spot_nodes) == (3, 0)
    assert first.seconds == 600 + 2 * 60 + 1_000_000_000 / 5_000_000 / 2
    assert first.dollars == pytest.approx(3 * first.seconds / 3600 * 0.3)  # the most expensive type
    assert first.basis.startswith("a first guess from 1,000.0 MB of input")
    assert "at most $0.20 on AWS (estimate from the price list of eu-west-1, 2026-11-27)" in first.summary


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 1200),  # as before
        ({"size": 2_000_000_000}, 1800),  # twice the work
        ({"size": 1_000_000}, 1200),  # not assumed to be faster
        ({"core_nodes": 4}, 900),  # half of the work for each node
        ({"core_nodes": 2, "task_nodes": 2}, 900),
    ],
    ids=["same", "larger input", "smaller input", "more core nodes", "task nodes"],
)
def test_the_work_of_an_earlier_run_is_scaled(changes: dict[str, Any], seconds: float) -> None:
    assert estimated(earlier(), **changes).seconds == pytest.approx(seconds)


def test_the_median_of_the_newest_runs_with_the_same_steps_is_used() -> None:
    runs = [earlier(work) for work in (600, 600, 660, 700, 10_000, 1, 1)]
    found = estimated(earlier(1, steps="fit"), replace(earlier(1), input_bytes=None), *runs)
    assert found.seconds == pytest.approx(1260)
    assert found.basis == "the median of 5 earlier runs with the same steps"


def test_spot_and_task_nodes_are_counted_apart_and_at_the_price_of_on_demand() -> None:
    found = estimated(earlier(nodes=7), core_nodes="4", spot_share="0.5", task_nodes="3")
    assert (found.on_demand_nodes, found.spot_nodes) == (3, 5)
    assert found.dollars == pytest.approx(8 * found.seconds / 3600 * 0.3)
    assert found.summary.startswith("8 nodes, 5 of them Spot")


def test_workers_of_emr_serverless_are_estimated_and_compared_apart() -> None:
    """A worker has 4 vCPUs and 16 GB, and there is no Spot."""
    prices = replace(PRICES, hourly={"ARM64 vCPU": 0.04, "ARM64 GB of memory": 0.005})
    cluster = ClusterSpec("emr-7.13.0", core_nodes=2, spot_share=1)
    run = earlier()
    uses = (
        Use("ARM64 vCPU", "ON_DEMAND", 2, 4 * 3 * 1200.0),
        Use("ARM64 GB of memory", "ON_DEMAND", 2, 57_600.0),
    )
    on_serverless = replace(run, clusters=(replace(run.clusters[0], uses=uses),))
    arguments: Any = (cluster, "arm64", ["fit", "score"], 1_000_000_000)
    found = estimate(*arguments, [earlier(6000), on_serverless], prices, target=EMR_SERVERLESS)
    assert (found.on_demand_nodes, found.spot_nodes) == (3, 0)
    assert found.seconds == pytest.approx(1200)
    assert found.dollars == pytest.approx(1.0 * (4 * 0.04 + 16 * 0.005))  # one hour of a worker
    assert on_serverless.node_hours("ON_DEMAND") == pytest.approx(1)
    assert estimate(*arguments, [on_serverless], PRICES).basis.startswith("a first guess")
    assert estimate(*arguments, [], PRICES, target=EMR_SERVERLESS).dollars is None


def test_capacity_is_divided_by_the_smallest_weight() -> None:
    found = estimated(core_nodes=8, core_instance_types={"m7g.xlarge": "4", "m6g.xlarge": "8"})
    assert found.on_demand_nodes == 3


def test_the_estimate_is_unknown_without_the_price_of_a_type() -> None:
    found = estimated(core_instance_types={"x9.huge": 1})
    assert found.dollars is None
    assert "cost unknown" in found.summary


def test_an_invalid_field_of_the_cluster_is_named() -> None:
    with pytest.raises(ValueError, match="core_nodes is 0"):
        estimated(core_nodes="0")


def test_the_price_file_has_the_default_types_of_both_architectures() -> None:
    default = {node for types in INSTANCE_TYPES.values() for node in types}
    assert default <= load_prices("us-east-1").hourly.keys() == load_prices("eu-west-1").hourly.keys()
    assert load_prices("us-east-1").hourly["ARM64 vCPU"] == 0.042094
    assert load_prices("us-east-1").hourly["m7g.xlarge"] == pytest.approx(0.1632 + 0.0408)
    assert load_prices("mars-north-1").hourly == {}


def test_a_run_is_summed_up_in_one_line() -> None:
    assert earlier().summary == (
        "1.00 node hours On-Demand, Athena scanned 0.000 GB: "
        "$0.10 on AWS (estimate from the price list of eu-west-1, 2026-11-27)"
    )
