"""Checks the input of CreateApplication, UpdateApplication and StartJobRun beyond what botocore's model says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from localaws import ACCOUNT
from localaws.emr_serverless import monitoring
from localaws.emr_serverless.errors import not_supported, validation_error
from localaws.protocol import JSON, AwsError
from localaws.spark import releases, submit

SUBMIT_TIMEOUT_MINUTES = range(5, 10_080 + 1)
MAX_ATTEMPTS = 10
GRACE_SECONDS = range(15, 1_800 + 1)
# Settings that would have to change what runs; the other settings of an application are stored.
UNSUPPORTED_SETTINGS = ("imageConfiguration", "workerTypeSpecifications", "identityCenterConfiguration")
_ROLE = re.compile(r"arn:aws[a-zA-Z0-9-]*:iam::(\d{12}):role/([\w+=,.@/-]+)")


def check_engine(engine: str) -> str:
    """Return the type as EMR Serverless writes it. Raises ValidationException."""
    if engine.upper() == "HIVE":
        raise not_supported("applications of type HIVE")
    if engine.upper() != "SPARK":
        raise validation_error(f"Unsupported engine {engine}")
    return "Spark"


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise ValidationException for settings of an application that are wrong or not supported."""
    if "releaseLabel" in settings and (error := releases.label_error(settings["releaseLabel"])):
        raise validation_error(error)
    for name in UNSUPPORTED_SETTINGS:
        if settings.get(name):
            raise not_supported(name)
    _check_configurations(settings.get("runtimeConfiguration", []))
    monitoring.check(settings.get("monitoringConfiguration", {}))


def check_job_run(request: JSON) -> None:
    """Raise AwsError for a job run that is wrong or not supported."""
    check_role(request["executionRoleArn"])
    if request.get("mode", "BATCH") != "BATCH":
        raise not_supported(f"mode {request['mode']}")
    driver = request.get("jobDriver", {})
    if set(driver) != {"sparkSubmit"}:
        raise (
            not_supported("a jobDriver other than sparkSubmit")
            if driver
            else validation_error("jobDriver is required.")
        )
    minutes = request.get("executionTimeoutMinutes")
    if minutes is not None and minutes not in SUBMIT_TIMEOUT_MINUTES:
        raise validation_error(
            f"RunTimeout must be at least {SUBMIT_TIMEOUT_MINUTES.start} minutes and at most "
            f"{SUBMIT_TIMEOUT_MINUTES.stop - 1} minutes, not {minutes}."
        )
    if request.get("retryPolicy", {}).get("maxAttempts", 1) > MAX_ATTEMPTS:
        raise validation_error(f"maxAttempts must be at most {MAX_ATTEMPTS}.")
    overrides = request.get("configurationOverrides", {})
    _check_configurations(overrides.get("applicationConfiguration", []))
    monitoring.check(overrides.get("monitoringConfiguration", {}))


def check_role(arn: str) -> None:
    match = _ROLE.fullmatch(arn)
    if not match:
        raise validation_error(f"executionRoleArn is {arn!r}, which is not the ARN of an IAM role.")
    if match[1] != ACCOUNT:
        raise AwsError("AccessDeniedException", "Cross-account pass role is not allowed.", 403)


def cancel_grace(request: JSON) -> timedelta:
    """Return the grace period of CancelJobRun. Raises ValidationException."""
    seconds = request.get("shutdownGracePeriodInSeconds", 0)
    if seconds and seconds not in GRACE_SECONDS:
        raise validation_error(
            f"shutdownGracePeriodInSeconds must be 0 or from {GRACE_SECONDS.start} to {GRACE_SECONDS.stop - 1}, "
            f"not {seconds}."
        )
    return timedelta(seconds=seconds)


def submit_words(request: Mapping[str, Any]) -> list[str]:
    """Return the arguments of spark-submit for the input of StartJobRun. Raises ValidationException."""
    driver = request["jobDriver"]["sparkSubmit"]
    try:
        parameters = shlex.split(driver.get("sparkSubmitParameters", ""))
    except ValueError as error:
        raise validation_error(f"sparkSubmitParameters cannot be parsed: {error}") from None
    return [*parameters, driver["entryPoint"], *driver.get("entryPointArguments", [])]


def configurations(settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[JSON]:
    """Return the configurations of a job run in EMR's format; a later one overrides an earlier one."""
    overrides = request.get("configurationOverrides", {}).get("applicationConfiguration", [])
    return [
        {"Classification": c["classification"], "Properties": c.get("properties", {})}
        for c in [*settings.get("runtimeConfiguration", []), *overrides]
    ]


def spark_properties(settings: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, str]:
    """Return the Spark properties of a job run: of the application, of the job run, and of its parameters."""
    options, _ = submit.split_options(submit_words(request))
    properties = submit.spark_defaults(configurations(settings, request))
    for option in options:
        properties.update(option.properties)
    return properties


def _check_configurations(given: Sequence[JSON]) -> None:
    for configuration in given:
        if configuration.get("configurations"):
            raise not_supported("nested configurations")
