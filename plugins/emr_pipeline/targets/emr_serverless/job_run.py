"""The StartJobRun request: one spark-submit for each step.

https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_StartJobRun.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from emr_pipeline.live_log import LogStreams
from emr_pipeline.logs import DRIVER_LOGS
from emr_pipeline.specs import EMR_SERVERLESS, StepSpec
from emr_pipeline.targets.phase import Phase

OPEN_STATES = ("SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING")
UNFINISHED_STATES = (*OPEN_STATES, "CANCELLING")

PHASES = {
    **dict.fromkeys(OPEN_STATES, Phase.OPEN),
    "CANCELLING": Phase.CANCELLING,
    "SUCCESS": Phase.SUCCEEDED,
    "FAILED": Phase.FAILED,
    "CANCELLED": Phase.CANCELLED,
}


def client_token(application_id: str, name: str, previous: str | None) -> str:
    """Return the token of a step: equal for retries of the call, different after ``previous``, which is rejected.

    The application belongs to one run, so the token is made of the run, the step and the try.
    """
    return hashlib.sha256(repr((application_id, name, previous)).encode()).hexdigest()


def start_job_run_request(step: StepSpec) -> dict[str, Any]:
    """Return the request without application and token; raise ValueError naming the field that is not valid.

    EMR Serverless splits ``sparkSubmitParameters`` at white space and has no quotes. Therefore the properties, which
    may contain white space, are a configuration.
    """
    step.check()
    role = step.execution_roles.get(EMR_SERVERLESS, "")
    if not role:
        raise ValueError(
            f"step {step.name} has no execution role for {EMR_SERVERLESS}; set EMR_PIPELINE_JOB_ROLE to its ARN"
        )
    for uri in (*step.jars, *step.py_files):
        if len(uri.split()) != 1 or "," in uri:
            raise ValueError(f"jars and py_files must not contain white space or commas, as {uri!r} does")
    driver: dict[str, Any] = {"entryPoint": step.script, "entryPointArguments": step.script_arguments}
    if options := step.file_options:
        driver["sparkSubmitParameters"] = " ".join(options)
    request: dict[str, Any] = {
        "name": step.name,
        "executionRoleArn": role,
        "jobDriver": {"sparkSubmit": driver},
    }
    if step.conf:
        properties = {name: str(value) for name, value in step.conf.items()}
        request["configurationOverrides"] = {
            "applicationConfiguration": [{"classification": "spark-defaults", "properties": properties}]
        }
    return request


def command_line(job_run: Mapping[str, Any]) -> list[str]:
    """Return the arguments of the spark-submit command of a job run."""
    driver = job_run["jobDriver"]["sparkSubmit"]
    parameters = driver.get("sparkSubmitParameters", "").split()
    return ["spark-submit", *parameters, driver["entryPoint"], *driver.get("entryPointArguments", ())]


def log_streams(application: Mapping[str, Any], job_run_id: str) -> LogStreams | None:
    """Return the log streams of the driver of a job run; None if the application has no live logs.

    The name of a stream begins with a slash after an empty prefix:
    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html#jobs-log-storage-cw
    """
    found = application.get("monitoringConfiguration", {}).get("cloudWatchLoggingConfiguration", {})
    if not found.get("enabled"):
        return None
    application_id = application["applicationId"]
    prefix = f"{found.get('logStreamNamePrefix', '')}/applications/{application_id}/jobs/{job_run_id}"
    group = found.get("logGroupName", "/aws/emr-serverless")
    return LogStreams(group, {name: f"{prefix}/SPARK_DRIVER/{name}" for name in DRIVER_LOGS})


def job_run_folder(log_uri: str, application_id: str, job_run_id: str) -> str:
    """Return the S3 URI of the logs of a job run, empty without a ``log_uri``.

    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html
    """
    return f"{log_uri.rstrip('/')}/applications/{application_id}/jobs/{job_run_id}/" if log_uri else ""
