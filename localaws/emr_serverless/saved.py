"""The saved state of EMR Serverless: applications and job runs."""

from __future__ import annotations

import json
from collections.abc import Callable

from localaws.emr_serverless.application_registry import ApplicationRegistry
from localaws.emr_serverless.model import Application, JobRun
from localaws.state.database import Database
from localaws.state.documents import from_json, to_json
from localaws.state.saving import Resources, Source


def restore(
    database: Database, registry: ApplicationRegistry, launch: Callable[[Application], None]
) -> list[Source]:
    """Load the saved state and return its sources. Job runs that were active are FAILED.

    ``launch`` is called for each application that can run job runs again.
    """
    applications: Resources[Application] = Resources(
        "emr-serverless application",
        registry.by_id,
        registry.locked,
        lambda application: to_json(application, without=["job_runs"]),
    )
    job_runs: Resources[JobRun] = Resources(
        "emr-serverless job run",
        lambda: {job_run.id: job_run for a in registry.by_id().values() for job_run in a.job_runs.values()},
        registry.locked,
        _encode_job_run,
        lambda job_run: job_run.has_ended,
    )
    loaded = applications.load_as(database, Application)
    job_runs.load(database, lambda document: _decode_job_run(document, loaded))
    for application in loaded.values():
        with registry.locked() as now:
            application.lose(now)
        registry.add(application)
        launch(application)
    return [applications, job_runs]


def _encode_job_run(job_run: JobRun) -> bytes:
    return to_json({**vars(job_run), "application": job_run.application.id})


def _decode_job_run(document: bytes, applications: dict[str, Application]) -> JobRun:
    application = applications.get(json.loads(document)["application"])
    if application is None:
        raise ValueError("its application does not exist")
    job_run = from_json(JobRun, document, application=application)
    application.job_runs[job_run.id] = job_run
    return job_run
