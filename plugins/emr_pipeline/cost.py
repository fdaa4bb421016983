"""What a run costs: an estimate before the cluster is created, and the measured use of nodes and Athena afterwards.

Nothing here imports Airflow. All dollars are at AWS's list prices, whatever the endpoint charges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from typing import Any

from emr_pipeline.prices import Prices
from emr_pipeline.specs import EMR_EC2, EMR_SERVERLESS, INSTANCE_TYPES, ClusterSpec, share, whole_number

ON_DEMAND, SPOT = "ON_DEMAND", "SPOT"
"""The markets of EC2."""

SMALLEST_QUERY = 10_000_000
"""Bytes of a query that are charged at least: https://aws.amazon.com/athena/pricing/"""

SETUP_SECONDS = 600
STEP_SECONDS = 60
BYTES_PER_SECOND = 5_000_000
"""The first guess, before a run was measured: the seconds to start and end a cluster, the seconds to start and end a
step, and the bytes of input for which all steps together need one second on one core or task node. ``benchmarks/``
measured half of this rate with half of the cores; it was never measured on EMR."""

SERVERLESS_SETUP_SECONDS = 120
"""The first guess of the seconds in which a worker of EMR Serverless starts and ends; never measured on AWS either."""

WORKER = {"vCPU": 4, "GB of memory": 16}
"""The default size of a worker of EMR Serverless, which counts as a node: a node of EMR on EC2 is as large."""

COMPARED = 5
"""The number of earlier runs that an estimate uses."""


@dataclass(frozen=True)
class Use:
    """The use of one kind of node in one market."""

    resource: str
    """The instance type, or a resource of EMR Serverless, such as ``ARM64 vCPU``; a key of ``Prices.hourly``."""
    market: str
    """``ON_DEMAND`` or ``SPOT``."""
    nodes: int
    seconds: float
    """The sum over the nodes."""

    @property
    def node_seconds(self) -> float:
        """The seconds of nodes; of the resources of EMR Serverless only the vCPUs count, as parts of a worker."""
        if not self.serverless:
            return self.seconds
        return self.seconds / WORKER["vCPU"] if self.resource.endswith(" vCPU") else 0.0

    @property
    def serverless(self) -> bool:
        return "." not in self.resource  # all instance types have a point


@dataclass(frozen=True)
class ClusterCost:
    """The use of one cluster, from its request to its end or to the time of the measurement."""

    cluster_id: str
    release: str
    seconds: float
    ready_after: float | None
    """Seconds from the request until it was ready for steps; None if it never was."""
    uses: tuple[Use, ...]
    step_seconds: Mapping[str, float] = field(default_factory=dict)
    """The duration of each completed step by its name."""

    @property
    def nodes(self) -> int:
        """The number of nodes that the cluster had in its life, also those that were replaced; 0 on EMR Serverless."""
        return sum(use.nodes for use in self.uses if not use.serverless)

    def node_hours(self, market: str) -> float:
        return sum(use.node_seconds for use in self.uses if use.market == market) / 3600

    def dollars(self, prices: Prices) -> float | None:
        """Return the cost of the nodes without disks, S3 and Athena; None if the price of one is unknown.

        The price of Spot nodes varies, so they count as On-Demand nodes. EMR pays at most that price for them.
        """
        return price_nodes(self.uses, prices)


def price_nodes(uses: Sequence[Use], prices: Prices) -> float | None:
    """Return the cost of the nodes at On-Demand prices; None if there are none or the price of one is unknown."""
    if not uses or any(use.resource not in prices.hourly for use in uses):
        return None
    return sum(prices.hourly[use.resource] * use.seconds / 3600 for use in uses)


def price_queries(billed_bytes: int, prices: Prices) -> float | None:
    return None if prices.athena is None else prices.athena * billed_bytes / 1e12


def billed_bytes(queries: Iterable[Mapping[str, Any]]) -> int:
    """Return the bytes that Athena charges for queries, which are given as GetQueryExecution returns them.

    DDL and failed queries are free; a cancelled query is charged for what it has scanned.
    https://aws.amazon.com/athena/pricing/
    """
    total = 0
    for query in queries:
        if query.get("StatementType") == "DML" and query["Status"]["State"] != "FAILED":
            total += max(scanned_bytes(query), SMALLEST_QUERY)
    return total


def scanned_bytes(query: Mapping[str, Any]) -> int:
    """Return the bytes that a query has scanned; a query that was cancelled in the queue may have no statistics."""
    scanned: int = query.get("Statistics", {}).get("DataScannedInBytes", 0)
    return scanned


@dataclass(frozen=True)
class RunCost:
    """What a run has used. ``cost_records`` stores it, for the estimates of later runs and for reports."""

    tags: Mapping[str, str]
    """The tags of the run's clusters, by which AWS's bill can be grouped: ``dag_id``, ``run_id``, ``project``."""
    recorded: str
    """The time of the measurement in UTC, in ISO 8601."""
    clusters: tuple[ClusterCost, ...]
    input_bytes: int | None
    """The size of the input; None if the run did not get so far."""
    queries: int
    scanned_bytes: int
    billed_bytes: int
    """The bytes that Athena charges: each query has a minimum, and some are free."""
    region: str
    prices: str
    """The date of the prices."""
    node_dollars: float | None
    athena_dollars: float | None

    @property
    def dollars(self) -> float | None:
        """The cost of nodes and queries; None if one of them is unknown."""
        if self.node_dollars is None or self.athena_dollars is None:
            return None
        return self.node_dollars + self.athena_dollars

    def node_hours(self, market: str) -> float:
        return sum(cluster.node_hours(market) for cluster in self.clusters)

    @property
    def summary(self) -> str:
        """One sentence, for the log and the note of the run."""
        hours = [
            f"{self.node_hours(market):.2f} node hours {name}"
            for market, name in ((ON_DEMAND, "On-Demand"), (SPOT, "Spot"))
            if self.node_hours(market) or market == ON_DEMAND
        ]
        scanned = f"Athena scanned {self.scanned_bytes / 1e9:.3f} GB"
        return f"{', '.join([*hours, scanned])}: {at_prices(self.dollars, self.region, self.prices)}"


def at_prices(dollars: float | None, region: str, date: str) -> str:
    """Return an amount with the prices that it is computed from."""
    if dollars is None:
        return f"cost unknown, because prices.json of {date} lacks a price for {region}"
    return f"${dollars:.2f} on AWS (estimate from the price list of {region}, {date})"


@dataclass(frozen=True)
class Estimate:
    """The use and the highest cost that is expected of a run."""

    on_demand_nodes: int
    spot_nodes: int
    """Including the most task nodes that managed scaling may add."""
    seconds: float
    """The life of the cluster."""
    dollars: float | None
    """The cost if each node lives as long as the cluster and has the most expensive instance type, On-Demand."""
    basis: str
    """What the estimate is based on, in words."""
    region: str
    prices: str
    """The date of the prices."""

    @property
    def node_hours(self) -> float:
        return (self.on_demand_nodes + self.spot_nodes) * self.seconds / 3600

    @property
    def summary(self) -> str:
        """One sentence, for the log, the report and the note of the run."""
        spot = f", {self.spot_nodes} of them Spot" if self.spot_nodes else ""
        nodes = self.on_demand_nodes + self.spot_nodes
        cost = at_prices(self.dollars, self.region, self.prices)
        limit = "at most " if self.dollars is not None else ""
        use = f"{nodes} nodes{spot} for {self.seconds / 60:.0f} min, {self.node_hours:.2f} node hours"
        return f"{use}: {limit}{cost}, by {self.basis}"


def estimate(
    cluster: ClusterSpec,
    architecture: str,
    steps: Sequence[str],
    input_bytes: int,
    runs: Iterable[RunCost],
    prices: Prices,
    target: str = EMR_EC2,
) -> Estimate:
    """Return the estimate of a run with these steps; raise ValueError naming an invalid field of ``cluster``.

    ``architecture`` is that of the settings. On EMR Serverless the nodes are workers, and there is no Spot. ``runs``
    are earlier runs, newest first; those that completed the same steps on one cluster are compared. The work of the
    steps is assumed to grow in proportion to the input and to be divided evenly among the core and task nodes. A
    smaller input is not assumed to be faster. Without such a run, the estimate is a first guess.
    """
    serverless = target == EMR_SERVERLESS
    core = whole_number("core_nodes", cluster.core_nodes, minimum=1)
    task = whole_number("task_nodes", cluster.task_nodes, minimum=0)
    weight = min(map(int, cluster.core_instance_types.values()), default=1)
    spot = round(core * share("spot_share", cluster.spot_share))
    spot_nodes = ceil(spot / weight) + ceil(task / weight)
    workers = ceil((core - spot) / weight) + spot_nodes
    if serverless:
        spot_nodes = 0
    compared = [run for run in runs if _comparable(run, steps, serverless)][:COMPARED]
    if compared:
        setup = median(run.clusters[0].seconds - _total_step_seconds(run) for run in compared)
        work = median(_work(run, input_bytes) for run in compared)
        basis = (
            f"the median of {len(compared)} earlier run{'s' if len(compared) > 1 else ''} with the same steps"
        )
    else:
        setup = float((SERVERLESS_SETUP_SECONDS if serverless else SETUP_SECONDS) + STEP_SECONDS * len(steps))
        work = input_bytes / BYTES_PER_SECOND
        basis = f"a first guess from {input_bytes / 1e6:,.1f} MB of input: no earlier run had the same steps"
    seconds = setup + work / workers
    hourly = _worker_price(architecture, prices) if serverless else _node_price(cluster, architecture, prices)
    return Estimate(
        on_demand_nodes=1 + workers - spot_nodes,
        spot_nodes=spot_nodes,
        seconds=seconds,
        dollars=None if hourly is None else (1 + workers) * seconds / 3600 * hourly,
        basis=basis,
        region=prices.region,
        prices=prices.date,
    )


def _node_price(cluster: ClusterSpec, architecture: str, prices: Prices) -> float | None:
    """Return the price of the most expensive instance type for an hour; None if the price of one is unknown."""
    default = INSTANCE_TYPES[architecture]
    types = {*(cluster.primary_instance_types or default), *(cluster.core_instance_types or default)}
    return max(prices.hourly[node] for node in types) if types <= prices.hourly.keys() else None


def _worker_price(architecture: str, prices: Prices) -> float | None:
    """Return the price of a worker of EMR Serverless for an hour; None if it is unknown."""
    resources = {f"{architecture.upper()} {resource}": number for resource, number in WORKER.items()}
    if not resources.keys() <= prices.hourly.keys():
        return None
    return sum(number * prices.hourly[resource] for resource, number in resources.items())


def _comparable(run: RunCost, steps: Sequence[str], serverless: bool) -> bool:
    if len(run.clusters) != 1 or not run.input_bytes:
        return False
    (cluster,) = run.clusters
    return set(cluster.step_seconds) == set(steps) and all(
        use.serverless == serverless for use in cluster.uses
    )


def _total_step_seconds(run: RunCost) -> float:
    return sum(run.clusters[0].step_seconds.values())


def _work(run: RunCost, input_bytes: int) -> float:
    """Return the seconds that the steps of a run would have taken on one worker node for this size of input."""
    (cluster,) = run.clusters
    workers = max(1.0, sum(use.node_seconds for use in cluster.uses) / cluster.seconds - 1)
    return _total_step_seconds(run) * workers * max(1.0, input_bytes / (run.input_bytes or input_bytes))
