"""The state machines of applications and job runs, with a clock that the tests set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localaws.emr_serverless import model
from localaws.emr_serverless.model import Application, JobRun, new_id
from localaws.protocol import AwsError

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """An application and its time; ``tick`` lets time pass and advances the application."""

    def __init__(self, **settings: Any) -> None:
        self.now = START
        self.application = Application(
            new_id(), {"releaseLabel": "emr-7.13.0", **settings}, START, timedelta(seconds=10)
        )

    def tick(self, **time: float) -> list[JobRun]:
        self.now += timedelta(**time)
        return self.application.advance(self.now)

    def submit(self, **request: Any) -> JobRun:
        job_run = JobRun(new_id(), self.application, request, {}, self.now)
        self.application.submit(job_run, self.now)
        return job_run

    def run(self, job_run: JobRun) -> None:
        assert any(job_run in self.tick(seconds=1) for _ in range(5)), f"it is {job_run.state}"

    def started(self) -> Clock:
        self.tick(seconds=10)
        self.application.start(self.now)
        self.tick(seconds=10)
        return self


def test_an_application_is_created_started_stopped_and_terminated() -> None:
    clock = Clock()
    states = []
    for act in (None, clock.application.start, clock.application.stop):
        if act:
            act(clock.now)
        states.append(clock.application.state)
        clock.tick(seconds=9)
        states.append(clock.application.state)
        clock.tick(seconds=1)
        states.append(clock.application.state)
    assert states == [
        *("CREATING", "CREATING", "CREATED"),
        *("STARTING", "STARTING", "STARTED"),
        *("STOPPING", "STOPPING", "STOPPED"),
    ]
    clock.application.terminate(clock.now)
    assert clock.application.state == "TERMINATED"


def test_changes_in_a_wrong_state_are_refused() -> None:
    clock = Clock()
    for change in (clock.application.start, clock.application.stop, clock.application.terminate):
        with pytest.raises(AwsError, match="ValidationException"):
            change(clock.now)
    clock.started()
    with pytest.raises(AwsError, match=r"must be in one of the following statuses: \[STOPPED, CREATED\]"):
        clock.application.start(clock.now)
    with pytest.raises(AwsError, match="Current status: STARTED"):
        clock.application.update({}, clock.now)


def test_a_job_run_starts_an_application_and_passes_through_all_states() -> None:
    clock = Clock()
    clock.tick(seconds=10)
    job_run = clock.submit()
    states = [job_run.state]
    for _ in range(4):
        clock.tick(seconds=5)
        states.append(job_run.state)
    assert states == ["SUBMITTED", "SUBMITTED", "PENDING", "SCHEDULED", "RUNNING"]
    job_run.finish(None, clock.now)
    assert (job_run.state, job_run.attempt.ended) == ("SUCCESS", clock.now)


def test_without_auto_start_a_job_run_needs_a_started_application() -> None:
    clock = Clock(autoStartConfiguration={"enabled": False})
    clock.tick(seconds=10)
    with pytest.raises(AwsError, match="Current status: CREATED"):
        clock.submit()


@pytest.mark.parametrize("state", ["STOPPING", "TERMINATED"])
def test_an_application_that_ends_accepts_no_job_runs(state: str) -> None:
    clock = Clock().started()
    clock.application.stop(clock.now)
    if state == "TERMINATED":
        clock.tick(seconds=10)
        clock.application.terminate(clock.now)
    with pytest.raises(AwsError, match=f"Current status: {state}"):
        clock.submit()


def test_an_application_with_active_job_runs_cannot_be_stopped() -> None:
    clock = Clock().started()
    job_run = clock.submit()
    with pytest.raises(AwsError, match=job_run.id):
        clock.application.stop(clock.now)
    job_run.cancel(timedelta(), clock.now)
    clock.application.stop(clock.now)
    assert clock.application.state == "STOPPING"


def test_an_idle_application_stops() -> None:
    clock = Clock(autoStopConfiguration={"idleTimeoutMinutes": 2}).started()
    job_run = clock.submit()
    clock.run(job_run)
    clock.tick(minutes=5)
    assert clock.application.state == "STARTED"
    job_run.finish(None, clock.now)
    clock.tick(seconds=119)
    assert clock.application.state == "STARTED"
    clock.tick(seconds=1)
    assert clock.application.state == "STOPPING"


def test_an_idle_application_without_auto_stop_stays_started() -> None:
    clock = Clock(autoStopConfiguration={"enabled": False}).started()
    clock.tick(days=1)
    assert clock.application.state == "STARTED"


def test_a_job_run_that_waits_is_cancelled_at_once_and_a_running_one_with_its_process() -> None:
    clock = Clock().started()
    waiting, running = clock.submit(), clock.submit()
    waiting.cancel(timedelta(), clock.now)
    clock.run(running)
    running.cancel(timedelta(seconds=30), clock.now)
    assert (waiting.state, running.state, running.cancel_grace) == (
        "CANCELLED",
        "CANCELLING",
        timedelta(seconds=30),
    )
    running.finish("killed", clock.now)
    assert running.state == "CANCELLED"
    with pytest.raises(AwsError, match="not in a cancellable state"):
        running.cancel(timedelta(), clock.now)


def test_a_job_run_that_exceeds_its_timeout_is_cancelled() -> None:
    clock = Clock().started()
    job_run = clock.submit(executionTimeoutMinutes=5)
    clock.run(job_run)
    clock.tick(minutes=4)
    assert job_run.state == "RUNNING"
    clock.tick(minutes=1)
    assert job_run.state == "CANCELLING"
    job_run.finish("killed", clock.now)
    assert (job_run.state, job_run.attempt.details) == (
        "CANCELLED",
        "The job run exceeded its timeout of 5 minutes.",
    )


def test_a_failed_attempt_is_repeated_until_max_attempts() -> None:
    clock = Clock().started()
    job_run = clock.submit(retryPolicy={"maxAttempts": 2})
    clock.run(job_run)
    job_run.finish("first", clock.now)
    assert (job_run.state, job_run.attempt.number) == ("SUBMITTED", 2)
    clock.run(job_run)
    job_run.finish("second", clock.now)
    assert [(a.state, a.details) for a in job_run.attempts] == [("FAILED", "first"), ("FAILED", "second")]


def test_the_scheduler_queues_job_runs() -> None:
    clock = Clock(schedulerConfiguration={"maxConcurrentRuns": 1}).started()
    first, second = clock.submit(), clock.submit()
    clock.run(first)
    assert second.state == "QUEUED"
    clock.tick(seconds=60)
    first.finish(None, clock.now)
    clock.run(second)
    assert second.queued > timedelta(seconds=60)


def test_job_runs_fail_with_the_start_of_their_application() -> None:
    clock = Clock()
    clock.application.start_failure = lambda: "no free IP addresses"
    clock.tick(seconds=10)
    job_run = clock.submit()
    clock.tick(seconds=10)
    assert (clock.application.state, clock.application.details) == ("STOPPED", "no free IP addresses")
    assert (job_run.state, job_run.attempt.details) == (
        "FAILED",
        "The application failed to start: no free IP addresses",
    )


def test_the_oldest_ended_job_run_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "MAX_JOB_RUNS", 2)
    clock = Clock().started()
    first, second = clock.submit(), clock.submit()
    second.cancel(timedelta(), clock.now)
    third = clock.submit()
    assert [*clock.application.job_runs] == [first.id, third.id]
