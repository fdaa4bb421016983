"""Converts applications and job runs from the model into the members of the responses."""

from __future__ import annotations

from localaws import ACCOUNT
from localaws.emr_serverless.model import DEFAULT_IDLE_MINUTES, Application, Attempt, JobRun
from localaws.emr_serverless.request import spark_properties
from localaws.emr_serverless.workers import NO_MAXIMUM, billed, execution_seconds, total, workers_of
from localaws.protocol import JSON

ARN = f"arn:aws:emr-serverless:us-east-1:{ACCOUNT}:/applications/"
CREATED_BY = f"arn:aws:iam::{ACCOUNT}:root"


def application_arn(a: Application) -> str:
    return ARN + a.id


def job_run_arn(j: JobRun) -> str:
    return f"{ARN}{j.application.id}/jobruns/{j.id}"


def application(a: Application) -> JSON:
    return {
        "architecture": "X86_64",
        "autoStartConfiguration": {"enabled": True},
        "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": DEFAULT_IDLE_MINUTES},
        **a.settings,
        "applicationId": a.id,
        "arn": application_arn(a),
        "state": a.state,
        "stateDetails": a.details,
        "createdAt": a.created,
        "updatedAt": a.updated,
        "tags": a.tags,
    }


def application_summary(a: Application) -> JSON:
    return {
        "id": a.id,
        "name": a.settings.get("name"),
        "arn": application_arn(a),
        "releaseLabel": a.settings["releaseLabel"],
        "type": a.settings["type"],
        "state": a.state,
        "stateDetails": a.details,
        "createdAt": a.created,
        "updatedAt": a.updated,
        "architecture": a.settings.get("architecture", "X86_64"),
    }


def job_run(j: JobRun, attempt: Attempt) -> JSON:
    """Return the members of GetJobRun; the state is that of ``attempt``."""
    attempts = j.attempts[: attempt.number]
    properties = spark_properties(j.settings, j.request)
    workers = workers_of(properties, j.settings.get("maximumCapacity", NO_MAXIMUM))
    used: JSON = (
        {
            "totalResourceUtilization": total(workers, attempts),
            "billedResourceUtilization": billed(workers, attempts),
            "totalExecutionDurationSeconds": sum(map(execution_seconds, attempts)),
        }
        if attempt.ended
        else {}
    )
    copied = ("configurationOverrides", "jobDriver", "executionIamPolicy")
    return {
        **{name: j.request[name] for name in copied if name in j.request},
        **_common(j),
        **used,
        "jobRunId": j.id,
        "createdAt": j.created,
        "updatedAt": attempt.updated,
        "state": attempt.state,
        "stateDetails": attempt.details,
        "tags": j.tags,
        "networkConfiguration": j.settings.get("networkConfiguration"),
        "executionTimeoutMinutes": j.timeout_minutes,
        "retryPolicy": j.request.get("retryPolicy"),
        "attempt": attempt.number,
        "attemptCreatedAt": attempt.created,
        "attemptUpdatedAt": attempt.updated,
        "startedAt": j.started,
        "endedAt": attempt.ended,
        "queuedDurationMilliseconds": int(j.queued.total_seconds() * 1000),
    }


def job_run_summary(j: JobRun) -> JSON:
    return {
        **_common(j),
        "id": j.id,
        "createdAt": j.created,
        "updatedAt": j.attempt.updated,
        "state": j.state,
        "stateDetails": j.attempt.details,
        "type": "Spark",
        "attempt": j.attempt.number,
        "attemptCreatedAt": j.attempt.created,
        "attemptUpdatedAt": j.attempt.updated,
    }


def attempt_summary(j: JobRun, attempt: Attempt) -> JSON:
    return {
        **_common(j),
        "id": j.id,
        "jobCreatedAt": j.created,
        "createdAt": attempt.created,
        "updatedAt": attempt.updated,
        "state": attempt.state,
        "stateDetails": attempt.details,
        "type": "Spark",
        "attempt": attempt.number,
    }


def _common(j: JobRun) -> JSON:
    return {
        "applicationId": j.application.id,
        "name": j.request.get("name"),
        "arn": job_run_arn(j),
        "mode": "BATCH",
        "createdBy": CREATED_BY,
        "executionRole": j.request["executionRoleArn"],
        "releaseLabel": j.settings["releaseLabel"],
    }
