"""The operators on EMR Serverless: one application for a run, one job run for a step, and nothing left running."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.exceptions import AirflowException
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from botocore.exceptions import ClientError

from emr_pipeline.hook_clients import HookClients
from emr_pipeline.operators import step as step_module
from emr_pipeline.operators.cluster import (
    CreateClusterOperator,
    ReapClustersOperator,
    TerminateClusterOperator,
)
from emr_pipeline.operators.step import AddStepsOperator, AwaitStepOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import EMR_SERVERLESS, ClusterSpec, StepSpec
from emr_pipeline.tags import deployment_tags
from emr_pipeline.targets.emr_serverless import application
from emr_pipeline.targets.emr_serverless.target import EmrServerless
from emr_pipeline.targets.emr_serverless.triggers import JobRunTrigger
from emr_pipeline.targets.phase import Phase
from emr_pipeline.targets.target import Step
from localaws.faults import DropConnection, Fault, Faults, ServerError

Context = Callable[..., Any]

SETTINGS = Settings(bucket="operators", job_role="arn:aws:iam::123456789012:role/job")
ON_SERVERLESS = {"target": EMR_SERVERLESS}
START_JOB_RUN = "emr-serverless:StartJobRun"
SCRIPTS = {
    "succeed": "print('done')",
    "raise": "raise ValueError('no variance in 7 columns')",
    "refuse": "import sys; sys.exit('job.py: error: there is no valid line')",
    "hang": "import time; time.sleep(600)",
    # The last line follows only after the first one has been seen.
    "talk": """
import os, sys, time
print("the first line", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.1)
print("the last line")
""",
}


@pytest.fixture(scope="module", autouse=True)
def scripts(aws: Any) -> None:
    for name, code in SCRIPTS.items():
        aws.client("s3").put_object(Bucket="operators", Key=f"jobs/serverless/{name}.py", Body=code.encode())


@pytest.fixture
def plan(aws: Any) -> Iterator[Callable[[Fault], None]]:
    """A function that plans a fault, which must be triggered before the test ends."""
    faults = Faults(aws.endpoint_url)
    ids: list[str] = []
    yield lambda fault: ids.extend(faults.plan(fault))
    triggered = [faults.triggered(fault_id) for fault_id in ids]
    faults.clear(*ids)
    assert all(triggered)


def step(name: str, behaviour: str) -> StepSpec:
    script = f"s3://operators/jobs/serverless/{behaviour}.py"
    return StepSpec(name, script, execution_roles=SETTINGS.execution_roles)


def create(settings: Settings = SETTINGS) -> CreateClusterOperator:
    cluster = ClusterSpec("emr-7.13.0", core_nodes=1)
    return CreateClusterOperator(task_id="create", cluster=cluster, settings=settings, **ON_SERVERLESS)


def terminate(application_id: str) -> TerminateClusterOperator:
    return TerminateClusterOperator(task_id="terminate", cluster_id=application_id, **ON_SERVERLESS)


def wait_for(application_id: str, spec: StepSpec, **kwargs: Any) -> AwaitStepOperator:
    return AwaitStepOperator(
        task_id=spec.name, cluster_id=application_id, step=spec, **ON_SERVERLESS, **kwargs
    )


@pytest.fixture
def application_id(aws: Any, run: Context) -> Iterator[str]:
    yield create().execute(run())
    terminate("").execute(run())


def state_of(aws: Any, application_id: str) -> str:
    client = aws.client("emr-serverless")
    return str(client.get_application(applicationId=application_id)["application"]["state"])


def states(aws: Any, application_id: str) -> list[tuple[str, str]]:
    """Return the name and state of each job run, oldest first."""
    listed = aws.client("emr-serverless").list_job_runs(applicationId=application_id)["jobRuns"]
    ordered = sorted(listed, key=lambda job_run: job_run["createdAt"])
    return [(job_run["name"], job_run["state"]) for job_run in ordered]


def until_running(application_id: str, name: str) -> str:
    for _ in range(1200):
        found = EmrServerless(HookClients(aws_conn_id="aws_default")).latest_steps(application_id).get(name)
        if found and found.state == "RUNNING":
            return found.step_id
        time.sleep(0.1)
    raise AssertionError(f"{name} does not run: {found}")


def test_a_retry_finds_the_application_of_the_first_try_and_a_stopped_one_is_replaced(
    aws: Any, run: Context
) -> None:
    first = create().execute(run())
    assert create().execute(run(try_number=2)) == first
    terminate(first).execute(run())
    assert state_of(aws, first) == "STOPPED"
    fresh = create().execute(run(try_number=3))
    assert fresh != first
    terminate("").execute(run())
    assert state_of(aws, fresh) == "STOPPED"


def test_an_application_that_was_never_started_is_deleted(aws: Any, run: Context) -> None:
    """A worker may crash between the creation and the start."""
    operator = create()
    context = run()
    tags = {"dag_id": context["dag"].dag_id, "run_id": context["run_id"]}
    name = operator.emr.cluster_name(**tags)
    application_id = operator.emr.create(
        operator.emr.cluster_request(name, ClusterSpec("emr-7.13.0", 1), SETTINGS, tags)
    )
    terminate("").execute(context)
    assert state_of(aws, application_id) == "TERMINATED"


def test_steps_run_once_and_are_accepted_by_a_retry(aws: Any, application_id: str, run: Context) -> None:
    steps = [step("one", "succeed"), step("two", "succeed")]
    add = AddStepsOperator(task_id="add", cluster_id=application_id, steps=steps, **ON_SERVERLESS)
    assert add.execute(run()) == {}
    job_run_id = wait_for(application_id, steps[0]).execute(run())
    assert wait_for(application_id, steps[0]).execute(run(try_number=2)) == job_run_id
    assert add.execute(run(try_number=2)) == {"one": job_run_id}
    assert states(aws, application_id) == [("one", "SUCCESS")]
    cost = EmrServerless(HookClients(aws_conn_id="aws_default")).cost(application_id, datetime.now(UTC))
    assert {use.resource for use in cost.uses} == {"ARM64 vCPU", "ARM64 GB of memory"}
    assert list(cost.step_seconds) == ["one"]
    with pytest.raises(ClientError, match=f"job run {job_run_id} is SUCCESS and has no event log of Spark"):
        EmrServerless(HookClients(aws_conn_id="aws_default")).spark_ui(application_id, job_run_id, None)


def test_the_waiting_task_shows_the_new_lines_of_the_driver(
    run: Context, tmp_path: Path, followed: dict[str, int]
) -> None:
    application_id = create(replace(SETTINGS, log_group="/steps")).execute(run())
    talk = replace(step("one", "talk"), arguments=[str(tmp_path / "seen")])
    try:
        job_run_id = wait_for(application_id, talk, timeout=timedelta(minutes=3)).execute(run())
    finally:
        terminate(application_id).execute(run())
    assert [line for line in followed if "line" in line] == ["the first line", "the last line"]
    emr = EmrServerless(HookClients(aws_conn_id="aws_default"))
    streams = emr.describe(application_id, job_run_id).log_streams
    assert streams
    stdout = {log.name: log for log in emr.read_live_logs(streams)}["stdout"]
    assert stdout.text == "the first line\nthe last line"
    assert stdout.address == f"/steps: /applications/{application_id}/jobs/{job_run_id}/SPARK_DRIVER/stdout"


def test_a_failed_step_is_explained_and_repeated_by_a_retry(
    aws: Any, application_id: str, run: Context
) -> None:
    with pytest.raises(AirflowException, match="one: ValueError: no variance in 7 columns") as failure:
        wait_for(application_id, step("one", "raise")).execute(run())
    assert not isinstance(failure.value, AirflowFailException)
    assert f"/applications/{application_id}/jobs/" in failure.value.__notes__[0]
    wait_for(application_id, step("one", "succeed")).execute(run(try_number=2))
    assert states(aws, application_id) == [("one", "FAILED"), ("one", "SUCCESS")]


def test_a_rejected_input_is_not_retried(application_id: str, run: Context) -> None:
    with pytest.raises(AirflowFailException) as failure:
        wait_for(application_id, step("one", "refuse")).execute(run())
    assert str(failure.value) == "one: there is no valid line"


def test_a_step_without_an_execution_role_is_refused_before_it_is_submitted(
    aws: Any, application_id: str, run: Context
) -> None:
    steps = [StepSpec("one", "s3://operators/jobs/serverless/succeed.py")]
    add = AddStepsOperator(task_id="add", cluster_id=application_id, steps=steps, **ON_SERVERLESS)
    with pytest.raises(ValueError, match="EMR_PIPELINE_JOB_ROLE"):
        add.execute(run())
    assert states(aws, application_id) == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(ServerError(START_JOB_RUN, 503, after_work=True), id="error after the call took effect"),
        pytest.param(
            DropConnection(START_JOB_RUN, after_work=True), id="connection lost after the call took effect"
        ),
    ],
)
def test_a_step_is_submitted_once_although_the_response_was_lost(
    aws: Any, application_id: str, run: Context, plan: Callable[[Fault], None], fault: Fault
) -> None:
    plan(fault)
    wait_for(application_id, step("one", "succeed")).execute(run())
    assert states(aws, application_id) == [("one", "SUCCESS")]


def test_a_crashed_worker_leaves_a_token_with_which_a_retry_attaches(application_id: str) -> None:
    """Even if the list of job runs does not show the job run yet."""
    emr = EmrServerless(HookClients(aws_conn_id="aws_default"))
    first = emr.submit(application_id, step("one", "hang"))
    assert emr.submit(application_id, step("one", "hang")) == first
    assert emr.submit(application_id, step("one", "hang"), previous=first) != first


def test_a_retry_repeats_the_request_of_the_first_try_also_with_a_parent_run(
    aws: Any, application_id: str, run: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EMR Serverless refuses a client token with other parameters, and the id of a parent run contains the try."""
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__SPARK_INJECT_PARENT_JOB_INFO", "True")
    monkeypatch.setattr(
        "airflow.providers.common.compat.openlineage.utils.spark"
        ".inject_parent_job_information_into_spark_properties",
        lambda properties, context: {**properties, "spark.openlineage.parentRunId": context["ti"].try_number},
    )
    operator = wait_for(application_id, step("one", "hang"))
    first, retry = (operator._submit(run(try_number=number), None) for number in (1, 2))
    assert retry == first
    job_run = aws.client("emr-serverless").get_job_run(applicationId=application_id, jobRunId=first)["jobRun"]
    [defaults] = job_run["configurationOverrides"]["applicationConfiguration"]
    assert defaults["properties"] == {"spark.openlineage.parentRunId": "1"}


def test_a_retry_attaches_and_killing_the_task_cancels_the_job_run(
    aws: Any, application_id: str, run: Context
) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        wait_for(application_id, step("one", "hang"), deferrable=True).execute(run())
    trigger = deferred.value.trigger
    assert isinstance(trigger, JobRunTrigger)
    operator = wait_for(application_id, step("one", "hang"), retries=0)

    def kill() -> None:
        until_running(application_id, "one")
        while not operator._trigger:
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    try:
        threading.Thread(target=kill).start()
        with pytest.raises(AirflowException, match="one: "):
            operator.execute(run(try_number=2))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert operator._trigger is not None
    assert operator._trigger.resource == trigger.resource
    assert states(aws, application_id) == [("one", "CANCELLED")]


def test_a_step_that_hangs_is_cancelled_at_its_deadline_and_ended_twice_without_an_error(
    aws: Any, application_id: str, run: Context
) -> None:
    operator = wait_for(application_id, step("one", "hang"), timeout=timedelta(seconds=1))
    with pytest.raises(AirflowException, match=r"one: step \w+ has not ended within 0:00:01") as failure:
        operator.execute(run())
    assert "cancelled" in str(failure.value)
    operator.on_kill()
    terminate(application_id).execute(run())
    assert states(aws, application_id) == [("one", "CANCELLED")]


def test_a_step_is_repeated_only_after_its_cancelled_job_run_has_ended(
    aws: Any, application_id: str, run: Context
) -> None:
    """Otherwise both would write the same files: EMR Serverless runs job runs at the same time."""
    operator = wait_for(application_id, step("one", "succeed"))
    emr = operator.emr
    first = emr.submit(application_id, step("one", "hang"))
    until_running(application_id, "one")
    emr.cancel({"cluster_id": application_id, "step_id": first})
    second = operator.execute(run(try_number=2))
    cancelled, repeated = (emr.describe(application_id, job_run_id) for job_run_id in (first, second))
    assert cancelled.ended
    assert repeated.queued
    assert cancelled.ended <= repeated.queued


def test_a_step_that_is_not_cancelled_in_time_is_not_repeated(
    aws: Any, application_id: str, run: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = wait_for(application_id, step("one", "succeed"))
    cancelling = Step("00f0000000000000", "one", "CANCELLING", Phase.CANCELLING)
    monkeypatch.setattr(operator.emr, "latest_steps", lambda _: {"one": cancelling})
    monkeypatch.setattr(step_module, "CANCELLATION_SECONDS", 0)
    with pytest.raises(AirflowException, match="step 00f0000000000000 of an earlier try is still CANCELLING"):
        operator.execute(run(try_number=2))
    assert states(aws, application_id) == []


def test_terminate_cancels_the_open_job_runs_and_stops_the_application(
    aws: Any, application_id: str, run: Context
) -> None:
    EmrServerless(HookClients(aws_conn_id="aws_default")).submit(application_id, step("one", "hang"))
    until_running(application_id, "one")
    for _ in range(2):
        terminate(application_id).execute(run())
    assert states(aws, application_id) == [("one", "CANCELLED")]
    assert state_of(aws, application_id) == "STOPPED"
    with pytest.raises(
        AirflowFailException,
        match=f"cluster {application_id} is STOPPED: after 15 idle minutes, or at the end of its run; to create",
    ):
        wait_for(application_id, step("two", "succeed")).execute(run())


def reap(run: Context) -> dict[str, str]:
    """Run the reaper for an Airflow in which no run is active."""
    tags = [deployment_tags(SETTINGS)]
    operator = ReapClustersOperator(task_id="reap", tags=tags, max_hours=12.0, log_only=False)
    context = run()
    context["ti"].get_dr_count = lambda **_: 0
    found: dict[str, str] = operator.execute(context)
    return found


def test_an_application_that_emr_serverless_does_not_know_has_ended(
    run: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    terminate("00f0000000000000").execute(run())
    assert "Cluster 00f0000000000000 is not known to EMR Serverless" in capfd.readouterr().out


def test_the_reaper_deletes_an_application_that_was_stopped_long_ago(
    aws: Any, application_id: str, run: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminate(application_id).execute(run())
    other = create(replace(SETTINGS, project="other")).execute(run())
    terminate(other).execute(run())
    assert application_id not in reap(run)
    assert state_of(aws, application_id) == "STOPPED"
    monkeypatch.setattr(application, "KEPT_FOR", timedelta())
    assert reap(run)[application_id].endswith("has ended or no longer exists")
    assert state_of(aws, application_id) == "TERMINATED"
    assert state_of(aws, other) == "STOPPED"


def test_the_reaper_ends_the_application_of_an_ended_run(aws: Any, application_id: str, run: Context) -> None:
    EmrServerless(HookClients(aws_conn_id="aws_default")).submit(application_id, step("one", "hang"))
    until_running(application_id, "one")
    for _ in range(100):
        if application_id not in reap(run):
            break
        time.sleep(0.2)
    assert state_of(aws, application_id) in {"STOPPING", "STOPPED"}
    assert states(aws, application_id) == [("one", "CANCELLED")]
