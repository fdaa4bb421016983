"""Estimate what a run of the three steps costs on EMR and how long it takes, from the measured speed of the jobs.

    make emr-costs

The speed is that of the newest results of ``make benchmark`` that have this project in one Spark session. Writes
``emr_costs.md``. Never compared with a run on AWS.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks import report
from benchmarks.cases import CUSTOMERS, LINES
from emr_pipeline.cost import SERVERLESS_SETUP_SECONDS, SETUP_SECONDS, STEP_SECONDS, WORKER
from emr_pipeline.prices import load_prices

FOLDER = Path(__file__).parent
SESSION = "session"
"""The contender whose speed counts: all jobs in one Spark session."""
MANY_CUSTOMERS = 1_000_000
REGION, NODE, NODE_CORES = "eu-central-1", "m7g.xlarge", 4
STEPS, SIZES = 3, (2, 10, 40)
ROWS = (10**6, 10**7, 10**8, 10**9, 10**10)


@dataclass(frozen=True)
class Shape:
    """A way to run the steps on ``cores``, for ``hourly`` dollars; ``setup`` are the seconds to start and to end."""

    name: str
    cores: int
    setup: float
    hourly: float

    def seconds(self, lines: int, core_seconds: float) -> float:
        """Return the seconds of a run in which each line needs ``core_seconds`` of one core."""
        return self.setup + STEPS * STEP_SECONDS + lines * core_seconds / self.cores

    def dollars(self, seconds: float) -> float:
        return self.hourly / 3600 * seconds


@dataclass(frozen=True)
class Speed:
    """The time of the jobs, from two results with the same customers: for few lines and for many.

    ``growth`` is the ratio of the times for MANY_CUSTOMERS and for CUSTOMERS, at ``growth_lines`` lines.
    """

    small: report.Result
    large: report.Result
    growth: float
    growth_lines: int

    @property
    def core_seconds(self) -> float:
        """The seconds of one core for each additional line, all steps together."""
        cores = int(self.large["machine"].split()[0])
        lines = int(self.large["case"]["lines"] - self.small["case"]["lines"])
        return cores * (_wall(self.large) - _wall(self.small)) / lines


def speed(results: Iterable[report.Result]) -> Speed:
    """Return the speed from the newest results that have the session. Raises LookupError if some are missing."""
    sessions = sorted((result for result in results if _has_session(result)), key=_date)
    few = [result for result in sessions if result["case"]["customers"] == CUSTOMERS]
    large = _newest((result for result in few if result["case"]["lines"] > LINES), "SCALE=10")
    is_small = (r for r in few if r["case"]["lines"] == LINES and r["machine"] == large["machine"])
    small = _newest(is_small, "SCALE=1")
    many = _newest((r for r in sessions if r["case"]["customers"] == MANY_CUSTOMERS), "CUSTOMERS=1000000")
    same_lines = [result for result in few if result["case"]["lines"] == many["case"]["lines"]]
    if not same_lines:
        raise LookupError("no result has as many lines as the one with CUSTOMERS=1000000; run make benchmark")
    # Measured at about the same time, because the speed of the jobs and of the machine changes.
    other = min(same_lines, key=lambda result: abs(_date(result) - _date(many)))
    return Speed(small, large, _wall(many) / _wall(other), many["case"]["lines"])


def _newest(sorted_by_date: Iterable[report.Result], arguments: str) -> report.Result:
    found = list(sorted_by_date)
    if not found:
        raise LookupError(
            f"no result of this project in one session; run make benchmark {arguments} ONLY=session"
        )
    return found[-1]


def _has_session(result: report.Result) -> bool:
    runs = result["contenders"].get(SESSION, [])
    return bool(runs) and not any(run["failure"] for run in runs)


def _wall(result: report.Result) -> float:
    return float(report.median_run(result["contenders"][SESSION])["wall"])


def _date(result: report.Result) -> datetime:
    return datetime.fromisoformat(result["date"])


def shapes(hourly: Mapping[str, float]) -> list[Shape]:
    """Return the shapes to compare. ``hourly`` are the prices of nodes and of the resources of EMR Serverless."""
    node = hourly[NODE]
    worker = sum(hourly[f"ARM64 {resource}"] * number for resource, number in WORKER.items())
    return [
        # Within a family, the prices of EC2 and of EMR are proportional to the size.
        Shape("one node, m7g.8xlarge", 8 * NODE_CORES, SETUP_SECONDS, 8 * node),
        *(
            Shape(f"cluster, {core} core nodes", core * NODE_CORES, SETUP_SECONDS, (core + 1) * node)
            for core in SIZES
        ),
        *(
            Shape(
                f"Serverless, {workers} workers",
                workers * WORKER["vCPU"],
                SERVERLESS_SETUP_SECONDS,
                (workers + 1) * worker,
            )
            for workers in SIZES
        ),
    ]


def page(measured: Speed, compared: list[Shape], date: str) -> str:
    """Return the page in Markdown: time and cost by lines and shape, the cheapest of each row in bold."""
    rows = [
        f"| lines | {' | '.join(shape.name for shape in compared)} |",
        "| ---: |" + " ---: |" * len(compared),
    ]
    for lines in ROWS:
        seconds = [shape.seconds(lines, measured.core_seconds) for shape in compared]
        dollars = [shape.dollars(each) for shape, each in zip(compared, seconds, strict=True)]
        lowest = dollars.index(min(dollars))
        cells = [
            f"{each / 60:,.0f} min, " + (f"**${cost:,.2f}**" if at == lowest else f"${cost:,.2f}")
            for at, (each, cost) in enumerate(zip(seconds, dollars, strict=True))
        ]
        rows.append(f"| {lines:,} | {' | '.join(cells)} |")
    return TEXT.format(
        table="\n".join(rows),
        microseconds=measured.core_seconds * 1e6,
        small=_described(measured.small),
        large=_described(measured.large),
        machine=measured.large["machine"],
        customers=f"{CUSTOMERS:,}",
        many_customers=f"{MANY_CUSTOMERS:,}",
        growth=measured.growth,
        growth_lines=f"{measured.growth_lines:,}",
        region=REGION,
        node=NODE,
        date=date,
        setup=SETUP_SECONDS / 60,
        serverless=SERVERLESS_SETUP_SECONDS / 60,
        step=STEP_SECONDS,
    )


def _described(result: report.Result) -> str:
    return f"{result['case']['lines']:,} lines ({_wall(result):.1f} s, {result['date']})"


TEXT = """# What a run costs on EMR

Written by `make emr-costs`; do not edit this page. It is computed and was **never compared with a run on AWS**. The
cheapest of a row is bold.

{table}

Assumptions:

- **Work**: {microseconds:.1f} microseconds of one core for each line, all steps together: the difference between
  {large} and
  {small} in [`results.md`](results.md), in one Spark session with {customers}
  customers, on a machine with {machine}. A vCPU of the nodes counts as one such core. With {many_customers} customers,
  {growth_lines} lines took {growth:.1f} times as long.
- **Linear**: the work is divided evenly among all vCPUs, and S3 is fast enough. This was never measured on more than
  two cores. The larger the cluster, the more optimistic it is.
- **Start and end**: {setup:.0f} minutes for a cluster, {serverless:.0f} for EMR Serverless, and {step:.0f} seconds
  for each step: the first guesses of [`cost.py`](../plugins/emr_pipeline/cost.py).
- **Prices**: On-Demand in {region} on {date}, from [`prices.json`](../plugins/emr_pipeline/prices.json), without
  disks, S3 and Athena. Nodes are {node}; a cluster has a primary node too. A worker of EMR Serverless has 4 vCPUs and
  16 GB, the driver is one more, and all count for the whole time. Spot nodes cost less.
- **One node**: a cluster of a primary node alone. The DAG always requests core nodes, so this needs a change of
  `ClusterSpec`.
"""


def main() -> None:
    prices = load_prices(REGION)
    try:
        measured = speed(report.read(FOLDER / "results"))
    except LookupError as missing:
        sys.exit(f"emr-costs: {missing.args[0]}")
    text = page(measured, shapes(prices.hourly), prices.date)
    (FOLDER / "emr_costs.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
