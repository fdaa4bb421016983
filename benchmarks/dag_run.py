"""Measure a successful run of the DAG on Airflow's own processes: ``python -m benchmarks.dag_run [ROWS=1048575]``.

Writes ``benchmarks/dag_run.md``: how the cluster spent its time, the number of AWS calls, and the time to parse the DAG
file compared with a DAG that has one operator.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import botocore.session

from benchmarks.cases import CUSTOMERS, LINES, Case
from devtools import airflow_home, airflow_services, aws
from devtools.paths import DATA, PROJECT
from localaws.faults import Delay, Faults
from localaws.testing import LocalAws

REPORT = PROJECT / "benchmarks" / "dag_run.md"
PARSES = 5
"""Number of times that each DAG file is parsed after the run."""

MINIMAL = """
from airflow.providers.amazon.aws.operators.emr import EmrCreateJobFlowOperator
from airflow.sdk import DAG

with DAG(dag_id="minimal", schedule=None):
    EmrCreateJobFlowOperator(task_id="create_cluster", job_flow_overrides={"Name": "minimal"})
"""
"""A DAG file with a single operator of the provider."""

COUNTERS = [
    Delay(f"{prefix}:{operation}", 0.0, times=sys.maxsize)
    for prefix, service in (("elasticmapreduce", "emr"), ("athena", "athena"))
    for operation in botocore.session.get_session().get_service_model(service).operation_names
]
"""A fault for each operation of EMR and Athena: a delay of zero seconds only counts the calls."""


@dataclass(frozen=True)
class Measured:
    """A successful run; all times are in seconds.

    ``wall`` is the time from the trigger to the end of the run. ``in_steps`` is the time in steps, ``others`` has the
    other parts of the time from the cluster being ready to its end, in their order. ``calls`` has the number of calls
    by ``service:Operation``, ``parse`` the parse time by DAG.
    """

    lines: int
    wall: float
    in_steps: float
    others: dict[str, float]
    calls: Counter[str]
    parse: dict[str, float]

    @property
    def cluster_up(self) -> float:
        return self.in_steps + sum(self.others.values())


def measure(lines: int, folder: Path) -> Measured:
    """Run the DAG with ``lines`` sample lines and return the measurements; raises ServiceError if the run fails."""
    (folder / "minimal").mkdir()
    (folder / "minimal" / "minimal.py").write_text(MINIMAL)
    bundle = {"classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"}
    bundles = [
        {"name": "dags-folder", "kwargs": {}, **bundle},
        {"name": "minimal", "kwargs": {"path": str(folder / "minimal")}, **bundle},
    ]
    with (
        LocalAws(state=folder / "aws", region=aws.REGION) as local,
        airflow_services.airflow(
            folder / "airflow",
            local.endpoint_url,
            AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE="True",
            AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=json.dumps(bundles),
            AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL="5",
        ) as airflow,
    ):
        uri = aws.provide(local, Case(lines, CUSTOMERS).sample(DATA), airflow_home.BUCKET, "raw/sales.csv")
        for dag_id in ("sales_segmentation", "minimal"):
            airflow.wait_for_dag(dag_id)
        faults = Faults(local.endpoint_url)
        faults.plan(*COUNTERS)
        began = time.monotonic()
        run = airflow.trigger("sales_segmentation", input=uri, run_date="2026-01-31")
        if (state := run.wait_for_end()) != "success":
            raise airflow_services.ServiceError(f"the run ended as {state}; see {airflow.logs.parent}")
        wall = time.monotonic() - began
        calls = Counter(
            {
                p.fault.operation: p.triggered
                for p in faults.planned()
                if isinstance(p.fault, Delay) and p.triggered
            }
        )
        return Measured(lines, wall, *_cluster_times(local, run), calls, _parse_seconds(airflow))


def _cluster_times(local: LocalAws, run: airflow_services.DagRun) -> tuple[float, dict[str, float]]:
    """Return ``in_steps`` and ``others`` of Measured."""
    emr = local.client("emr")
    (cluster,) = emr.list_clusters()["Clusters"]
    life = cluster["Status"]["Timeline"]
    listed = emr.list_steps(ClusterId=cluster["Id"])["Steps"]
    steps = [step["Status"]["Timeline"] for step in reversed(listed)]
    in_steps = sum(_seconds(step["StartDateTime"], step["EndDateTime"]) for step in steps)
    pauses = sum(_seconds(one["EndDateTime"], next_["StartDateTime"]) for one, next_ in pairwise(steps))
    ends = {
        "the task of the last step notices its end": run.last_end(listed[0]["Name"]),
        "repair_tables": run.last_end("repair_tables"),
        "verify_row_counts": run.last_end("verify_row_counts"),
        "terminate_cluster, until the cluster has ended": life["EndDateTime"],
    }
    spans = pairwise([steps[-1]["EndDateTime"], *ends.values()])
    return in_steps, {
        "from ready to the first step": _seconds(life["ReadyDateTime"], steps[0]["StartDateTime"]),
        "pauses between steps": pauses,
        **{part: _seconds(*span) for part, span in zip(ends, spans, strict=True)},
    }


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


def _parse_seconds(airflow: airflow_services.Airflow) -> dict[str, float]:
    """Return the median time of the next ``PARSES`` parses of each DAG file by the DAG processor."""
    seen: dict[str, dict[str, float]] = {"sales_segmentation": {}, "minimal": {}}
    while any(len(parses) < PARSES for parses in seen.values()):
        for dag_id, parses in seen.items():
            dag = airflow.api("GET", f"/dags/{dag_id}")
            parses[dag["last_parsed_time"]] = dag["last_parse_duration"]
        time.sleep(1)
    return {dag_id: statistics.median(parses.values()) for dag_id, parses in seen.items()}


def render(measured: Measured) -> str:
    """Return the page."""
    calls = Counter(operation.partition(":")[0] for operation in measured.calls.elements())
    often = ", ".join(f"{name.partition(':')[2]} {count}" for name, count in measured.calls.most_common(6))
    ours, minimal = measured.parse["sales_segmentation"], measured.parse["minimal"]
    rows = {
        "from trigger to the end of the run": f"{measured.wall:.0f} s",
        "cluster, from ready to terminated": f"{measured.cluster_up:.0f} s",
        "of which in steps": f"{measured.in_steps:.0f} s, {measured.in_steps / measured.cluster_up:.0%}",
        **{f"of which {part}": f"{seconds:.1f} s" for part, seconds in measured.others.items()},
        "calls to EMR": str(calls["elasticmapreduce"]),
        "calls to Athena": str(calls["athena"]),
        "most frequent calls": often,
        "parsing the DAG file": f"{ours:.2f} s, {ours / minimal:.1f} times the {minimal:.2f} s of a DAG with one "
        "operator",
    }
    table = "\n".join(f"| {what} | {value} |" for what, value in rows.items())
    return (
        "# A successful run of the DAG\n\n"
        "Written by `make benchmark-dag`; do not edit this page. It shows one run with the default params and "
        f"{measured.lines:,}\nsample lines. Airflow's own processes (LocalExecutor, deferrable tasks, SQLite) and the "
        "local AWS share one machine, so\nsteps and Airflow slow each other down. A cluster of the local AWS is ready "
        "after one second; on EMR this takes\nminutes. The time of a task includes its start. The parse time is the "
        f"median of {PARSES} parses.\n\n"
        f"| | |\n| --- | --- |\n{table}\n"
    )


def main(arguments: Sequence[str]) -> None:
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    if len(given) < len(arguments) or given.keys() - {"ROWS"}:
        sys.exit(f"not understood: {' '.join(arguments)}; give ROWS=n or nothing")
    with tempfile.TemporaryDirectory() as folder:
        page = render(measure(int(given.get("ROWS", LINES)), Path(folder)))
    REPORT.write_text(page)
    print(page)


if __name__ == "__main__":
    main(sys.argv[1:])
