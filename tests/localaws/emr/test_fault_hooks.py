"""Planned faults of clusters and steps, through boto3 against a running server with real processes."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.faults import (
    BootstrapFails,
    ClusterFailsToStart,
    ClusterTerminatesSlowly,
    Fault,
    Faults,
    SpotNodeLost,
    StepFails,
    StepHangs,
    StepKilled,
    StepStartsSlowly,
)
from localaws.testing import LocalAws
from tests.localaws.emr.clusters import create_cluster, step, wait_for_end

BUCKET = "fault-hooks"
WORK = "print('done')"
FOREVER = 600.0


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    faults = Faults(local_aws.endpoint_url)
    yield faults
    faults.clear()


@pytest.fixture(scope="module", autouse=True)
def bucket(local_aws: LocalAws) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="work.py", Body=WORK.encode())


def run(aws: LocalAws, name: str, *steps: str, action: str = "CONTINUE", keep: bool = False) -> str:
    submits = [step(each, "spark-submit", f"s3://{BUCKET}/work.py", action=action) for each in steps]
    cluster = {
        "Name": name,
        "Instances": {
            "MasterInstanceType": "m5.xlarge",
            "InstanceCount": 1,
            "KeepJobFlowAliveWhenNoSteps": keep,
        },
        "Tags": [{"Key": "run_id", "Value": name}],
    }
    return create_cluster(aws, *submits, bucket=BUCKET, **cluster)


def wait_for(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.05)


def status(aws: LocalAws, cluster_id: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]
    return found


def end_of(aws: LocalAws, cluster_id: str) -> dict[str, Any]:
    """Wait until the cluster has ended, and return its status."""
    return wait_for_end(aws, cluster_id)[0]


def only_step(aws: LocalAws, cluster_id: str) -> dict[str, Any]:
    [only] = aws.client("emr").list_steps(ClusterId=cluster_id)["Steps"]
    return {**only["Status"], "Id": only["Id"]}


def processes_of(aws: LocalAws, cluster_id: str) -> dict[str, str]:
    """Return the command line and the state (such as S or T) of each process of the cluster."""
    found = {}
    for process in Path("/proc").iterdir():
        try:
            if (process / "cwd").readlink().is_relative_to(aws.state / "emr" / cluster_id):
                state = (process / "stat").read_text().rpartition(")")[2].split()[0]
                found[(process / "cmdline").read_text()] = state
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (ClusterFailsToStart(), "INTERNAL_ERROR", "An internal error occurred."),
        (ClusterFailsToStart(code="INSTANCE_FAILURE"), "INSTANCE_FAILURE", "do not have sufficient capacity"),
        (
            ClusterFailsToStart(code="VALIDATION_ERROR", message="Bad subnet"),
            "VALIDATION_ERROR",
            "Bad subnet",
        ),
        (BootstrapFails(), "BOOTSTRAP_FAILURE", "bootstrap action 1 returned a non-zero return code"),
        (
            BootstrapFails(message="application provisioning failed"),
            "BOOTSTRAP_FAILURE",
            "provisioning failed",
        ),
    ],
)
def test_a_cluster_that_fails_to_start_has_a_reason_and_cancels_its_steps(
    local_aws: LocalAws, faults: Faults, fault: Fault, code: str, message: str
) -> None:
    [fault_id] = faults.plan(fault)
    cluster_id = run(local_aws, "fails to start", "work")
    result = end_of(local_aws, cluster_id)
    assert (result["State"], result["StateChangeReason"]["Code"]) == ("TERMINATED_WITH_ERRORS", code)
    assert message in result["StateChangeReason"]["Message"]
    assert "ReadyDateTime" not in result["Timeline"]
    assert only_step(local_aws, cluster_id)["State"] == "CANCELLED"
    assert faults.triggered(fault_id) == 1


def test_faults_of_one_run_do_not_apply_to_clusters_of_another(local_aws: LocalAws, faults: Faults) -> None:
    planned = faults.plan(
        ClusterFailsToStart(cluster="mine"),
        BootstrapFails(tags={"run_id": "mine"}),
        StepFails("work", cluster="mine"),
    )
    result = end_of(local_aws, run(local_aws, "yours"))
    assert (result["State"], [faults.triggered(one) for one in planned]) == ("TERMINATED", [0, 0, 0])
    assert end_of(local_aws, run(local_aws, "mine"))["StateChangeReason"]["Code"] == "INTERNAL_ERROR"
    assert end_of(local_aws, run(local_aws, "mine"))["StateChangeReason"]["Code"] == "BOOTSTRAP_FAILURE"
    assert end_of(local_aws, run(local_aws, "mine"))["State"] == "TERMINATED"


def test_a_slowly_terminating_cluster_accepts_no_steps(local_aws: LocalAws, faults: Faults) -> None:
    faults.plan(ClusterTerminatesSlowly(1.0, cluster="slow end"))
    cluster_id = run(local_aws, "slow end", keep=True)
    emr = local_aws.client("emr")
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
    assert status(local_aws, cluster_id)["State"] == "TERMINATING"
    with pytest.raises(Exception, match="shutting down"):
        emr.add_job_flow_steps(
            JobFlowId=cluster_id, Steps=[{"Name": "late", "HadoopJarStep": {"Jar": "command-runner.jar"}}]
        )
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
    assert end_of(local_aws, cluster_id)["StateChangeReason"]["Code"] == "USER_REQUEST"


@pytest.mark.parametrize(
    ("fault", "message", "log"),
    [
        (
            StepFails("work", message="no such column: Région"),
            "RuntimeError: no such column: Région",
            "stdout",
        ),
        (StepKilled("work"), "spark-submit ended with exit code 137", "stderr"),
        (SpotNodeLost("work"), "Diagnostics: Container released on a *lost* node.", "stderr"),
    ],
)
def test_a_step_fault_has_its_cause_in_the_step_log(
    local_aws: LocalAws, faults: Faults, fault: Fault, message: str, log: str
) -> None:
    faults.plan(fault)
    cluster_id = run(local_aws, "faulty", "work", action="TERMINATE_CLUSTER")
    assert end_of(local_aws, cluster_id)["StateChangeReason"]["Code"] == "STEP_FAILURE"
    failed = only_step(local_aws, cluster_id)
    assert failed["State"] == "FAILED"
    assert failed["FailureDetails"]["Message"].endswith(message)
    assert failed["FailureDetails"]["LogFile"].endswith(f"/{failed['Id']}/{log}.gz")
    key = failed["FailureDetails"]["LogFile"].removeprefix(f"s3://{BUCKET}/")
    text = gzip.decompress(local_aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()).decode()
    assert message in text or isinstance(fault, StepKilled)
    assert processes_of(local_aws, cluster_id) == {}


def test_a_step_that_was_killed_once_succeeds_when_repeated(local_aws: LocalAws, faults: Faults) -> None:
    faults.plan(StepKilled("work", tags={"run_id": "repeated"}))
    cluster_id = run(local_aws, "repeated", "work", "work")
    assert end_of(local_aws, cluster_id)["State"] == "TERMINATED"
    steps = local_aws.client("emr").list_steps(ClusterId=cluster_id)["Steps"]
    assert [each["Status"]["State"] for each in reversed(steps)] == ["FAILED", "COMPLETED"]


def test_a_hanging_step_is_stopped_until_it_is_cancelled(local_aws: LocalAws, faults: Faults) -> None:
    [fault_id] = faults.plan(StepHangs("work"))
    cluster_id = run(local_aws, "hangs", "work", keep=True)
    wait_for(lambda: faults.triggered(fault_id) == 1)

    def states() -> set[str]:
        processes = processes_of(local_aws, cluster_id)
        return {state for line, state in processes.items() if "supervisor.py" not in line}

    wait_for(lambda: states() == {"T"})
    hanging = only_step(local_aws, cluster_id)
    assert hanging["State"] == "RUNNING"
    local_aws.client("emr").cancel_steps(
        ClusterId=cluster_id, StepIds=[hanging["Id"]], StepCancellationOption="TERMINATE_PROCESS"
    )
    wait_for(lambda: only_step(local_aws, cluster_id)["State"] == "CANCELLED")
    assert processes_of(local_aws, cluster_id) == {}
    local_aws.client("emr").terminate_job_flows(JobFlowIds=[cluster_id])
    assert end_of(local_aws, cluster_id)["State"] == "TERMINATED"


def test_a_slowly_starting_step_is_running_before_its_program_starts(
    local_aws: LocalAws, faults: Faults
) -> None:
    faults.plan(StepStartsSlowly("work", FOREVER))
    cluster_id = run(local_aws, "slow start", "work")
    wait_for(lambda: any("sleep" in line for line in processes_of(local_aws, cluster_id)))
    assert only_step(local_aws, cluster_id)["State"] == "RUNNING"
    assert not any("java" in line for line in processes_of(local_aws, cluster_id))
    local_aws.client("emr").terminate_job_flows(JobFlowIds=[cluster_id])
    assert end_of(local_aws, cluster_id)["State"] == "TERMINATED"
    assert only_step(local_aws, cluster_id)["State"] == "INTERRUPTED"
    assert processes_of(local_aws, cluster_id) == {}


def test_a_slowly_starting_step_runs_its_unchanged_command(local_aws: LocalAws, faults: Faults) -> None:
    faults.plan(StepStartsSlowly("work", 0.1), StepFails("work", message='it\'s "quoted" $HOME'))
    cluster_id = run(local_aws, "slow", "work")
    end_of(local_aws, cluster_id)
    message = only_step(local_aws, cluster_id)["FailureDetails"]["Message"]
    assert message == 'RuntimeError: it\'s "quoted" $HOME'
