"""All applications with their job runs, protected by one lock, and their clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Condition

from localaws.emr_serverless.errors import not_found
from localaws.emr_serverless.model import Application, ApplicationState, JobRun


def wall_clock() -> datetime:
    return datetime.now(UTC)


class ApplicationRegistry:
    def __init__(self, clock: Callable[[], datetime] = wall_clock) -> None:
        self.clock = clock
        self._changed = Condition()
        self._applications: dict[str, Application] = {}

    @contextmanager
    def transaction(self) -> Iterator[datetime]:
        """Hold the lock, yield the current time, and notify the waiting threads at the end."""
        with self._changed:
            yield self.clock()
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for the end of a transaction, at most ``seconds``."""
        with self._changed:
            self._changed.wait(seconds)

    def add(self, application: Application) -> None:
        with self.transaction():
            self._applications[application.id] = application

    def get(self, application_id: str) -> Application | None:
        with self._changed:
            return self._applications.get(application_id)

    def application(self, application_id: str) -> Application:
        """Raises ResourceNotFoundException."""
        if application := self.get(application_id):
            return application
        raise not_found("Application", application_id)

    def job_run(self, application_id: str, job_run_id: str) -> JobRun:
        """Raises ResourceNotFoundException."""
        if job_run := self.application(application_id).job_runs.get(job_run_id):
            return job_run
        raise not_found("JobRun", job_run_id)

    def tags(self, path: str) -> dict[str, str]:
        """Return the tags of ``/applications/<id>`` or ``/applications/<id>/jobruns/<id>``; empty if there is none."""
        _, _, application_id, *rest = [*path.split("/"), "", ""][:5]
        application = self.get(application_id)
        if application is None:
            return {}
        if rest[0] != "jobruns":
            return application.tags
        job_run = application.job_runs.get(rest[1])
        return job_run.tags if job_run else {}

    def applications(self) -> list[Application]:
        """Return all applications since the start of the server, the newest first."""
        with self._changed:
            return list(reversed(self._applications.values()))

    def live_applications(self) -> list[Application]:
        return [a for a in self.applications() if a.state is not ApplicationState.TERMINATED]
