"""Estimate what a run of the three steps costs on EMR and how long it takes, from the measured speed of the jobs.

    make emr-costs

Writes ``emr_costs.md``. Never compared with a run on AWS.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from emr_pipeline.cost import SERVERLESS_SETUP_SECONDS, SETUP_SECONDS, STEP_SECONDS, WORKER
from emr_pipeline.prices import load_prices

FOLDER = Path(__file__).parent
SMALL, LARGE = (
    "1048575-lines-10000-customers-20261125-2300.json",
    "31457250-lines-10000-customers-20261125-2337.json",
)
"""The results whose difference is the time of a line."""
CORES = 2
"""The cores of the machine of these results."""
REGION, NODE, NODE_CORES = "eu-central-1", "m7g.xlarge", 4
STEPS, SIZES = 3, (2, 10, 40)
LINES = (10**6, 10**7, 10**8, 10**9, 10**10)


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


def core_seconds_per_line(folder: Path) -> float:
    """Return the seconds of one core for each additional line, all steps in one Spark session."""
    (small_lines, small), (large_lines, large) = (_session(folder / name) for name in (SMALL, LARGE))
    return CORES * (large - small) / (large_lines - small_lines)


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


def page(core_seconds: float, compared: list[Shape], date: str) -> str:
    """Return the page in Markdown: time and cost by lines and shape, the cheapest of each row in bold."""
    rows = [
        f"| lines | {' | '.join(shape.name for shape in compared)} |",
        "| ---: |" + " ---: |" * len(compared),
    ]
    for lines in LINES:
        seconds = [shape.seconds(lines, core_seconds) for shape in compared]
        dollars = [shape.dollars(each) for shape, each in zip(compared, seconds, strict=True)]
        lowest = dollars.index(min(dollars))
        cells = [
            f"{each / 60:,.0f} min, " + (f"**${cost:,.2f}**" if at == lowest else f"${cost:,.2f}")
            for at, (each, cost) in enumerate(zip(seconds, dollars, strict=True))
        ]
        rows.append(f"| {lines:,} | {' | '.join(cells)} |")
    return TEXT.format(
        table="\n".join(rows),
        microseconds=core_seconds * 1e6,
        region=REGION,
        node=NODE,
        date=date,
        setup=SETUP_SECONDS / 60,
        serverless=SERVERLESS_SETUP_SECONDS / 60,
        step=STEP_SECONDS,
    )


def _session(file: Path) -> tuple[int, float]:
    result = json.loads(file.read_text())
    return result["case"]["lines"], median(run["wall"] for run in result["contenders"]["session"])


TEXT = """# What a run costs on EMR

Written by `make emr-costs`; do not edit this page. It is computed and was **never compared with a run on AWS**. The
cheapest of a row is bold.

{table}

Assumptions:

- **Work**: {microseconds:.1f} microseconds of one core for each line, all steps together: the difference between 30
  times and one time the sample's lines in [`results.md`](results.md), with 10,000 customers, on two slow, shared cores.
  A vCPU of the nodes counts as one such core; it is probably faster. With 1,000,000
  customers, 10 times the lines took 1.9 times as long.
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
    text = page(core_seconds_per_line(FOLDER / "results"), shapes(prices.hourly), prices.date)
    (FOLDER / "emr_costs.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
