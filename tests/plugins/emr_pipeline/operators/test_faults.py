"""The operators with throttled, denied and failed API calls, lost responses and lost connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.exceptions import AirflowException
from airflow.sdk.exceptions import AirflowFailException

from emr_pipeline.operators import base
from emr_pipeline.operators.athena import AthenaStatementOperator
from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.operators.step import AddStepsOperator, AwaitStepOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec, StepSpec
from emr_pipeline.targets.emr_ec2.cluster import LIVE_STATES, cluster_name
from localaws.faults import (
    ClusterTerminatesSlowly,
    Deny,
    DropConnection,
    Fault,
    Faults,
    QueryFails,
    ServerError,
    StepFails,
    StepKilled,
    Throttle,
)
from tests.plugins.emr_pipeline.operators.conftest import ATHENA, executions

Context = Callable[..., Any]
Plan = Callable[..., None]

STEP = StepSpec("work", "s3://operators/jobs/work.py")

LOST_RESPONSES = [
    pytest.param(lambda name: ServerError(name, 503, after_work=True), id="error after the call took effect"),
    pytest.param(
        lambda name: DropConnection(name, after_work=True), id="connection lost after the call took effect"
    ),
    pytest.param(lambda name: Throttle(name, times=2), id="throttled twice"),
]


@pytest.fixture(autouse=True)
def no_delay_between_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base.time, "sleep", lambda _: None)


@pytest.fixture
def plan(aws: Any) -> Iterator[Plan]:
    """A function that plans faults; each of them must be triggered before the test ends."""
    faults = Faults(aws.endpoint_url)
    ids: list[str] = []

    def planned(*wanted: Fault) -> None:
        ids.extend(faults.plan(*wanted))

    yield planned
    triggered = {fault_id: faults.triggered(fault_id) for fault_id in ids}
    faults.clear(*ids)
    assert all(triggered.values()), f"a planned fault was not triggered: {triggered}"


@pytest.fixture(scope="module", autouse=True)
def script(aws: Any) -> None:
    aws.client("s3").put_object(Bucket="operators", Key="jobs/work.py", Body=b"print('done')")


def create() -> CreateClusterOperator:
    return CreateClusterOperator(
        task_id="create_cluster",
        cluster=ClusterSpec("emr-7.13.0", core_nodes=1),
        settings=Settings(bucket="operators"),
    )


def terminate(cluster_id: str) -> TerminateClusterOperator:
    return TerminateClusterOperator(task_id="terminate_cluster", cluster_id=cluster_id)


def name_of(context: Any) -> str:
    return cluster_name(context["dag"].dag_id, context["run_id"])


def clusters(aws: Any, context: Any, states: tuple[str, ...] = LIVE_STATES) -> list[str]:
    pages = aws.client("emr").get_paginator("list_clusters").paginate(ClusterStates=list(states))
    return [c["Id"] for page in pages for c in page["Clusters"] if c["Name"] == name_of(context)]


def steps(aws: Any, cluster_id: str) -> list[str]:
    return [step["Name"] for step in aws.client("emr").list_steps(ClusterId=cluster_id)["Steps"]]


@pytest.mark.parametrize("fault", LOST_RESPONSES)
def test_one_cluster_is_created_although_the_response_was_lost(
    aws: Any, run: Context, plan: Plan, fault: Callable[[str], Fault]
) -> None:
    context = run()
    plan(fault("RunJobFlow"))
    cluster_id = create().execute(context)
    assert clusters(aws, context) == [cluster_id]
    terminate(cluster_id).execute(context)
    assert clusters(aws, context) == []


@pytest.mark.parametrize("fault", LOST_RESPONSES)
def test_steps_are_queued_once_although_the_response_was_lost(
    aws: Any, cluster_id: str, run: Context, plan: Plan, fault: Callable[[str], Fault]
) -> None:
    plan(fault("AddJobFlowSteps"))
    AddStepsOperator(task_id="add_steps", cluster_id=cluster_id, steps=[STEP], plan=["work"]).execute(run())
    assert steps(aws, cluster_id) == ["work"]


@pytest.mark.parametrize("fault", LOST_RESPONSES)
def test_a_step_is_repeated_once_although_the_response_was_lost(
    aws: Any, cluster_id: str, run: Context, plan: Plan, fault: Callable[[str], Fault]
) -> None:
    plan(StepFails("work"))
    wait = AwaitStepOperator(task_id="work", cluster_id=cluster_id, step=STEP)
    with pytest.raises(AirflowException, match="a planned fault"):
        wait.execute(run())
    plan(fault("AddJobFlowSteps"))
    wait.execute(run(try_number=2))
    assert steps(aws, cluster_id) == ["work", "work"]


def test_a_denied_call_is_not_retried_and_creates_nothing(aws: Any, run: Context, plan: Plan) -> None:
    context = run()
    plan(Deny("RunJobFlow"))
    with pytest.raises(AirflowFailException, match=r"RunJobFlow.*AccessDenied"):
        create().execute(context)
    assert clusters(aws, context) == []


def test_the_wait_survives_throttling_server_errors_and_lost_connections(
    cluster_id: str, run: Context, plan: Plan
) -> None:
    plan(Throttle("DescribeStep", times=3), ServerError("DescribeStep"), DropConnection("DescribeStep"))
    AwaitStepOperator(task_id="work", cluster_id=cluster_id, step=STEP).execute(run())


def test_a_killed_step_fails_the_task_and_is_repeated_by_its_retry(
    aws: Any, cluster_id: str, run: Context, plan: Plan
) -> None:
    plan(StepKilled("work"))
    wait = AwaitStepOperator(task_id="work", cluster_id=cluster_id, step=STEP)
    with pytest.raises(AirflowException, match="work: "):
        wait.execute(run())
    assert wait.execute(run(try_number=2))


def test_the_cluster_is_terminated_even_if_it_cannot_be_described(aws: Any, run: Context, plan: Plan) -> None:
    """The provider's operator first reads the address of the logs. If that is denied, the cluster stays."""
    context = run()
    cluster_id = create().execute(context)
    plan(Deny("DescribeCluster"))
    with pytest.raises(AirflowFailException, match="AccessDenied"):
        terminate(cluster_id).execute(context)
    assert clusters(aws, context) == []


def test_terminate_waits_until_a_slow_cluster_has_ended(aws: Any, run: Context, plan: Plan) -> None:
    context = run()
    cluster_id = create().execute(context)
    plan(ClusterTerminatesSlowly(2.0, cluster=name_of(context)))
    terminate(cluster_id).execute(context)
    assert clusters(aws, context, (*LIVE_STATES, "TERMINATING")) == []


@pytest.mark.parametrize("fault", LOST_RESPONSES)
def test_a_query_runs_once_although_the_response_was_lost(
    aws: Any, run: Context, plan: Plan, fault: Callable[[str], Fault]
) -> None:
    before = executions(aws)
    plan(fault("StartQueryExecution"))
    AthenaStatementOperator(task_id="task", query=f"SELECT '{run()['run_id']}'", **ATHENA).execute(run())
    assert executions(aws) == before + 1


@pytest.mark.parametrize(("retryable", "error"), [(True, AirflowException), (False, AirflowFailException)])
def test_a_failed_query_is_retried_only_if_athena_marks_it_retryable(
    aws: Any, run: Context, plan: Plan, retryable: bool, error: type[Exception]
) -> None:
    query = f'SELECT 1 AS "{run()["run_id"]}"'
    plan(QueryFails(run()["run_id"], reason="no resources just now", retryable=retryable))
    with pytest.raises(AirflowException, match="no resources just now") as failure:
        AthenaStatementOperator(task_id="task", query=query, **ATHENA).execute(run())
    assert type(failure.value) is error
    AthenaStatementOperator(task_id="task", query=query, **ATHENA).execute(run(try_number=2))
