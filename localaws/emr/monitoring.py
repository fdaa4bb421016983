"""The MonitoringConfiguration of a cluster: the log streams to which the logs of its steps are written.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-logging-cw.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from localaws.emr.errors import not_supported, validation_error
from localaws.spark import log_streams

FIRST_RELEASE = (7, 11)
AGENT = "AmazonCloudWatchAgent"
FILES = {"STDOUT": "stdout", "STDERR": "stderr"}
DEFAULT_LOG_TYPES = {"STEP_LOGS": list(FILES), "SPARK_DRIVER": list(FILES)}
LOG_TYPES = (*DEFAULT_LOG_TYPES, "SPARK_EXECUTOR")


def check(request: Mapping[str, Any]) -> None:
    """Raise AwsError if EMR refuses the MonitoringConfiguration of RunJobFlow, or if it is not supported here."""
    given = request.get("MonitoringConfiguration", {})
    if "S3LoggingConfiguration" in given:
        raise not_supported("S3LoggingConfiguration")
    logs = _log_configuration(request)
    if not logs:
        return
    release = request["ReleaseLabel"]
    version = re.match(r"emr-(\d+)\.(\d+)", release)
    if version and tuple(map(int, version.groups())) < FIRST_RELEASE:
        raise validation_error(f"CloudWatchLogConfiguration needs emr-7.11.0 or later, not {release}.")
    if AGENT not in [application["Name"] for application in request.get("Applications", [])]:
        raise validation_error(
            f"CloudWatchLogConfiguration needs {AGENT} in the Applications of the cluster."
        )
    if "EncryptionKeyArn" in logs:
        raise not_supported("EncryptionKeyArn of CloudWatchLogConfiguration")
    if not log_streams.GROUP_NAME.fullmatch(logs.get("LogGroupName", "group")):
        raise validation_error(f"The LogGroupName {logs['LogGroupName']!r} is not valid.")
    for log_type, files in logs.get("LogTypes", {}).items():
        if log_type not in LOG_TYPES or not set(files) <= set(FILES):
            raise validation_error(
                f"The LogTypes {log_type} with {', '.join(files)} are not valid: give {', '.join(LOG_TYPES)},"
                f" each with {' or '.join(FILES)}."
            )


def copied_logs(
    request: Mapping[str, Any], cluster_id: str, step_id: str, folder: Path
) -> AbstractContextManager[None]:
    """Return the context in which the logs of a step, in ``folder``, are written to its streams as they grow."""
    logs = _log_configuration(request)
    if not logs:
        return nullcontext()
    files = [FILES[each] for each in logs.get("LogTypes", DEFAULT_LOG_TYPES).get("STEP_LOGS", [])]
    prefix = f"{logs.get('LogStreamNamePrefix', '')}/steps/{step_id}"
    group = logs.get("LogGroupName", f"/aws/emr/{cluster_id}")
    return log_streams.copied(group, {folder / file: f"{prefix}/{file}" for file in files})


def _log_configuration(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the CloudWatchLogConfiguration; empty if it is not enabled."""
    logs: Mapping[str, Any] = request.get("MonitoringConfiguration", {}).get("CloudWatchLogConfiguration", {})
    return logs if logs.get("Enabled") else {}
