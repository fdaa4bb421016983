"""The state machine, executed by the local AWS, writes the same tables as a DAG run with the same input."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow.dataset as ds
import pytest

from devtools import aws as local
from devtools import sales
from devtools.state_machine.__main__ import upload
from devtools.state_machine.definition import pipeline as pipeline_machine
from devtools.state_machine.definition import reaper
from emr_pipeline.settings import Settings
from localaws.testing import LocalAws
from sales_segmentation.datasets import DATASETS, QUESTIONS
from tests.e2e.conftest import Run

pytestmark = pytest.mark.state_machine

ROLE = "arn:aws:iam::123456789012:role/states"
BUCKET = "beverage-lake"
SETTINGS = Settings(BUCKET, project="sales-segmentation", database="beverage_analytics")
BY_DAG, BY_MACHINE, BY_SCORING = "2026-01-31", "2026-02-28", "2026-03-31"
PARAMS = {"k_max": 4, "n_init": 2}


@pytest.fixture(scope="module")
def dag_run(state: Any, pipeline: Callable[..., Run]) -> Run:
    file = state / "sales.csv"
    sales.write(file, 4000, customers=60, defects=0.02)
    options = [f"{name.upper()}={value}" for name, value in PARAMS.items()]
    run = pipeline(f"INPUT={file}", f"RUN_DATE={BY_DAG}", *options)
    assert run.code == 0, run.screen
    return run


@pytest.fixture(scope="module")
def aws(dag_run: Run) -> Iterator[LocalAws]:
    """A local AWS with the objects of the DAG run."""
    with LocalAws("--cluster-seconds", "0.1", state=dag_run.state / "aws") as running:
        yield running


@pytest.fixture(scope="module")
def machines(aws: LocalAws) -> dict[str, str]:
    s3, states = aws.client("s3"), aws.client("stepfunctions")
    version = upload(s3, BUCKET)["CodeVersion"]
    definitions = {"pipeline": pipeline_machine(SETTINGS, version), "reaper": reaper()}
    made = {
        name: states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)[
            "stateMachineArn"
        ]
        for name, definition in definitions.items()
    }
    # The rule of infra/state-machine.yaml.
    pattern = {
        "source": ["aws.states"],
        "detail": {"stateMachineArn": [made["pipeline"]], "status": ["ABORTED", "FAILED", "TIMED_OUT"]},
    }
    events = aws.client("events")
    events.put_rule(Name="reaper", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="reaper", Targets=[{"Id": "reaper", "Arn": made["reaper"], "RoleArn": ROLE}])
    return made


def start(aws: LocalAws, machine: str, given: Any) -> str:
    started = aws.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(given))
    return str(started["executionArn"])


def ended(aws: LocalAws, execution: str, seconds: int) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = aws.client("stepfunctions").describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            return found
        time.sleep(1)
    pytest.fail(f"{execution} has not ended within {seconds} s")


def started_after(aws: LocalAws, machine: str, ended_execution: str) -> str:
    """Return the execution of the state machine that the rule starts after ``ended_execution``."""
    states, until = aws.client("stepfunctions"), time.monotonic() + 60
    while time.monotonic() < until:
        for found in states.list_executions(stateMachineArn=machine)["executions"]:
            arn = str(found["executionArn"])
            if ended_execution in states.describe_execution(executionArn=arn)["input"]:
                return arn
        time.sleep(0.5)
    pytest.fail(f"{machine} was not started after {ended_execution}")


def rows(run: Run, dataset: str, run_date: str) -> list[str]:
    table = ds.dataset(run.bucket / "processed" / dataset / f"run_date={run_date}").to_table()
    return sorted(repr(row) for row in table.to_pylist())


def raw(run: Run) -> str:
    (file,) = (run.bucket / "raw").rglob("*.csv")
    return f"s3://{BUCKET}/{file.relative_to(run.bucket)}"


def entered(aws: LocalAws, execution: str) -> list[str]:
    pages = aws.client("stepfunctions").get_execution_history(executionArn=execution, maxResults=1000)
    return [e["stateEnteredEventDetails"]["name"] for e in pages["events"] if "stateEnteredEventDetails" in e]


def test_it_writes_the_tables_of_the_dag(aws: LocalAws, machines: dict[str, str], dag_run: Run) -> None:
    execution = start(
        aws, machines["pipeline"], PARAMS | {"run_date": BY_MACHINE, "input": raw(dag_run), "spot_share": 0.5}
    )
    found = ended(aws, execution, 600)
    assert found["status"] == "SUCCEEDED", found
    # These compare a run with the one before.
    for name in {dataset.name for dataset in DATASETS} - {"segment_migration", "feature_drift"}:
        expected = rows(dag_run, name, BY_DAG)
        assert rows(dag_run, name, BY_MACHINE) == expected, name
        assert expected, name
    answers = [*(dag_run.bucket / "athena-results" / f"run_date={BY_MACHINE}").glob("*.csv")]
    assert len(answers) == len(QUESTIONS) + 1  # and the row counts
    assert local.active_clusters(aws) == []


def test_it_scores_with_the_models_of_the_dag(aws: LocalAws, machines: dict[str, str], dag_run: Run) -> None:
    execution = start(
        aws, machines["pipeline"], {"run_date": BY_SCORING, "score_with": BY_DAG, "input": raw(dag_run)}
    )
    found = ended(aws, execution, 600)
    assert found["status"] == "SUCCEEDED", found
    assert "score" in entered(aws, execution)
    assert "pca" not in entered(aws, execution)
    assert rows(dag_run, "sales", BY_SCORING) == rows(dag_run, "sales", BY_DAG)


def test_a_failed_step_ends_the_cluster_and_the_execution(aws: LocalAws, machines: dict[str, str]) -> None:
    execution = start(aws, machines["pipeline"], {"input": f"s3://{BUCKET}/nothing/*.csv"})
    found = ended(aws, execution, 300)
    assert (found["status"], found["error"]) == ("FAILED", "PipelineFailed"), found
    names = entered(aws, execution)
    assert names[names.index("create_cluster") :] == [
        "create_cluster",
        "preprocess",
        "find_clusters",
        "is_last_page",
        "terminate_clusters",
        "terminate_cluster",
        "is_failed",
        "fail",
    ]
    assert local.active_clusters(aws) == []


def test_invalid_params_end_the_execution_before_there_is_a_cluster(
    aws: LocalAws, machines: dict[str, str]
) -> None:
    found = ended(aws, start(aws, machines["pipeline"], {"k_min": 1, "kmax": 3}), 60)
    assert (found["error"], found["cause"]) == ("InvalidParams", "invalid or unknown params: k_min, kmax")


def test_the_reaper_ends_the_cluster_of_an_aborted_execution(
    aws: LocalAws, machines: dict[str, str], dag_run: Run
) -> None:
    execution = start(aws, machines["pipeline"], {"input": raw(dag_run)})
    until = time.monotonic() + 120
    while "preprocess" not in entered(aws, execution):
        assert time.monotonic() < until
        time.sleep(0.5)
    aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert ended(aws, execution, 60)["status"] == "ABORTED"
    assert len(local.active_clusters(aws)) == 1
    reaping = started_after(aws, machines["reaper"], execution)
    assert ended(aws, reaping, 120)["status"] == "SUCCEEDED"
    assert local.active_clusters(aws) == []
