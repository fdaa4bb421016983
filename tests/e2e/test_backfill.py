"""A backfill of ten dates on Airflow's own processes: each date has one run, one cluster and one partition."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from devtools import airflow_services, aws, sales
from devtools.airflow_home import BUCKET
from devtools.airflow_services import DagRun
from localaws.testing import LocalAws

pytestmark = pytest.mark.backfill

DAG_ID = "sales_segmentation"
DATES = [str(date(2026, 1, 1) + timedelta(days=day)) for day in range(10)]
AT_ONCE = 2
"""How many runs of the backfill may be active."""

TIMEOUT = 7200
"""Seconds for all runs, on a busy machine."""


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAws]:
    with LocalAws(region=aws.REGION) as running:
        yield running


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory, local: LocalAws) -> int:
    """The number of customers in the input of all runs."""
    file = tmp_path_factory.mktemp("input") / "sales.csv"
    written = sales.write(file, 300, customers=30)
    aws.provide(local, file, BUCKET, "raw/sales.csv")
    return written.customers


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, local: LocalAws) -> Iterator[airflow_services.Airflow]:
    with airflow_services.airflow(
        tmp_path_factory.mktemp("backfill"),
        local.endpoint_url,
        AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE="True",
        AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE="False",  # create no scheduled run
        EMR_PIPELINE_SCHEDULE="0 2 * * *",
    ) as running:
        running.wait_for_dag(DAG_ID)
        yield running


def create_backfill(airflow: airflow_services.Airflow) -> None:
    program = str(Path(sys.executable).with_name("airflow"))
    window = ["--from-date", f"{DATES[0]}T00:00:00+00:00", "--to-date", f"{DATES[-1]}T23:00:00+00:00"]
    conf = json.dumps({"k_min": 2, "k_max": 2, "n_init": 1})
    options = ["--max-active-runs", str(AT_ONCE), "--dag-run-conf", conf]
    command = [program, "backfill", "create", "--dag-id", DAG_ID, *window, *options]
    subprocess.run(command, env={**os.environ, **airflow.variables}, check=True)


def runs(airflow: airflow_services.Airflow, run_type: str) -> list[dict[str, Any]]:
    listed = airflow.api("GET", f"/dags/{DAG_ID}/dagRuns?limit=50&run_type={run_type}&order_by=logical_date")
    found: list[dict[str, Any]] = listed["dag_runs"]
    return found


def clusters(local: LocalAws) -> dict[str, list[dict[str, Any]]]:
    """Return the clusters by the id of their run."""
    emr = local.client("emr")
    found: dict[str, list[dict[str, Any]]] = {}
    for page in emr.get_paginator("list_clusters").paginate():
        for listed in page["Clusters"]:
            cluster = emr.describe_cluster(ClusterId=listed["Id"])["Cluster"]
            run_id = next(tag["Value"] for tag in cluster["Tags"] if tag["Key"] == "run_id")
            found.setdefault(run_id, []).append(cluster)
    return found


def test_a_backfill_of_ten_dates(airflow: airflow_services.Airflow, local: LocalAws, customers: int) -> None:
    # SQLite cannot continue the long transaction that creates the runs if another process writes meanwhile.
    writers = ("scheduler", "dag-processor", "triggerer")
    for component in writers:
        airflow.kill(component)
    create_backfill(airflow)
    for component in writers:
        airflow.start(component)
    filled = runs(airflow, "backfill")
    assert [run["logical_date"][:10] for run in filled] == DATES

    # A manual run of the first date, while the run of the backfill is writing that date.
    first = DagRun(airflow, DAG_ID, filled[0]["dag_run_id"])
    first.wait_for(lambda: dict(first.tasks())["create_cluster"] == "success", TIMEOUT)
    manual = airflow.trigger(DAG_ID, run_date=DATES[0])

    most = 0

    def ended() -> bool:
        nonlocal most
        states = [run["state"] for run in runs(airflow, "backfill")]
        most = max(most, states.count("running"))
        return set(states) <= {"success", "failed"}

    first.wait_for(ended, TIMEOUT)
    assert {run["dag_run_id"]: run["state"] for run in runs(airflow, "backfill")} == {
        run["dag_run_id"]: "success" for run in filled
    }
    assert most <= AT_ONCE
    assert manual.wait_for_end() == "failed"
    assert dict(manual.tasks())["create_cluster"] == "failed"

    created = {run_id: len(found) for run_id, found in clusters(local).items()}
    assert created == {run["dag_run_id"]: 1 for run in filled}
    assert aws.active_clusters(local) == []
    partitions = local.state / "s3" / BUCKET / "processed" / "customer_segments"
    assert sorted(path.name for path in partitions.iterdir() if path.is_dir()) == [
        f"run_date={day}" for day in DATES
    ]
    assert {ds.dataset(path).count_rows() for path in partitions.glob("run_date=*")} == {customers}
