"""The DAG on Airflow's own processes, with faults: no cluster is left, and no step or query runs twice.

Run by ``make chaos``, which prints the matrix. Each case is a separate DAG run with its own run date. Both targets have
the same tests.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from devtools import airflow_services, aws, sales
from emr_pipeline.specs import EMR_EC2, EMR_SERVERLESS, TARGETS
from emr_pipeline.targets.emr_serverless.application import ENDED_STATES, LIVE_STATES, application_name
from localaws.faults import (
    ApplicationFailsToStart,
    BootstrapFails,
    ClusterFailsToStart,
    Delay,
    DropConnection,
    Fault,
    Faults,
    QueryFails,
    ServerError,
    SpotNodeLost,
    StepFails,
    StepHangs,
    StepKilled,
    Throttle,
)
from localaws.testing import LocalAws

pytestmark = pytest.mark.chaos

FIRST_DAY = date(2026, 2, 1)
"""The run date of the first case."""

APPLICATION_STATES = [*LIVE_STATES, "STOPPING", *ENDED_STATES]


@dataclass(frozen=True)
class Outcome:
    """The result of one case, a row of the matrix."""

    case: str
    state: str
    seconds: int
    clusters: int
    alive: int
    steps_twice: int
    queries_twice: int

    def row(self) -> str:
        return f"| {' | '.join(str(cell) for cell in astuple(self))} |"


HEADER = (
    "| case | run | seconds | clusters or applications created | left running | steps or job runs run twice | "
    "queries run twice |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass
class Stack:
    """A local AWS, an Airflow that uses it, and the outcomes of the cases so far."""

    local: LocalAws
    airflow: airflow_services.Airflow
    input: str
    customers: int
    restarts: ExitStack
    outcomes: list[Outcome] = field(default_factory=list)
    days: Iterator[date] = field(default_factory=lambda: map(date.fromordinal, count(FIRST_DAY.toordinal())))

    @property
    def faults(self) -> Faults:
        return Faults(self.local.endpoint_url)

    def restart_aws(self) -> None:
        """Kill the local AWS with all its steps, and start it again on the same port with the same state."""
        self.local.process.kill()
        self.local.process.wait()
        port = str(urlsplit(self.local.endpoint_url).port)
        self.restarts.enter_context(LocalAws("--port", port, state=self.local.state, region=aws.REGION))

    def trigger(self, target: str, **conf: Any) -> Case:
        since, run_date = datetime.now(UTC), str(next(self.days))
        shared = {"k_min": 2, "k_max": 3, "n_init": 1, "target": target, "input": self.input}
        run = self.airflow.trigger("sales_segmentation", run_date=run_date, **shared, **conf)
        return Case(self, target, run, run_date, since)


@dataclass(frozen=True)
class Case:
    """One DAG run, with its state in Airflow and in the local AWS. What was created before ``since`` is left out."""

    stack: Stack
    target: str
    run: airflow_services.DagRun
    run_date: str
    since: datetime

    def states(self, *task_ids: str) -> set[str]:
        """Return the states of the instances of these tasks."""
        return {state for task_id, state in self.run.tasks() if task_id in task_ids}

    def wait_for_the_first_step(self) -> None:
        """Wait until the step ``preprocess`` runs on the cluster and its task is deferred."""
        self.run.wait_for(lambda: self.states("preprocess") == {"deferred"})
        self.run.wait_for(lambda: self.running_step() == "preprocess")

    def clusters(self) -> list[dict[str, Any]]:
        """Return the run's clusters of EMR on EC2 and its applications of EMR Serverless, each with Id and State."""
        return [{"Id": c["Id"], "State": c["Status"]["State"]} for c in self._clusters()] + [
            {"Id": a["id"], "State": a["state"]} for a in self._applications()
        ]

    def _applications(self) -> list[dict[str, Any]]:
        client = self.stack.local.client("emr-serverless")
        pages = client.get_paginator("list_applications").paginate(states=APPLICATION_STATES)
        name = application_name("sales_segmentation", self.run.run_id)
        found = [application for page in pages for application in page["applications"]]
        return [each for each in found if each["name"] == name and each["createdAt"] >= self.since]

    def _clusters(self) -> list[dict[str, Any]]:
        emr = self.stack.local.client("emr")
        pages = emr.get_paginator("list_clusters").paginate(CreatedAfter=self.since)
        name = f"sales_segmentation {self.run.run_id}"
        return [cluster for page in pages for cluster in page["Clusters"] if cluster["Name"] == name]

    def alive(self) -> list[str]:
        active = (*aws.ACTIVE_STATES, *aws.ACTIVE_APPLICATION_STATES)
        return [cluster["Id"] for cluster in self.clusters() if cluster["State"] in active]

    def running_step(self) -> str:
        """Return the name of the running step, or an empty string."""
        return next((name for name, state in self.steps() if state == "RUNNING"), "")

    def steps(self) -> list[tuple[str, str]]:
        """Return the name and the state of each step and each job run, oldest first."""
        emr, serverless = (self.stack.local.client(service) for service in ("emr", "emr-serverless"))
        return [
            (step["Name"], step["Status"]["State"])
            for cluster in self._clusters()
            for step in reversed(emr.list_steps(ClusterId=cluster["Id"])["Steps"])
        ] + [
            (job_run["name"], job_run["state"])
            for application in self._applications()
            for job_run in reversed(serverless.list_job_runs(applicationId=application["id"])["jobRuns"])
        ]

    def steps_twice(self) -> int:
        """Return the number of steps that were queued although a step of the same name had not failed."""
        completed_or_live = [
            name
            for name, state in self.steps()
            if state in ("COMPLETED", "SUCCESS", "RUNNING", "PENDING", "SCHEDULED", "SUBMITTED")
        ]
        return sum(count - 1 for count in Counter(completed_or_live).values())

    def queries_twice(self) -> int:
        """Return the number of repeated successful executions of the same statement in this run."""
        athena = self.stack.local.client("athena")
        ids = [
            query_id
            for page in athena.get_paginator("list_query_executions").paginate()
            for query_id in page["QueryExecutionIds"]
        ]
        texts = []
        for start in range(0, len(ids), 50):
            for execution in athena.batch_get_query_execution(QueryExecutionIds=ids[start : start + 50])[
                "QueryExecutions"
            ]:
                status = execution["Status"]
                ours = f"run_date={self.run_date}/" in execution["ResultConfiguration"]["OutputLocation"]
                if ours and status["State"] == "SUCCEEDED" and status["SubmissionDateTime"] >= self.since:
                    texts.append(execution["Query"])
        return sum(count - 1 for count in Counter(texts).values())

    def rows(self) -> dict[str, int]:
        """Return the row counts of the task ``verify_row_counts`` by dataset."""
        counted: dict[str, int] = self.run.return_value("verify_row_counts")
        return counted

    def asset_events(self) -> list[dict[str, Any]]:
        """Return the asset events of the run."""
        events: list[dict[str, Any]] = self.stack.airflow.api("GET", "/assets/events?limit=100")[
            "asset_events"
        ]
        return [event for event in events if event["source_run_id"] == self.run.run_id]

    def outcome(self, case: str) -> Outcome:
        """Wait until the run has ended, and return and record its outcome."""
        state = self.run.wait_for_end()
        made, alive = len(self.clusters()), len(self.alive())
        outcome = Outcome(
            f"EMR Serverless: {case}" if self.target == EMR_SERVERLESS else case,
            state,
            round((datetime.now(UTC) - self.since).total_seconds()),
            made,
            alive,
            self.steps_twice(),
            self.queries_twice(),
        )
        self.stack.outcomes.append(outcome)
        return outcome


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("chaos")
    file = folder / "sales.csv"
    written = sales.write(file, 500, customers=50)
    with (
        LocalAws(state=folder / "aws", region=aws.REGION) as local,
        airflow_services.airflow(
            folder / "airflow",
            local.endpoint_url,
            AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE="True",
            AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT="30",
            AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL="5",
            AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC="2",
        ) as airflow,
        ExitStack() as restarts,
    ):
        uri = aws.provide(local, file, "beverage-lake", "raw/chaos.csv")
        for dag_id in ("sales_segmentation", "emr_reaper"):
            airflow.wait_for_dag(dag_id)
        running = Stack(local, airflow, uri, written.customers, restarts)
        yield running
        print("", HEADER, *(outcome.row() for outcome in running.outcomes), sep="\n")


@pytest.fixture(autouse=True)
def no_faults_left(stack: Stack) -> Iterator[None]:
    yield
    stack.faults.clear()


def assert_nothing_left_or_repeated(outcome: Outcome) -> None:
    assert outcome.alive == 0
    assert outcome.steps_twice == 0
    assert outcome.queries_twice == 0


ON_BOTH: dict[str, list[Fault]] = {
    "no fault": [],
    "step fails once": [StepFails("preprocess")],
    "step killed once": [StepKilled("kmeans", seconds=1)],
}

SURVIVABLE: dict[str, dict[str, list[Fault]]] = {
    EMR_EC2: {
        **ON_BOTH,
        "DescribeStep throttled, failing and disconnected": [
            Throttle("DescribeStep", times=5),
            ServerError("DescribeStep", times=2),
            DropConnection("DescribeStep", times=2),
        ],
        "RunJobFlow succeeds, its response is lost": [ServerError("RunJobFlow", 503, after_work=True)],
        "AddJobFlowSteps succeeds, its response is lost": [
            DropConnection("AddJobFlowSteps", after_work=True)
        ],
        "StartQueryExecution succeeds, its response is lost": [
            ServerError("StartQueryExecution", 503, after_work=True, times=3)
        ],
        "Spot node lost once": [SpotNodeLost("pca", seconds=1)],
        "query fails once with a retryable error": [
            QueryFails("MSCK", reason="no resources at the moment", retryable=True)
        ],
    },
    EMR_SERVERLESS: {
        **ON_BOTH,
        "GetJobRun throttled, failing and disconnected": [
            Throttle("emr-serverless:GetJobRun", times=5),
            ServerError("emr-serverless:GetJobRun", times=2),
            DropConnection("emr-serverless:GetJobRun", times=2),
        ],
        "CreateApplication succeeds, its response is lost": [
            ServerError("CreateApplication", 503, after_work=True)
        ],
        "StartJobRun succeeds, its response is lost": [
            DropConnection("emr-serverless:StartJobRun", after_work=True)
        ],
    },
}
"""EMR Serverless has no queued steps, Spot nodes or bootstrap actions; queries do not depend on the target."""

FATAL: dict[str, dict[str, tuple[list[Fault], set[str]]]] = {
    EMR_EC2: {
        "cluster fails to start": ([ClusterFailsToStart(times=9)], {"add_steps", "preprocess"}),
        "bootstrap fails": ([BootstrapFails(times=9)], {"add_steps", "preprocess"}),
        "step always fails": ([StepFails("pca", times=9)], {"pca"}),
        "query always fails": ([QueryFails("GROUP BY region", reason="COLUMN_NOT_FOUND")], {"queries"}),
    },
    EMR_SERVERLESS: {
        "application fails to start": ([ApplicationFailsToStart(times=9)], {"add_steps", "preprocess"}),
        "step always fails": ([StepFails("pca", times=9)], {"pca"}),
    },
}

LOST = {EMR_EC2: "TERMINATED_WITH_ERRORS", EMR_SERVERLESS: "STOPPED"}
"""The state of a cluster whose AWS was restarted."""

on_both_targets = pytest.mark.parametrize("target", TARGETS)


@pytest.mark.parametrize(
    ("target", "name"), [(target, name) for target, cases in SURVIVABLE.items() for name in cases]
)
def test_a_temporary_fault_does_not_fail_the_run(stack: Stack, target: str, name: str) -> None:
    stack.faults.plan(*SURVIVABLE[target][name])
    case = stack.trigger(target)
    outcome = case.outcome(name)
    assert_nothing_left_or_repeated(outcome)
    assert (outcome.state, outcome.clusters) == ("success", 1)
    assert case.rows()["customer_segments"] == stack.customers
    assert case.asset_events()
    note = stack.airflow.api("GET", case.run.path)["note"]
    assert " segments, silhouette " in note
    assert " node hours On-Demand, Athena scanned " in note


@pytest.mark.parametrize(
    ("target", "name"), [(target, name) for target, cases in FATAL.items() for name in cases]
)
def test_a_permanent_fault_fails_the_run_and_leaves_no_cluster(stack: Stack, target: str, name: str) -> None:
    faults, culprits = FATAL[target][name]
    stack.faults.plan(*faults)
    case = stack.trigger(target)
    outcome = case.outcome(name)
    assert_nothing_left_or_repeated(outcome)
    assert outcome.state == "failed"
    assert "failed" in case.states(*culprits)


@on_both_targets
@pytest.mark.parametrize(("answer", "state"), [("Approve", "success"), ("Reject", "failed")])
def test_a_run_over_its_budget_waits_for_a_user_before_it_creates_a_cluster(
    stack: Stack, target: str, answer: str, state: str
) -> None:
    # With many nodes the estimate exceeds the budget also after short runs.
    case = stack.trigger(target, core_nodes=20, budget=0.01, over_budget="ask")
    case.run.wait_for(lambda: case.states("estimate_cost") == {"awaiting_input"})
    path = f"{case.run.path}/taskInstances/estimate_cost/-1/hitlDetails"
    assert "The budget of the run is $0.01" in stack.airflow.api("GET", path)["body"]
    assert case.clusters() == []
    # Within the first seconds Airflow may process the end of the waiting process after the answer, and ask again.
    time.sleep(20)
    stack.airflow.api("PATCH", path, {"chosen_options": [answer]})
    outcome = case.outcome(f"over its budget: {answer}")
    assert_nothing_left_or_repeated(outcome)
    assert (outcome.state, outcome.clusters) == (state, 1 if answer == "Approve" else 0)


@on_both_targets
def test_two_runs_at_the_same_time_do_not_affect_each_other(stack: Stack, target: str) -> None:
    cases = [stack.trigger(target), stack.trigger(target)]
    for number, case in enumerate(cases, start=1):
        outcome = case.outcome(f"two runs at the same time, run {number}")
        assert_nothing_left_or_repeated(outcome)
        assert (outcome.state, outcome.clusters) == ("success", 1)


@on_both_targets
def test_the_triggerer_is_killed_and_restarted(stack: Stack, target: str) -> None:
    case = stack.trigger(target)
    case.wait_for_the_first_step()
    stack.airflow.kill("triggerer")
    stack.airflow.start("triggerer")
    outcome = case.outcome("triggerer killed while a step runs")
    assert_nothing_left_or_repeated(outcome)
    assert (outcome.state, outcome.clusters) == ("success", 1)


@pytest.mark.parametrize(
    ("target", "operation", "seen"),
    [
        (EMR_EC2, "RunJobFlow", Case.clusters),
        (EMR_EC2, "AddJobFlowSteps", Case.running_step),
        (EMR_SERVERLESS, "CreateApplication", Case.clusters),
        (EMR_SERVERLESS, "emr-serverless:StartJobRun", Case.running_step),
    ],
)
def test_a_worker_is_killed_before_it_gets_the_response(
    stack: Stack, target: str, operation: str, seen: Callable[[Case], Any]
) -> None:
    """The worker is killed when the call has succeeded but its response is delayed: the retry finds the result."""
    stack.faults.plan(Delay(operation, 20.0, after_work=True))
    case = stack.trigger(target)
    case.run.wait_for(lambda: seen(case))
    _kill_workers(stack)
    outcome = case.outcome(f"worker killed between {operation.rpartition(':')[2]} and its response")
    assert_nothing_left_or_repeated(outcome)
    assert (outcome.state, outcome.clusters) == ("success", 1)


@on_both_targets
def test_aws_is_restarted_during_the_run_and_loses_the_cluster(stack: Stack, target: str) -> None:
    case = stack.trigger(target)
    case.wait_for_the_first_step()
    stack.restart_aws()
    outcome = case.outcome("AWS restarted during the run, its cluster lost")
    assert_nothing_left_or_repeated(outcome)
    assert (outcome.state, outcome.clusters) == ("failed", 1)
    assert [cluster["State"] for cluster in case.clusters()] == [LOST[target]]
    after = stack.trigger(target).outcome("the next run after the restart")
    assert_nothing_left_or_repeated(after)
    assert after.state == "success"


@on_both_targets
def test_marking_a_deferred_task_failed_cancels_its_step(stack: Stack, target: str) -> None:
    stack.faults.plan(StepHangs("preprocess", seconds=1))
    case = stack.trigger(target)
    case.wait_for_the_first_step()
    stack.airflow.api("PATCH", f"{case.run.path}/taskInstances/preprocess", {"new_state": "failed"})
    case.run.wait_for(lambda: dict(case.steps())["preprocess"] in ("CANCELLED", "INTERRUPTED", "FAILED"), 120)
    outcome = case.outcome("deferred task marked failed")
    assert_nothing_left_or_repeated(outcome)
    assert outcome.state == "failed"


@on_both_targets
def test_clearing_a_task_while_its_step_runs_does_not_repeat_the_step(stack: Stack, target: str) -> None:
    case = stack.trigger(target)
    case.wait_for_the_first_step()
    clear(case, "preprocess", only_failed=False)
    outcome = case.outcome("deferred task cleared")
    assert_nothing_left_or_repeated(outcome)
    assert outcome.state == "success"


@on_both_targets
def test_clearing_a_task_of_an_ended_run_repeats_its_step_on_a_new_cluster(stack: Stack, target: str) -> None:
    """With a task, Airflow also clears its setup and its teardown."""
    case = stack.trigger(target)
    assert case.run.wait_for_end() == "success"
    cleared = replace(case, since=datetime.now(UTC))
    clear(case, "kmeans", only_failed=False, include_downstream=True)
    outcome = cleared.outcome("tasks cleared after the end of the run")
    assert_nothing_left_or_repeated(outcome)
    assert (outcome.state, outcome.clusters) == ("success", 1)
    repeated = {name for name, _ in cleared.steps()}
    assert "kmeans" in repeated
    assert "preprocess" not in repeated
    assert (len(case.clusters()), case.alive()) == (2, [])
    assert case.rows()["customer_segments"] == stack.customers


@on_both_targets
def test_a_run_marked_failed_ends_failed_and_leaves_no_cluster(stack: Stack, target: str) -> None:
    stack.faults.plan(StepHangs("preprocess", seconds=1))
    case = stack.trigger(target)
    case.wait_for_the_first_step()
    stack.airflow.api("PATCH", case.run.path, {"state": "failed"})
    outcome = case.outcome("run marked failed")
    assert_nothing_left_or_repeated(outcome)
    assert outcome.state == "failed"
    assert dict(case.steps())["preprocess"] != "RUNNING"
    assert (case.states("preprocess"), case.states("publish_report")) == ({"failed"}, {"upstream_failed"})
    assert case.states("terminate_cluster", "sweep_clusters") == {"success"}
    assert "silhouette" not in (stack.airflow.api("GET", case.run.path)["note"] or "")
    assert not case.asset_events()


def clear(case: Case, *task_ids: str, **which: bool) -> None:
    """Clear tasks of a run as the web UI does."""
    body = {"task_ids": task_ids, "dag_run_id": case.run.run_id, "dry_run": False, "only_running": False}
    case.stack.airflow.api("POST", "/dags/sales_segmentation/clearTaskInstances", body | which)


def _kill_workers(stack: Stack) -> None:
    """Kill the busy worker processes of the scheduler with SIGKILL, as the kernel does when memory runs out."""
    scheduler = psutil.Process(stack.airflow.processes["scheduler"].pid)
    busy = [
        process
        for process in scheduler.children(recursive=True)
        if process.status() != psutil.STATUS_ZOMBIE
        and "worker" in (title := " ".join(process.cmdline()))
        and "idle" not in title
    ]
    assert busy, "no worker is busy"
    for process in busy:
        os.kill(process.pid, signal.SIGKILL)


def test_the_matrix_is_clean(stack: Stack) -> None:
    assert {(o.alive, o.steps_twice, o.queries_twice) for o in stack.outcomes} == {(0, 0, 0)}
    Path(os.environ.get("CHAOS_MATRIX", os.devnull)).write_text(
        "\n".join([HEADER, *(outcome.row() for outcome in stack.outcomes)]) + "\n"
    )
