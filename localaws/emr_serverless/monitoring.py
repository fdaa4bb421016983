"""Where the logs of a job run are written: to the state folder, to S3 and to streams of CloudWatch Logs.

https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from localaws.emr_serverless.errors import not_supported, validation_error
from localaws.emr_serverless.model import Attempt, JobRun
from localaws.protocol import JSON
from localaws.spark import log_streams

FILES = ("stdout", "stderr")
DEFAULT_GROUP = "/aws/emr-serverless"
DRIVER = "SPARK_DRIVER"
LOG_TYPES = (DRIVER, "SPARK_EXECUTOR")
_LOG_URI = re.compile(r"s3[an]?://[^/]+(/.*)?")


def check(given: Mapping[str, Any]) -> None:
    """Raise ValidationException for a monitoringConfiguration that is wrong or not supported."""
    log_uri = given.get("s3MonitoringConfiguration", {}).get("logUri")
    if log_uri is not None and not _LOG_URI.fullmatch(log_uri):
        raise validation_error(f"The logUri {log_uri!r} is not an S3 URI like s3://bucket/prefix/.")
    if given.get("prometheusMonitoringConfiguration"):
        raise not_supported("prometheusMonitoringConfiguration")
    logs = given.get("cloudWatchLoggingConfiguration", {})
    if "encryptionKeyArn" in logs:
        raise not_supported("encryptionKeyArn of cloudWatchLoggingConfiguration")
    for log_type, files in logs.get("logTypes", {}).items():
        if log_type not in LOG_TYPES or not set(map(str.lower, files)) <= set(FILES):
            raise validation_error(
                f"The logTypes {log_type} with {', '.join(files)} are not valid: give {' or '.join(LOG_TYPES)}, "
                "each with STDOUT or STDERR."
            )


def of(job_run: JobRun) -> JSON:
    """Return the monitoring configuration of the application with the overrides of the job run."""
    overrides = job_run.request.get("configurationOverrides", {}).get("monitoringConfiguration", {})
    return {**job_run.settings.get("monitoringConfiguration", {}), **overrides}


def folder(root: Path, job_run: JobRun, attempt: Attempt) -> Path:
    """Return the folder of an attempt in the state folder; its logs are ``FILES``."""
    return root / job_run.application.id / job_run.id / str(attempt.number)


def archive_prefix(job_run: JobRun, attempt: Attempt) -> str | None:
    """Return the S3 URI under which the logs of the driver are written when the attempt ends."""
    log_uri = of(job_run).get("s3MonitoringConfiguration", {}).get("logUri")
    return f"{log_uri.rstrip('/')}/{_driver_path(job_run, attempt)}" if log_uri else None


def copied_logs(job_run: JobRun, attempt: Attempt, logs: Path) -> AbstractContextManager[None]:
    """Return the context in which the logs of the driver are written to their streams as they grow."""
    given = of(job_run).get("cloudWatchLoggingConfiguration", {})
    if not given.get("enabled"):
        return nullcontext()
    files = given.get("logTypes", {DRIVER: FILES}).get(DRIVER, ())
    prefix = f"{given.get('logStreamNamePrefix', '')}/{_driver_path(job_run, attempt)}"
    streams = {logs / file: f"{prefix}/{file}" for file in map(str.lower, files)}
    return log_streams.copied(given.get("logGroupName", DEFAULT_GROUP), streams)


def has_event_log(job_run: JobRun) -> bool:
    """Return whether the event log is kept for the Spark UI, in what AWS calls managed storage."""
    enabled: bool = of(job_run).get("managedPersistenceMonitoringConfiguration", {}).get("enabled", True)
    return enabled


def _driver_path(job_run: JobRun, attempt: Attempt) -> str:
    has_retries = job_run.request.get("retryPolicy", {}).get("maxAttempts", 1) > 1
    attempts = f"/attempts/{attempt.number}" if has_retries else ""
    return f"applications/{job_run.application.id}/jobs/{job_run.id}{attempts}/{DRIVER}"
