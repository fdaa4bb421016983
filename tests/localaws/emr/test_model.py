"""The states of clusters and steps, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from localaws.emr.model import (
    ENDED_STATES,
    IDLE,
    USER_REQUEST,
    Cluster,
    ClusterState,
)
from localaws.emr.steps import CancelOption, Failure, Step, StepState
from localaws.protocol import AwsError

START = datetime(2025, 1, 1, tzinfo=UTC)
PHASE = timedelta(seconds=10)
READY = START + 2 * PHASE
LATER = READY + timedelta(minutes=1)
FAILURE = Failure("Unknown Error", "boom")


def step(name: str, action: str = "CONTINUE") -> Step:
    return Step(f"s-{name}", name, "command-runner.jar", ("spark-submit",), action, START)


def cluster(
    *steps: Step, keep_alive: bool = True, protected: bool = False, idle_timeout: timedelta | None = None
) -> Cluster:
    new = Cluster("j-1", "c", START, PHASE, {}, keep_alive, protected, idle_timeout)
    new.add_steps(steps, START)
    return new


def ready(*steps: Step, keep_alive: bool = True, protected: bool = False) -> Cluster:
    new = cluster(*steps, keep_alive=keep_alive, protected=protected)
    new.advance(START + PHASE)
    new.advance(READY)
    return new


def run_next(c: Cluster, failure: Failure | None = None) -> Step:
    running = c.start_step(LATER)
    assert running
    c.finish_step(running, failure, LATER)
    return running


def states(steps: Sequence[Step]) -> list[str]:
    return [str(s.state) for s in steps]


def test_a_cluster_is_starting_then_bootstrapping_then_waiting() -> None:
    c = cluster()
    seen = []
    for seconds in (0, 9, 10, 19, 20):
        c.advance(START + timedelta(seconds=seconds))
        seen.append(str(c.state))
    assert seen == ["STARTING", "STARTING", "BOOTSTRAPPING", "BOOTSTRAPPING", "WAITING"]
    assert (c.ready, c.reason.message) == (READY, "Cluster ready to run steps.")


def test_no_step_runs_before_the_cluster_is_ready() -> None:
    c = cluster(step("a"))
    assert c.start_step(START) is None
    c.advance(START + PHASE)
    assert c.start_step(START + PHASE) is None
    c.advance(READY)
    assert c.state is ClusterState.RUNNING
    assert c.start_step(READY)


def test_steps_run_one_at_a_time_in_submission_order() -> None:
    a, b = step("a"), step("b")
    c = ready(a, b)
    assert c.start_step(READY) is a
    assert c.start_step(READY) is None
    c.finish_step(a, None, LATER)
    assert (a.state, a.started, a.ended) == (StepState.COMPLETED, READY, LATER)
    assert run_next(c) is b
    assert (c.state, c.reason.message) == (ClusterState.WAITING, "Cluster ready after last step completed.")


def test_a_cluster_that_is_not_kept_alive_terminates_after_its_last_step() -> None:
    c = ready(step("a"), keep_alive=False)
    run_next(c)
    assert c.state is ClusterState.TERMINATING
    c.advance(LATER)
    assert (c.state, c.reason.code, c.ended) == (ClusterState.TERMINATED, "ALL_STEPS_COMPLETED", LATER)


@pytest.mark.parametrize(
    ("action", "others", "cluster_state", "code"),
    [
        ("CONTINUE", ["PENDING"], ClusterState.RUNNING, None),
        ("CANCEL_AND_WAIT", ["CANCELLED"], ClusterState.WAITING, None),
        ("TERMINATE_CLUSTER", ["CANCELLED"], ClusterState.TERMINATED_WITH_ERRORS, "STEP_FAILURE"),
        ("TERMINATE_JOB_FLOW", ["CANCELLED"], ClusterState.TERMINATED_WITH_ERRORS, "STEP_FAILURE"),
    ],
)
def test_a_failed_step_triggers_its_action_on_failure(
    action: str, others: list[str], cluster_state: ClusterState, code: str | None
) -> None:
    failing, next_step = step("a", action), step("b")
    c = ready(failing, next_step)
    run_next(c, FAILURE)
    c.advance(LATER)
    assert (failing.state, failing.failure) == (StepState.FAILED, FAILURE)
    assert (states([next_step]), c.state, c.reason.code) == (others, cluster_state, code)


def test_a_protected_cluster_is_kept_after_a_failed_step() -> None:
    c = ready(step("a", "TERMINATE_CLUSTER"), step("b"), keep_alive=False, protected=True)
    run_next(c, FAILURE)
    assert (c.state, states(c.steps)) == (ClusterState.WAITING, ["FAILED", "CANCELLED"])


def test_a_protected_cluster_terminates_after_successful_steps() -> None:
    c = ready(step("a"), keep_alive=False, protected=True)
    run_next(c)
    assert c.state is ClusterState.TERMINATING


def test_a_failed_step_with_continue_is_in_the_termination_reason() -> None:
    c = ready(step("a"), keep_alive=False)
    run_next(c, FAILURE)
    assert c.reason.message == "Steps completed with errors"


def test_a_pending_step_is_cancelled_immediately_and_a_running_one_when_its_process_ends() -> None:
    a, b = step("a", "TERMINATE_CLUSTER"), step("b")
    c = ready(a, b)
    c.start_step(READY)
    for s in (a, b):
        assert c.cancel_step(s, CancelOption.SEND_INTERRUPT, READY) is None
    assert states([a, b]) == ["CANCEL_PENDING", "CANCELLED"]
    assert c.cancel_step(a, CancelOption.TERMINATE_PROCESS, READY) is None  # idempotent
    c.finish_step(a, FAILURE, LATER)
    assert (a.state, a.failure, c.state) == (StepState.CANCELLED, None, ClusterState.WAITING)
    assert "CANCELLED" in (c.cancel_step(a, CancelOption.SEND_INTERRUPT, LATER) or "")


def test_a_step_that_succeeds_while_cancel_pending_is_completed() -> None:
    a = step("a")
    c = ready(a)
    c.start_step(READY)
    c.cancel_step(a, CancelOption.SEND_INTERRUPT, READY)
    c.finish_step(a, None, LATER)
    assert a.state is StepState.COMPLETED


def test_termination_cancels_pending_steps_and_interrupts_the_running_one() -> None:
    a, b = step("a"), step("b")
    c = ready(a, b)
    c.start_step(READY)
    c.terminate(USER_REQUEST, LATER)
    c.advance(LATER)
    assert (c.state, states([a, b])) == (ClusterState.TERMINATING, ["RUNNING", "CANCELLED"])
    c.finish_step(a, FAILURE, LATER)
    c.advance(LATER)
    assert (c.state, a.state, c.reason) == (ClusterState.TERMINATED, StepState.INTERRUPTED, USER_REQUEST)


@pytest.mark.parametrize("moment", [START, START + PHASE])
def test_a_cluster_can_be_terminated_before_it_is_ready(moment: datetime) -> None:
    c = cluster(step("a"))
    c.advance(moment)
    c.terminate(USER_REQUEST, moment)
    c.advance(LATER)
    assert (c.state, c.ready, states(c.steps)) == (ClusterState.TERMINATED, None, ["CANCELLED"])


def test_a_terminated_cluster_does_not_change() -> None:
    c = ready()
    c.terminate(USER_REQUEST, READY)
    c.advance(READY)
    c.terminate(IDLE, LATER)
    c.set_keep_alive(False, LATER)
    c.advance(LATER)
    assert (c.state in ENDED_STATES, c.reason, c.ended) == (True, USER_REQUEST, READY)
    with pytest.raises(AwsError, match="shutting down, terminated, or finished may not be modified"):
        c.add_steps([step("late")], LATER)
    assert not c.steps


def test_the_idle_timeout_counts_from_the_last_step() -> None:
    c = cluster(step("a"), idle_timeout=timedelta(seconds=60))
    c.advance(START + PHASE)
    c.advance(READY)
    c.start_step(READY)
    c.advance(READY + timedelta(hours=1))
    assert c.state is ClusterState.RUNNING
    c.finish_step(c.steps[0], None, LATER)
    c.advance(LATER + timedelta(seconds=59))
    assert c.state is ClusterState.WAITING
    c.add_steps([step("b")], LATER + timedelta(seconds=59))
    c.cancel_step(c.steps[1], CancelOption.SEND_INTERRUPT, LATER + timedelta(seconds=59))
    c.advance(LATER + timedelta(seconds=100))
    assert c.state is ClusterState.WAITING
    c.advance(LATER + timedelta(seconds=119))
    c.advance(LATER + timedelta(seconds=119))
    assert (c.state, c.reason) == (ClusterState.TERMINATED, IDLE)


def test_a_waiting_cluster_terminates_when_keep_alive_is_removed() -> None:
    c = ready()
    c.set_keep_alive(False, LATER)
    assert c.state is ClusterState.TERMINATING


def test_at_most_256_steps_can_be_active() -> None:
    c = ready(*[step(str(n)) for n in range(256)])
    with pytest.raises(AwsError, match="Maximum number of active steps"):
        c.add_steps([step("one more")], LATER)
    run_next(c)
    c.add_steps([step("one more")], LATER)
    assert len(c.steps) == 257
