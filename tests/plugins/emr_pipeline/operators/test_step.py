"""A step is queued once, found by its name, repeated if that can help, and explained if it fails."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.exceptions import AirflowException
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from botocore.exceptions import ClientError

from emr_pipeline.failure import Cause
from emr_pipeline.hook_clients import HookClients
from emr_pipeline.operators import base
from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.operators.step import AddStepsOperator, AwaitStepOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec, StepSpec
from emr_pipeline.targets.emr_ec2.target import EmrEc2
from emr_pipeline.targets.emr_ec2.triggers import StepTrigger

Context = Callable[..., Any]

SCRIPTS = {
    "succeed": "print('done')",
    "raise": "raise ValueError('no variance in 7 columns')",
    "refuse": "import sys; sys.exit('job.py: error: there is no valid line')",
    "divide": """
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate().sparkContext.range(3).map(lambda x: 1 / (x - 2)).collect()
""",
    "count": """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print(spark.read.schema("a int").parquet("s3://operators/corrupt/").count())
""",
    "hang": "import time; time.sleep(600)",
    # The last line follows only after the first one has been seen.
    "talk": """
import os, sys, time
print("the first line", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.1)
print("26/11/28 10:00:00 WARN Spark: a warning")
print("the last line")
""",
}


@pytest.fixture(scope="module")
def script(aws: Any) -> Callable[[str], str]:
    """A function that returns the S3 URI of one of ``SCRIPTS``."""
    for name, code in SCRIPTS.items():
        aws.client("s3").put_object(Bucket="operators", Key=f"jobs/{name}.py", Body=code.encode())
    return lambda name: f"s3://operators/jobs/{name}.py"


@pytest.fixture
def step(script: Callable[[str], str]) -> Callable[[str, str], StepSpec]:
    return lambda name, behaviour: StepSpec(name, script(behaviour))


@pytest.fixture
def cluster_with_live_logs(aws: Any, run: Context) -> Iterator[str]:
    settings = Settings(bucket="operators", log_group="/steps")
    create = CreateClusterOperator(
        task_id="create_cluster", cluster=ClusterSpec("emr-7.13.0", core_nodes=1), settings=settings
    )
    yield create.execute(run())
    TerminateClusterOperator(task_id="terminate_cluster", cluster_id="").execute(run())


def add(steps: list[StepSpec], cluster_id: str, plan: list[str] | None = None) -> AddStepsOperator:
    return AddStepsOperator(task_id="add_steps", cluster_id=cluster_id, steps=steps, plan=plan)


def wait_for(cluster_id: str, step: StepSpec, **kwargs: Any) -> AwaitStepOperator:
    return AwaitStepOperator(task_id=step.name, cluster_id=cluster_id, step=step, **kwargs)


def states(aws: Any, cluster_id: str) -> list[tuple[str, str]]:
    """Return the name and state of each step, oldest first."""
    listed = aws.client("emr").list_steps(ClusterId=cluster_id)["Steps"]
    return [(step["Name"], step["Status"]["State"]) for step in reversed(listed)]


def until_running(cluster_id: str, name: str) -> str:
    for _ in range(600):
        found = EmrEc2(HookClients(aws_conn_id="aws_default")).latest_steps(cluster_id).get(name)
        if found and found.state == "RUNNING":
            return found.step_id
        time.sleep(0.1)
    raise AssertionError(f"{name} does not run: {found}")


def test_steps_are_queued_once_in_their_order(aws: Any, cluster_id: str, run: Context, step: Any) -> None:
    operator = add([step("one", "hang"), step("two", "succeed")], cluster_id)
    first = operator.execute(run())
    assert operator.execute(run(try_number=2)) == first
    assert [name for name, _ in states(aws, cluster_id)] == ["one", "two"]


def test_a_step_outside_the_plan_is_not_queued(aws: Any, cluster_id: str, run: Context, step: Any) -> None:
    steps = [step("one", "hang"), step("two", "succeed"), step("three", "succeed")]
    assert list(add(steps, cluster_id, plan=["one", "three"]).execute(run())) == ["one", "three"]
    assert [name for name, _ in states(aws, cluster_id)] == ["one", "three"]


def test_a_completed_step_is_accepted_and_not_repeated(
    aws: Any, cluster_id: str, run: Context, step: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    operator = wait_for(cluster_id, step("one", "succeed"))
    step_id = operator.execute(run())
    assert wait_for(cluster_id, step("one", "succeed")).execute(run(try_number=2)) == step_id
    log = capfd.readouterr().out
    assert f"Step {step_id} of cluster {cluster_id}: COMPLETED after " in log
    assert re.search(r"its page with the logs: http\S+/emr-pipeline/dags/pipeline/runs/\S+/step", log)
    assert states(aws, cluster_id) == [("one", "COMPLETED")]


def test_the_log_of_the_driver_is_followed_while_the_step_runs(
    cluster_with_live_logs: str, run: Context, step: Any, tmp_path: Path, followed: dict[str, int]
) -> None:
    talk = replace(step("one", "talk"), arguments=[str(tmp_path / "seen")])
    wait_for(cluster_with_live_logs, talk).execute(run())
    assert {
        line: level for line, level in followed.items() if "line" in line or line.endswith("a warning")
    } == {
        "the first line": logging.INFO,
        "26/11/28 10:00:00 WARN Spark: a warning": logging.WARNING,
        "the last line": logging.INFO,
    }


def test_a_deferred_task_continues_the_log(
    cluster_with_live_logs: str,
    run: Context,
    step: Any,
    tmp_path: Path,
    followed: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "FIRST_WAIT_SECONDS", 10.0)
    talk = replace(step("one", "talk"), arguments=[str(tmp_path / "deferred")])
    with pytest.raises(TaskDeferred) as deferral:
        wait_for(cluster_with_live_logs, talk, deferrable=True).execute(run())
    assert "the last line" not in followed
    (tmp_path / "deferred").touch()
    _, arguments = deferral.value.trigger.serialize()
    asyncio.run(StepTrigger(**arguments).wait())
    assert [line for line in followed if "line" in line] == ["the first line", "the last line"]


def test_a_failed_step_is_explained_and_queued_again_by_a_retry(
    aws: Any, cluster_id: str, run: Context, step: Any
) -> None:
    with pytest.raises(AirflowException, match="one: ValueError: no variance in 7 columns") as failure:
        wait_for(cluster_id, step("one", "raise")).execute(run())
    assert not isinstance(failure.value, AirflowFailException)
    wait_for(cluster_id, step("one", "succeed")).execute(run(try_number=2))
    assert states(aws, cluster_id) == [("one", "FAILED"), ("one", "COMPLETED")]


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        ("divide", "ZeroDivisionError: division by zero"),
        ("count", "java.lang.RuntimeException: s3://operators/corrupt/part-0.parquet is not a Parquet file."),
    ],
)
def test_the_first_line_of_the_log_is_the_cause(
    aws: Any,
    cluster_id: str,
    run: Context,
    step: Any,
    capsys: pytest.CaptureFixture[str],
    behaviour: str,
    cause: str,
) -> None:
    aws.client("s3").put_object(Bucket="operators", Key="corrupt/part-0.parquet", Body=b"no Parquet" * 9)
    with pytest.raises(AirflowException):
        wait_for(cluster_id, step("one", behaviour)).execute(run())
    said = [line.partition("[error    ] ")[2] for line in capsys.readouterr().out.splitlines()]
    first, where, *excerpt = [line for line in said if line]
    assert first.startswith(f"one: {cause}")
    assert "FAILED. Log: s3://" in where
    assert any(cause in line for line in excerpt)
    assert any(line.startswith("  File ") and behaviour in line for line in excerpt)


def test_a_rejected_input_is_not_retried(cluster_id: str, run: Context, step: Any) -> None:
    with pytest.raises(AirflowFailException) as failure:
        wait_for(cluster_id, step("one", "refuse")).execute(run())
    assert str(failure.value) == "one: there is no valid line"


def test_a_step_that_was_cancelled_is_queued_again(
    aws: Any, cluster_id: str, run: Context, step: Any
) -> None:
    steps = [step("one", "raise"), step("two", "succeed")]
    add(steps, cluster_id).execute(run())
    with pytest.raises(AirflowException):
        wait_for(cluster_id, steps[0]).execute(run())
    wait_for(cluster_id, steps[1]).execute(run())
    assert states(aws, cluster_id) == [("one", "FAILED"), ("two", "CANCELLED"), ("two", "COMPLETED")]


@pytest.fixture
def interrupt() -> Iterator[Callable[[Callable[[], None]], None]]:
    """A function that sets the handler of SIGTERM, the signal that kills the process of a task."""
    before = signal.getsignal(signal.SIGTERM)

    def call(what: Callable[[], None]) -> None:
        signal.signal(signal.SIGTERM, lambda *_: what())

    yield call
    signal.signal(signal.SIGTERM, before)


def test_killing_the_task_cancels_its_step_and_the_steps_behind_it(
    aws: Any, cluster_id: str, run: Context, step: Any, interrupt: Callable[[Callable[[], None]], None]
) -> None:
    """The steps behind it need its output, and a retry would be queued behind them."""
    steps = [step("one", "hang"), step("two", "succeed")]
    add(steps, cluster_id).execute(run())
    operator = wait_for(cluster_id, steps[0], retries=0)
    interrupt(operator.on_kill)

    def kill() -> None:
        until_running(cluster_id, "one")
        while not operator._trigger:
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=kill).start()
    with pytest.raises(AirflowException):
        operator.execute(run())
    (_, one), (_, two) = states(aws, cluster_id)
    assert one in {"CANCELLED", "INTERRUPTED", "FAILED"}
    assert two == "CANCELLED"


def test_a_step_that_hangs_is_cancelled_at_its_deadline(
    aws: Any, cluster_id: str, run: Context, step: Any
) -> None:
    steps = [step("one", "hang"), step("two", "succeed")]
    add(steps, cluster_id).execute(run())
    with pytest.raises(
        AirflowException, match=r"one: step s-\w+ has not ended within 0:00:01 and was cancelled"
    ):
        wait_for(cluster_id, steps[0], timeout=timedelta(seconds=1)).execute(run())
    assert states(aws, cluster_id)[1] == ("two", "CANCELLED")


def test_the_task_waits_until_emr_has_copied_the_logs(
    aws: Any, cluster_id: str, run: Context, step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier_copy = Cause(excerpt=("26/11/28 08:00:00 INFO SparkContext: Running",))
    looks = iter([None, earlier_copy, Cause("traceback", "too late?")])
    monkeypatch.setattr("emr_pipeline.operators.step.most_specific_cause", lambda *_: next(looks))
    monkeypatch.setattr("emr_pipeline.operators.step.LOOK_AGAIN", 0)
    with pytest.raises(AirflowException, match=r"one: too late\?"):
        wait_for(cluster_id, step("one", "raise")).execute(run())


def test_a_step_fails_even_if_its_log_cannot_be_read(
    cluster_id: str, run: Context, step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any) -> Cause:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectsV2")

    monkeypatch.setattr("emr_pipeline.operators.step.most_specific_cause", denied)
    with pytest.raises(AirflowException, match=r"^one: ") as failure:
        wait_for(cluster_id, step("one", "raise")).execute(run())
    assert not isinstance(failure.value, AirflowFailException)


def test_a_deferred_task_waits_with_the_same_trigger(cluster_id: str, run: Context, step: Any) -> None:
    operator = wait_for(cluster_id, step("one", "hang"), deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(run())
    assert isinstance(deferred.value.trigger, StepTrigger)
    assert deferred.value.trigger.resource["cluster_id"] == cluster_id
    assert deferred.value.timeout > operator.timeout


def test_the_page_of_the_step_is_linked_while_the_task_waits(
    cluster_id: str, run: Context, step: Any
) -> None:
    """Airflow itself pushes the link only when the task ends or is deferred."""
    context = run()
    with pytest.raises(TaskDeferred) as deferred:
        wait_for(cluster_id, step("one", "hang"), deferrable=True).execute(context)
    assert context["ti"].xcoms["emr_step"] == deferred.value.trigger.resource
    assert context["ti"].xcoms["emr_step_page"].endswith("/tasks/task/step")


def test_a_cluster_that_has_ended_is_named_with_its_reason_and_the_task_to_clear(
    aws: Any, cluster_id: str, run: Context, step: Any
) -> None:
    aws.client("emr").terminate_job_flows(JobFlowIds=[cluster_id])
    with DAG("pipeline", schedule=None):
        rent = CreateClusterOperator(
            task_id="rent", cluster=ClusterSpec("emr-7.13.0", 1), settings=Settings(bucket="operators")
        )
        queue, wait = add([step("one", "succeed")], cluster_id), wait_for(cluster_id, step("two", "succeed"))
        rent >> queue >> wait
    for operator in (queue, wait):
        with pytest.raises(
            AirflowFailException, match=rf"cluster {cluster_id} is TERMINAT\w+: .*clear rent$"
        ):
            operator.execute(run())
