"""Records the runs whose permissions are in ``needed_permissions.json``, and evaluates them with iam-simulate.

``make permissions`` runs this; with ``RENEW=1`` it also writes the file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.exceptions import AirflowException
from botocore.exceptions import ClientError

from devtools import sales
from localaws.testing import LocalAws
from tests.conftest import connected
from tests.e2e.conftest import environment
from tests.infra import needed_permissions
from tests.infra.needed_permissions import (
    ROOT,
    TOPIC,
    VALUES,
    Grant,
    Needed,
    grants,
    needed,
    policy,
    read_calls,
    recorded,
)
from tests.infra.test_permissions import denied, is_unused
from tests.localaws.iam.test_policies import CASES

pytestmark = pytest.mark.permissions
BUCKET = VALUES["Bucket"]
RUN_ID = "manual__2026-01-31T12:00:00+00:00"
SIMULATE = Path(__file__).with_name("iam-simulate") / "simulate.mjs"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The recorded calls of each run."""
    state = tmp_path_factory.mktemp("runs")
    few = state / "few.csv"
    sales.write(few, 60, customers=5)
    return {
        "green run": dag_run(state / "green", 0, "ROWS=2000", "K_MAX=4", "N_INIT=2"),
        "failing run": dag_run(state / "failing", 1, f"INPUT={few}", "K=12", "N_INIT=1"),
        **dict(single_operations(state)),
    }


def dag_run(state: Path, code: int, *arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "devtools.run", "RUN_DATE=2026-01-31", *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment(state), capture_output=True, text=True, check=False
    )
    assert ended.returncode == code, ended.stdout
    return read_calls(*(state / "logs").glob("*.calls.jsonl"))


def single_operations(state: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the calls of a cancelled run, an alert, the reaper and the pages, by the package's own code."""
    file = state / "calls.jsonl"
    options = ("--record-calls", str(file), "--cluster-seconds", "0.1")
    with LocalAws(*options, region="us-east-1") as aws, connected(aws):
        read = 0
        aws.client("s3").create_bucket(Bucket=BUCKET)
        aws.client("sns").create_topic(Name="alerts")
        for name, what in {
            "cancelled run": cancelled_run,
            "second estimate": second_estimate,
            "second report": second_report,
            "run on EMR Serverless": serverless_run,
            "alert": alert,
            "reaper": reaper,
            "pages": pages,
        }.items():
            what(aws)
            calls = read_calls(file)
            yield name, calls[read:]
            read = len(calls)


def settings() -> Any:
    from emr_pipeline.settings import Settings

    names = {name: VALUES[name.capitalize()] for name in ("bucket", "project", "database")}
    topic = TOPIC.replace(VALUES["AWS::Region"], "us-east-1")
    return Settings(
        **names, alert_topic_arn=topic, job_role=VALUES["JobRole.Arn"], log_group=VALUES["LogGroup"]
    )


def context(**ti: Any) -> Any:
    return {
        "dag": SimpleNamespace(dag_id="sales_segmentation", tasks=[]),
        "dag_run": SimpleNamespace(run_after=datetime(2026, 1, 31, tzinfo=UTC), start_date=None),
        "run_id": RUN_ID,
        "ti": SimpleNamespace(
            dag_id="sales_segmentation",
            run_id=RUN_ID,
            task_id="task",
            map_index=-1,
            try_number=1,
            max_tries=0,
            xcom_push=lambda **_: None,
            get_dr_count=lambda **_: 0,
            get_task_states=lambda **_: {},
            **ti,
        ),
    }


def cluster() -> Any:
    """The cluster of the pipeline, with the values of its templates."""
    from sales_segmentation import jobs

    return replace(
        jobs.cluster(settings()),
        release_label="emr-7.13.0",
        core_nodes=1,
        spot_share=0.0,
        task_nodes=0,
        bootstrap_actions={},
    )


def create_cluster() -> str:
    from emr_pipeline.operators.cluster import CreateClusterOperator

    operator = CreateClusterOperator(task_id="create_cluster", cluster=cluster(), settings=settings())
    return str(operator.execute(context()))


def steps() -> list[Any]:
    from emr_pipeline.specs import StepSpec

    return [StepSpec(name, f"s3://{BUCKET}/jobs/{'0' * 12}/{name}.py") for name in ("preprocess", "pca")]


def cancelled_run(aws: LocalAws) -> None:
    """A user marks the run failed while a step and a query are running."""
    from emr_pipeline.operators.athena import AthenaStatementOperator
    from emr_pipeline.operators.cluster import TerminateClusterOperator
    from emr_pipeline.operators.step import AddStepsOperator, AwaitStepOperator

    cluster_id = create_cluster()
    first, second = steps()
    ids = AddStepsOperator(task_id="add_steps", cluster_id=cluster_id, steps=[first, second]).execute(
        context()
    )
    await_step = AwaitStepOperator(task_id="preprocess", cluster_id=cluster_id, step=first)
    await_step.cancel({"cluster_id": cluster_id, "step_id": ids["preprocess"]})
    query = AthenaStatementOperator(
        task_id="queries",
        query="SELECT 1 AS one",
        output_location=f"s3://{BUCKET}/athena-results/run_date=2026-01-31/",
        workgroup="primary",
        max_scanned_gb=1.0,
    )
    query.cancel({"query_id": query.execute(context())})
    TerminateClusterOperator(task_id="terminate_cluster", cluster_id=cluster_id).execute(context())


def second_estimate(aws: LocalAws) -> None:
    """A later run of the DAG reads the cost of the earlier one."""
    from emr_pipeline.cost import RunCost
    from emr_pipeline.cost_records import record_key, write_run_cost
    from emr_pipeline.operators.estimate_cost import EstimateCostOperator

    now = datetime.now(UTC)
    earlier = RunCost({}, "", (), 1000, 0, 0, 0, "us-east-1", "", None, None)
    write_run_cost(aws.client("s3"), BUCKET, record_key("sales_segmentation", "earlier", now), earlier)
    estimate = EstimateCostOperator(
        task_id="estimate_cost", cluster=cluster(), settings=settings(), steps=[], input_bytes=1
    )
    estimate.execute(context())


def second_report(aws: LocalAws) -> None:
    """A later run of the date replaces the report, and deletes the files that it does not have."""
    from emr_pipeline.operators.publish_report import PublishReportOperator

    cluster_id = create_cluster()
    for name in ("old.svg", "new.svg"):
        PublishReportOperator(
            task_id="publish_report",
            questions=[],
            query_ids=[],
            metrics={"preprocess": f"s3://{BUCKET}/metrics/run_date=2026-01-31/preprocess.json"},
            facts={},
            cluster_id=cluster_id,
            render=lambda _, name=name: {name: b"", "index.html": b""},
            key_figures=lambda _: "",
            destination=f"s3://{BUCKET}/reports/run_date=2026-01-31",
        ).execute(context())


def serverless_run(aws: LocalAws) -> None:
    """A step is submitted, shown, cancelled and reported; an application that was never started is deleted."""
    from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
    from emr_pipeline.operators.step import AwaitStepOperator
    from emr_pipeline.specs import EMR_SERVERLESS, ClusterSpec, StepSpec
    from emr_pipeline.view.steps import Address, describe

    target, spec = {"target": EMR_SERVERLESS}, ClusterSpec("emr-7.13.0", core_nodes=1)
    create = CreateClusterOperator(task_id="create_cluster", cluster=spec, settings=settings(), **target)
    application_id = create.execute(context())
    folders = {name: f"s3://{BUCKET}/{name}" for name in ("processed", "metrics", "models")}
    code = f"s3://{BUCKET}/jobs/{'0' * 12}"
    step = StepSpec(
        "preprocess",
        f"{code}/preprocess.py",
        flags={"input": f"s3://{BUCKET}/raw/*.csv", **folders},
        py_files=[f"{code}/segmentation.zip"],
        execution_roles=settings().execution_roles,
    )
    wait = AwaitStepOperator(
        task_id="preprocess", cluster_id=application_id, step=step, timeout=timedelta(seconds=1), **target
    )
    with pytest.raises(AirflowException):
        wait.execute(context())
    step_id = wait.emr.latest_steps(application_id)["preprocess"].step_id
    describe(settings(), Address("sales_segmentation", RUN_ID, EMR_SERVERLESS, application_id, step_id))
    wait.emr.cost(application_id, datetime.now(UTC))
    with suppress(ClientError):  # Spark has not started
        wait.emr.spark_ui(application_id, step_id, None)
    end = TerminateClusterOperator(task_id="terminate_cluster", cluster_id=application_id, **target)
    end.execute(context())
    tags = {"project": settings().project, "bucket": BUCKET}
    never_started = create.emr.create(create.emr.cluster_request("never-started", spec, settings(), tags))
    TerminateClusterOperator(task_id="sweep_clusters", cluster_id=never_started, **target).execute(context())


def alert(aws: LocalAws) -> None:
    from emr_pipeline.alerts import on_failure

    on_failure(settings()).notify(context())


def reaper(aws: LocalAws) -> None:
    from emr_pipeline.operators.cluster import ReapClustersOperator
    from emr_pipeline.tags import deployment_tags

    cluster_id = create_cluster()
    reap = ReapClustersOperator(
        task_id="reap_clusters", tags=[deployment_tags(settings())], max_hours=12.0, log_only=False
    )
    assert cluster_id in reap.execute(context())


def pages(aws: LocalAws) -> None:
    """The page of a step whose logs are on S3, its Spark UI, and a report."""
    from emr_pipeline.operators.step import AddStepsOperator
    from emr_pipeline.specs import EMR_EC2
    from emr_pipeline.view import reports
    from emr_pipeline.view.steps import Address, describe, spark_ui

    cluster_id = create_cluster()
    ids = AddStepsOperator(task_id="add_steps", cluster_id=cluster_id, steps=steps()).execute(context())
    step_id = ids["preprocess"]
    aws.client("s3").put_object(
        Bucket=BUCKET, Key=f"logs/{cluster_id}/steps/{step_id}/stdout", Body=b"application_1700000000000_0001"
    )
    address = Address("sales_segmentation", RUN_ID, EMR_EC2, cluster_id, step_id)
    describe(settings(), address)
    while not spark_ui(settings(), address):
        time.sleep(0.5)
    location = reports.Location(BUCKET, "reports/run_date=2026-01-31/", "index.html")
    reports.is_replaced(settings(), SimpleNamespace(published=None, address=""), location)  # type: ignore[arg-type]
    reports.read(settings(), location, "index.html")


def by_run(runs: dict[str, list[dict[str, Any]]]) -> dict[Needed, set[str]]:
    """Return each permission with the runs and classes that need it."""
    found: dict[Needed, set[str]] = {}
    for name, calls in runs.items():
        for permission, classes in needed(calls).items():
            found.setdefault(permission, set()).update(f"{name}: {each}" for each in classes)
    return found


def simulate(cases: list[dict[str, Any]]) -> list[str]:
    """Return iam-simulate's decision of each case: a policy, an action, a resource and a context."""
    ended = subprocess.run(
        ["node", str(SIMULATE)], input=json.dumps(cases), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    decisions: list[str] = json.loads(ended.stdout)
    return decisions


def case(document: dict[str, Any], one: Needed) -> dict[str, Any]:
    return {
        "policy": document,
        "action": one.action,
        "resource": one.resource,
        "context": dict(one.context),
    }


def test_the_file_has_what_the_runs_need(runs: dict[str, list[dict[str, Any]]]) -> None:
    found = by_run(runs)
    if os.environ.get("RENEW"):
        needed_permissions.write(found)
    assert found.keys() == recorded().keys()


def test_iam_simulate_allows_all_of_it() -> None:
    permissions = list(recorded())
    decisions = simulate([case(policy(one.role), one) for one in permissions])
    assert [
        str(one) for one, decision in zip(permissions, decisions, strict=True) if decision != "Allowed"
    ] == []


def test_iam_simulate_denies_something_without_each_grant() -> None:
    """It denies exactly what the evaluator of the local AWS denies."""
    pairs = [(grant, one) for grant in grants() for one in recorded() if one.role == grant.role]
    documents = {grant: grant.without() for grant in grants()}
    decisions = simulate([case(documents[grant], one) for grant, one in pairs])
    missing: dict[Grant, list[Needed]] = {grant: [] for grant in documents}
    for (grant, one), decision in zip(pairs, decisions, strict=True):
        if decision != "Allowed":
            missing[grant].append(one)
    assert missing == {grant: denied(grant.role, document) for grant, document in documents.items()}
    assert {grant for grant, found in missing.items() if not found} == set(filter(is_unused, documents))


def test_iam_simulate_decides_the_cases_of_the_evaluator_in_the_same_way() -> None:
    cases = [
        {"policy": CASES["policy"], "action": action, "resource": resource, "context": given}
        for action, resource, given, _ in CASES["cases"]
    ]
    assert simulate(cases) == [decision for *_, decision in CASES["cases"]]
