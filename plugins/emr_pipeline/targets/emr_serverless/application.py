"""The CreateApplication request: a Spark application that stops itself when it is idle.

https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_CreateApplication.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from emr_pipeline.cost import WORKER
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec, whole_number

LIVE_STATES = ("CREATING", "CREATED", "STARTING", "STARTED")
ENDED_STATES = ("STOPPED", "TERMINATED")

KEPT_FOR = timedelta(days=60)
"""How long a stopped application is kept. It costs nothing, and its job runs cannot be described after its deletion.
EMR on EC2 keeps the description of a cluster as long."""

ARCHITECTURES = {"arm64": "ARM64", "x86_64": "X86_64"}

WORKER_DISK_GB = 20
"""The disk of a worker that costs nothing:
https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html"""

LONGEST_IDLE_MINUTES = 7 * 24 * 60

PYTHON = "/usr/bin/python3.11"

PACKAGES = "packages"
"""The folder into which Spark unpacks ``Settings.python_archive``, below the working directory of each worker."""

NAME_LENGTH = 64
NAME_PATTERN = re.compile(r".+/[0-9a-f]{8}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._/#-]")


def application_name(dag_id: str, run_id: str) -> str:
    """Return the name of a run's application, which ends with a hash, because it may contain few characters."""
    digest = hashlib.sha256(f"{dag_id} {run_id}".encode()).hexdigest()[:8]
    name = _NOT_IN_NAMES.sub("-", f"{dag_id}/{run_id}")
    return f"{name[: NAME_LENGTH - 1 - len(digest)]}/{digest}"


def create_application_request(
    name: str, cluster: ClusterSpec, settings: Settings, tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return the request; raise ValueError naming the field of ``cluster`` that is not valid.

    Together the workers may be as large as the nodes that EMR on EC2 would have: the primary, core and task nodes. The
    fields about Spot instances, instance types and bootstrap actions have no meaning here.
    """
    nodes = (
        1
        + whole_number("core_nodes", cluster.core_nodes, minimum=1)
        + whole_number("task_nodes", cluster.task_nodes, minimum=0)
    )
    if cluster.extra:
        raise ValueError("extra has members of RunJobFlow; it must be empty for the target emr-serverless")
    return {
        "name": name,
        "releaseLabel": cluster.release_label,
        "type": "SPARK",
        "architecture": ARCHITECTURES[settings.architecture],
        "maximumCapacity": {
            "cpu": f"{nodes * WORKER['vCPU']} vCPU",
            "memory": f"{nodes * WORKER['GB of memory']} GB",
            "disk": f"{nodes * WORKER_DISK_GB} GB",
        },
        # A job run also starts an application that was not started because the task was interrupted.
        "autoStartConfiguration": {"enabled": True},
        "autoStopConfiguration": {
            "enabled": True,
            "idleTimeoutMinutes": whole_number("idle_minutes", cluster.idle_minutes, 1, LONGEST_IDLE_MINUTES),
        },
        "monitoringConfiguration": monitoring(cluster, settings),
        "runtimeConfiguration": [
            {"classification": "spark-defaults", "properties": spark_defaults(cluster, settings)}
        ],
        "tags": dict(tags),
    }


def monitoring(cluster: ClusterSpec, settings: Settings) -> dict[str, Any]:
    """Return where the logs of the job runs are written: to S3, and with live logs also to CloudWatch.

    By default CloudWatch gets stdout and stderr of the driver.
    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html
    """
    configuration: dict[str, Any] = {"s3MonitoringConfiguration": {"logUri": settings.s3("logs", "")}}
    if settings.log_group and cluster.live_logs:
        configuration["cloudWatchLoggingConfiguration"] = {
            "enabled": True,
            "logGroupName": settings.log_group,
        }
    return configuration


def spark_defaults(cluster: ClusterSpec, settings: Settings) -> dict[str, str]:
    """Return the Spark properties of the application: Python, its packages, and those of ``cluster``.

    Of the configurations of EMR on EC2, EMR Serverless knows ``spark-defaults``. Environment variables are properties:
    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/using-python-libraries.html
    """
    properties = {
        "spark.pyspark.python": PYTHON,
        "spark.pyspark.driver.python": PYTHON,
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": PYTHON,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": PYTHON,
        "spark.executorEnv.PYSPARK_PYTHON": PYTHON,
    }
    if settings.python_archive:
        properties |= {
            "spark.archives": f"{settings.python_archive}#{PACKAGES}",
            "spark.emr-serverless.driverEnv.PYTHONPATH": f"./{PACKAGES}",
            "spark.executorEnv.PYTHONPATH": f"./{PACKAGES}",
        }
    for configuration in cluster.configurations:
        if configuration["Classification"] == "spark-defaults":
            properties |= configuration["Properties"]
    return properties


def is_expired(application: Mapping[str, Any], now: datetime) -> bool:
    """Return whether an application, of GetApplication or ListApplications, may be deleted."""
    stopped: datetime = application["updatedAt"]
    return application["state"] == "STOPPED" and now - stopped > KEPT_FOR


def end_call(state: str, has_open_job_runs: bool) -> str:
    """Return the method of the client that ends an application in this state, or '' if none can be called yet.

    An application can be stopped only without open job runs, and only after it was started; else it is deleted.
    """
    if has_open_job_runs:
        return ""
    return {
        "STARTING": "stop_application",
        "STARTED": "stop_application",
        "CREATED": "delete_application",
    }.get(state, "")


def check_state_error(error: ClientError) -> None:
    """Raise the error again unless it says that the resource is in another state, which changes by itself."""
    if error.response["Error"]["Code"] not in ("ValidationException", "ConflictException"):
        raise error
