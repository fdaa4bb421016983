"""The state machines of applications and job runs.

Pure: no threads, processes or clock. Each method that can change a state takes the current time. The caller calls
``advance`` as time passes, runs the attempts that it returns, and reports their end with ``JobRun.finish``.

Sources: EMR Serverless User Guide, "Application states" (applications.html), "Job run states" (job-states.html),
"Job resiliency" (jobs-resiliency.html), "Job concurrency and queuing" (job-concurrency-queuing.html).
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from localaws.emr_serverless.errors import validation_error

DEFAULT_IDLE_MINUTES = 15
DEFAULT_CONCURRENT_RUNS = 15
DEFAULT_TIMEOUT_MINUTES = 720
MAX_JOB_RUNS = 1000
"""Of more job runs of an application, those that ended and were submitted first are forgotten."""

RESTARTED = "The local AWS was restarted."


def new_id() -> str:
    """Return a new id in the format of EMR Serverless, such as ``00f1r3k2qc5v8k09``."""
    return "00" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(14))


class ApplicationState(StrEnum):
    CREATING = "CREATING"
    CREATED = "CREATED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    TERMINATED = "TERMINATED"


class JobRunState(StrEnum):
    SUBMITTED = "SUBMITTED"
    QUEUED = "QUEUED"
    PENDING = "PENDING"
    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"


ENDED = frozenset({JobRunState.SUCCESS, JobRunState.FAILED, JobRunState.CANCELLED})
# With autoStart, a job run starts an application in one of the first two states; in the others it waits.
ACCEPTS_JOB_RUNS = (
    ApplicationState.CREATED,
    ApplicationState.STOPPED,
    ApplicationState.STARTING,
    ApplicationState.STARTED,
)


@dataclass
class Attempt:
    """One execution of a job run; ``ended`` minus ``started`` is the time for which workers were used."""

    number: int
    created: datetime
    updated: datetime
    state: JobRunState = JobRunState.SUBMITTED
    details: str = ""
    started: datetime | None = None
    ended: datetime | None = None

    def change(self, state: JobRunState, now: datetime, details: str = "") -> None:
        self.state, self.updated, self.details = state, now, details
        if state is JobRunState.RUNNING:
            self.started = now
        if state in ENDED:
            self.ended = now


@dataclass
class JobRun:
    """``request`` is the input of StartJobRun, ``settings`` are those of the application at that time.

    ``cancel_grace`` is set while the job run is CANCELLING.
    """

    id: str
    application: Application
    request: Mapping[str, Any]
    settings: Mapping[str, Any]
    created: datetime
    tags: dict[str, str] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    cancel_grace: timedelta | None = None
    queued: timedelta = timedelta()

    def __post_init__(self) -> None:
        if not self.attempts:
            self.attempts.append(Attempt(1, self.created, self.created))

    @property
    def attempt(self) -> Attempt:
        return self.attempts[-1]

    @property
    def state(self) -> JobRunState:
        return self.attempt.state

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def name(self) -> str:
        name: str = self.request.get("name", "")
        return name

    @property
    def timeout_minutes(self) -> int:
        minutes: int = self.request.get("executionTimeoutMinutes", DEFAULT_TIMEOUT_MINUTES)
        return minutes

    @property
    def started(self) -> datetime | None:
        return self.attempts[0].started

    def cancel(self, grace: timedelta, now: datetime) -> None:
        if self.has_ended:
            raise validation_error(f"Job run {self.id} is not in a cancellable state: it is {self.state}.")
        if self.state is JobRunState.RUNNING:
            self.cancel_grace = grace
            self.attempt.change(JobRunState.CANCELLING, now)
        elif self.state is not JobRunState.CANCELLING:
            self.attempt.change(JobRunState.CANCELLED, now)

    def check_timeout(self, now: datetime) -> None:
        """Begin to cancel a job run that has exceeded its ``executionTimeoutMinutes``."""
        timeout = timedelta(minutes=self.timeout_minutes)
        if self.state is JobRunState.RUNNING and self.started and now >= self.started + timeout:
            self.cancel(timedelta(), now)
            self.attempt.details = f"The job run exceeded its timeout of {self.timeout_minutes} minutes."

    def finish(self, failure: str | None, now: datetime) -> None:
        """Record the end of the attempt; ``failure`` says why it failed, None if it has not."""
        if self.state is JobRunState.CANCELLING:
            self.attempt.change(JobRunState.CANCELLED, now, self.attempt.details)
        elif failure is None:
            self.attempt.change(JobRunState.SUCCESS, now)
        else:
            self.attempt.change(JobRunState.FAILED, now, failure)
            if self.attempt.number < self.request.get("retryPolicy", {}).get("maxAttempts", 1):
                self.attempts.append(Attempt(self.attempt.number + 1, now, now))


def no_failure() -> str:
    return ""


@dataclass
class Application:
    """An application with its job runs.

    ``phase`` is the duration of CREATING, STARTING and STOPPING. ``settings`` are the members of CreateApplication and
    UpdateApplication. Hooks for planned faults: ``start_delay`` returns for how long STARTING takes longer,
    ``start_failure`` why the start has failed ('' if it has not).
    """

    id: str
    settings: dict[str, Any]
    created: datetime
    phase: timedelta
    tags: dict[str, str] = field(default_factory=dict)
    job_runs: dict[str, JobRun] = field(default_factory=dict)
    state: ApplicationState = ApplicationState.CREATING
    details: str = ""
    start_delay: Callable[[], timedelta] = timedelta
    start_failure: Callable[[], str] = no_failure

    def __post_init__(self) -> None:
        self.updated = self.created
        self.due = self.created + self.phase
        self.idle_since = self.created

    @property
    def name(self) -> str:
        name: str = self.settings.get("name", "")
        return name

    @property
    def active_job_runs(self) -> list[JobRun]:
        return [job_run for job_run in self.job_runs.values() if not job_run.has_ended]

    def start(self, now: datetime) -> None:
        self._require("STARTED", ApplicationState.STOPPED, ApplicationState.CREATED)
        self._change(ApplicationState.STARTING, now)
        self.due = now + self.phase + self.start_delay()

    def stop(self, now: datetime) -> None:
        """Stop the application; nothing happens if it is stopped, since Airflow's delete operator stops it again."""
        idle = (ApplicationState.CREATED, ApplicationState.STOPPING, ApplicationState.STOPPED)
        if self.state in idle:
            return
        self._require("STOPPED", ApplicationState.STARTING, ApplicationState.STARTED, *idle)
        if active := self.active_job_runs:
            raise validation_error(
                f"Application cannot be STOPPED. All scheduled and running jobs must be completed or cancelled before "
                f"stopping an application: {', '.join(job_run.id for job_run in active)}."
            )
        self._change(ApplicationState.STOPPING, now)
        self.due = now + self.phase

    def terminate(self, now: datetime) -> None:
        self._require_changeable("deleted")
        self._change(ApplicationState.TERMINATED, now)

    def update(self, settings: Mapping[str, Any], now: datetime) -> None:
        self._require_changeable("updated")
        self.settings = {**self.settings, **settings}
        self.updated = now

    def submit(self, job_run: JobRun, now: datetime) -> None:
        """Accept a new job run; with autoStart, start the application if necessary."""
        if self.state not in ACCEPTS_JOB_RUNS:
            raise self._wrong_state("to accept job runs", *ACCEPTS_JOB_RUNS)
        if self.state in ACCEPTS_JOB_RUNS[:2]:
            if not self.settings.get("autoStartConfiguration", {}).get("enabled", True):
                raise self._wrong_state("to accept job runs", *ACCEPTS_JOB_RUNS[2:])
            self.start(now)
        self.job_runs[job_run.id] = job_run
        if len(self.job_runs) > MAX_JOB_RUNS:
            oldest = next((each for each in self.job_runs.values() if each.has_ended), job_run)
            if oldest is not job_run:
                del self.job_runs[oldest.id]

    def advance(self, now: datetime) -> list[JobRun]:
        """Make the state changes that are due at ``now``; return the job runs that begin to run now."""
        if self.state is ApplicationState.CREATING and now >= self.due:
            self._change(ApplicationState.CREATED, now)
        elif self.state is ApplicationState.STARTING and now >= self.due:
            self._end_start(now)
        elif self.state is ApplicationState.STOPPING and now >= self.due:
            self._change(ApplicationState.STOPPED, now)
        if self.state is not ApplicationState.STARTED:
            return []
        active = self.active_job_runs
        if active:
            self.idle_since = now
        elif self._is_idle_too_long(now):
            self.stop(now)
        for job_run in active:
            job_run.check_timeout(now)
        return [job_run for job_run in active if self._advance(job_run, now)]

    def lose(self, now: datetime) -> None:
        """Stop an application whose processes have ended with the server: its active job runs are FAILED."""
        for job_run in self.active_job_runs:
            job_run.attempt.change(JobRunState.FAILED, now, RESTARTED)
        if self.state is ApplicationState.CREATING:
            self._change(ApplicationState.CREATED, now)
        elif self.state in {ApplicationState.STARTING, ApplicationState.STARTED, ApplicationState.STOPPING}:
            self._change(ApplicationState.STOPPED, now, RESTARTED)

    def _end_start(self, now: datetime) -> None:
        if reason := self.start_failure():
            self._change(ApplicationState.STOPPED, now, reason)
            for job_run in self.active_job_runs:
                job_run.attempt.change(JobRunState.FAILED, now, f"The application failed to start: {reason}")
        else:
            self._change(ApplicationState.STARTED, now)
            self.idle_since = now

    def _advance(self, job_run: JobRun, now: datetime) -> bool:
        """Make the next change of a job run that waits; return whether it begins to run."""
        attempt = job_run.attempt
        if attempt.state in {JobRunState.SUBMITTED, JobRunState.QUEUED}:
            if self._has_free_slot():
                if attempt.state is JobRunState.QUEUED:
                    job_run.queued += now - attempt.updated
                attempt.change(JobRunState.PENDING, now)
            elif attempt.state is JobRunState.SUBMITTED:
                attempt.change(JobRunState.QUEUED, now)
        elif attempt.state is JobRunState.PENDING:
            attempt.change(JobRunState.SCHEDULED, now)
        elif attempt.state is JobRunState.SCHEDULED:
            attempt.change(JobRunState.RUNNING, now)
            return True
        return False

    def _has_free_slot(self) -> bool:
        """Return whether the schedulerConfiguration, if there is one, allows another job run."""
        scheduler = self.settings.get("schedulerConfiguration")
        waiting = {JobRunState.SUBMITTED, JobRunState.QUEUED}
        used = sum(job_run.state not in waiting for job_run in self.active_job_runs)
        return scheduler is None or used < scheduler.get("maxConcurrentRuns", DEFAULT_CONCURRENT_RUNS)

    def _is_idle_too_long(self, now: datetime) -> bool:
        auto_stop = self.settings.get("autoStopConfiguration", {})
        timeout = timedelta(minutes=auto_stop.get("idleTimeoutMinutes", DEFAULT_IDLE_MINUTES))
        return bool(auto_stop.get("enabled", True)) and now >= self.idle_since + timeout

    def _change(self, state: ApplicationState, now: datetime, details: str = "") -> None:
        self.state, self.updated, self.details = state, now, details

    def _require(self, target: str, *states: ApplicationState) -> None:
        if self.state not in states:
            raise validation_error(
                f"Application cannot be {target}. Applications must be in one of the following statuses: "
                f"[{', '.join(states)}]"
            )

    def _require_changeable(self, change: str) -> None:
        allowed = (ApplicationState.STOPPED, ApplicationState.CREATED)
        if self.state not in allowed:
            raise self._wrong_state(f"to be {change}", *allowed)

    def _wrong_state(self, purpose: str, *states: ApplicationState) -> Exception:
        return validation_error(
            f"Application {self.id} must be in one of the statuses {purpose}: [{', '.join(states)}]. "
            f"Current status: {self.state}"
        )
