"""All applications of EMR Serverless with their job runs."""

from __future__ import annotations

from localaws.emr_serverless.errors import not_found
from localaws.emr_serverless.model import Application, ApplicationState, JobRun
from localaws.registry import Registry


class ApplicationRegistry(Registry[Application]):
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

    def live_applications(self) -> list[Application]:
        return [a for a in self.newest_first() if a.state is not ApplicationState.TERMINATED]
