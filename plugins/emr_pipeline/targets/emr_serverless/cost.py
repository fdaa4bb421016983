"""The use of an application, from the billed resources of its job runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from emr_pipeline.cost import ON_DEMAND, ClusterCost, Use
from emr_pipeline.targets.emr_serverless.application import ENDED_STATES

RESOURCES = {"vCPUHour": "vCPU", "memoryGBHour": "GB of memory", "storageGBHour": "GB of disk"}
"""The name of each member of billedResourceUtilization in ``prices.json``, after the architecture."""


def read_cost(
    application: Mapping[str, Any], job_runs: Iterable[Mapping[str, Any]], now: datetime
) -> ClusterCost:
    """Return the use of an application until ``now``, from GetApplication and GetJobRun.

    EMR Serverless returns the billed resources when a job run has ended, so an open job run is not included. Without
    pre-initialized capacity an application itself costs nothing.
    https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_JobRun.html
    """
    job_runs = list(job_runs)
    created = application["createdAt"]
    ended = [run["endedAt"] for run in job_runs if run.get("endedAt")]
    started = [run["startedAt"] for run in job_runs if run.get("startedAt")]
    stopped = application["state"] in ENDED_STATES
    end = max([created, *ended]) if stopped else now
    uses = []
    for member, resource in RESOURCES.items():
        billed = [run.get("billedResourceUtilization", {}).get(member, 0.0) for run in job_runs]
        if hours := sum(billed):
            count = sum(1 for each in billed if each)
            uses.append(Use(f"{application['architecture']} {resource}", ON_DEMAND, count, hours * 3600))
    return ClusterCost(
        cluster_id=application["applicationId"],
        release=application["releaseLabel"],
        seconds=(end - created).total_seconds(),
        ready_after=(min(started) - created).total_seconds() if started else None,
        uses=tuple(uses),
        step_seconds={
            run.get("name", ""): (run["endedAt"] - run["startedAt"]).total_seconds()
            for run in sorted(job_runs, key=lambda run: run["createdAt"])
            if run["state"] == "SUCCESS" and run.get("startedAt") and run.get("endedAt")
        },
    )
