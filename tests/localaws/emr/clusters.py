"""Clusters of the local EMR for tests, through boto3."""

from __future__ import annotations

import time
from typing import Any

from localaws.testing import LocalAws


def step(name: str, *args: str, action: str = "CONTINUE", jar: str = "command-runner.jar") -> dict[str, Any]:
    return {"Name": name, "ActionOnFailure": action, "HadoopJarStep": {"Jar": jar, "Args": list(args)}}


def create_cluster(aws: LocalAws, *steps: dict[str, Any], bucket: str, **changes: Any) -> str:
    """Return the id of a new cluster that runs the steps and has its logs in ``bucket``."""
    request = {
        "Name": "test",
        "ReleaseLabel": "emr-7.13.0",
        "LogUri": f"s3://{bucket}/logs/",
        "ServiceRole": "EMR_DefaultRole",
        "JobFlowRole": "EMR_EC2_DefaultRole",
        "Applications": [{"Name": "Spark"}],
        "Instances": {"MasterInstanceType": "m5.xlarge", "InstanceCount": 1},
        "Steps": list(steps),
    }
    cluster_id: str = aws.client("emr").run_job_flow(**request | changes)["JobFlowId"]
    return cluster_id


def wait_for_end(aws: LocalAws, cluster_id: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Wait until the cluster has ended; return its status, and each step's status and id by its name."""
    emr = aws.client("emr")
    while (
        "EndDateTime"
        not in (status := emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"])["Timeline"]
    ):
        time.sleep(0.1)
    steps = emr.list_steps(ClusterId=cluster_id)["Steps"]
    return status, {each["Name"]: each["Status"] | {"Id": each["Id"]} for each in steps}
