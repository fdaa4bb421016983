"""The page of a run shows the measurements and their shares."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.dag_run import Measured, _cluster_times, render
from localaws.testing import LocalAws


def test_the_parts_of_the_life_of_a_cluster_add_up_to_it() -> None:
    """The tasks after the steps are simulated; the cluster and its steps are real."""
    with LocalAws("--cluster-seconds", "0.1") as local:
        emr = local.client("emr")
        args = ["bash", "-c", "sleep 0.2"]
        step = {"HadoopJarStep": {"Jar": "command-runner.jar", "Args": args}, "ActionOnFailure": "CONTINUE"}
        cluster_id = emr.run_job_flow(
            Name="parts",
            ReleaseLabel="emr-7.13.0",
            ServiceRole="emr",
            JobFlowRole="nodes",
            Instances={
                "KeepJobFlowAliveWhenNoSteps": True,
                "InstanceCount": 1,
                "MasterInstanceType": "m7g.xlarge",
            },
            Steps=[{"Name": name, **step} for name in ("pca", "kmeans")],
        )["JobFlowId"]
        while emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"] != "WAITING":
            time.sleep(0.05)
        emr.terminate_job_flows(JobFlowIds=[cluster_id])
        while emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"] != "TERMINATED":
            time.sleep(0.05)
        life = emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["Timeline"]
        end = datetime.now(UTC)
        ends = {"kmeans": 0, "repair_tables": 3, "verify_row_counts": 7}
        run = SimpleNamespace(last_end=lambda task_id: end + timedelta(seconds=ends[task_id]))
        in_steps, others = _cluster_times(local, cast("Any", run))
    up = (life["EndDateTime"] - life["ReadyDateTime"]).total_seconds()
    assert in_steps + sum(others.values()) == pytest.approx(up)
    assert in_steps >= 0.4
    assert (others["repair_tables"], others["verify_row_counts"]) == (3, 4)


def test_the_page_holds_shares_ratios_and_calls_by_service() -> None:
    calls = Counter(
        {
            "elasticmapreduce:DescribeStep": 7,
            "elasticmapreduce:RunJobFlow": 1,
            "athena:GetQueryResults": 4,
        }
    )
    parse = {"sales_segmentation": 0.6, "minimal": 0.3}
    page = render(Measured(1000, 130, 85, {"pauses between steps": 1.6, "repair_tables": 13.4}, calls, parse))
    assert "| of which in steps | 85 s, 85% |" in page
    assert "| of which repair_tables | 13.4 s |" in page
    assert "| calls to EMR | 8 |" in page
    assert "| calls to Athena | 4 |" in page
    assert "DescribeStep 7, GetQueryResults 4, RunJobFlow 1" in page
    assert "0.60 s, 2.0 times" in page
