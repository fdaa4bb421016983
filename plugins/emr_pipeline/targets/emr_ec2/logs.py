"""The logs of a step on S3, and those of the drivers that it has started in YARN.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html: the logs of a step are below
``steps/<step id>/``. With ``--deploy-mode cluster``, the driver's logs are those of the application's first container.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emr_pipeline import logs
from emr_pipeline.live_log import LogStreams
from emr_pipeline.logs import DRIVER_LOGS, Log, Objects

STEP_LOGS = ("controller", *DRIVER_LOGS, "syslog")

_APPLICATION = re.compile(r"\bapplication_\d+_\d+\b")


def step_folder(log_uri: str, cluster_id: str, step_id: str) -> str:
    """Return the S3 URI of the folder of the step's logs; empty if the cluster has no LogUri."""
    root = re.sub(r"^s3[an]?://", "", log_uri).strip("/")
    return f"s3://{root}/{cluster_id}/steps/{step_id}/" if root else ""


def log_streams(cluster: Mapping[str, Any], step_id: str) -> LogStreams | None:
    """Return the log streams of a step; None if the cluster has no live logs.

    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-logging-cw.html
    """
    found = cluster.get("MonitoringConfiguration", {}).get("CloudWatchLogConfiguration", {})
    if not found.get("Enabled"):
        return None
    prefix = f"{found.get('LogStreamNamePrefix', '')}/steps/{step_id}"
    group = found.get("LogGroupName") or f"/aws/emr/{cluster['Id']}"
    return LogStreams(group, {name: f"{prefix}/{name}" for name in DRIVER_LOGS})


def read_logs(objects: Objects, folder: str) -> list[Log]:
    """Return the logs in the step's folder, and those of the drivers of the applications that they name."""
    root = folder.rsplit("/steps/", 1)[0]
    found = list(logs.read_logs(objects, folder, STEP_LOGS))
    for application in sorted({name for log in found for name in _APPLICATION.findall(log.text)}):
        containers = f"{root}/containers/{application}/"
        found += logs.read_logs(objects, containers, DRIVER_LOGS, container="_000001/", title="driver ")
    return found
