"""The AddJobFlowSteps request: one spark-submit for each step.

https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-spark-submit-step.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OPEN_STATES = ("PENDING", "RUNNING")
UNFINISHED_STATES = (*OPEN_STATES, "CANCEL_PENDING")


def spark_step(name: str, script: str, py_files: str, flags: Mapping[str, str]) -> dict[str, Any]:
    """Return a step that runs ``script`` with ``flags``; all values may hold Jinja, rendered by the operator.

    The driver runs in the step itself, on the primary node, which is never a Spot node: so it ends when the step is
    cancelled, and what it prints is the step's log. With ``--deploy-mode cluster`` a cancelled step leaves its
    application running. A failed step cancels those queued behind it and leaves the cluster waiting, so that the step
    can be repeated.
    """
    arguments = [part for flag, value in flags.items() for part in (f"--{flag}", value)]
    return {
        "Name": name,
        "ActionOnFailure": "CANCEL_AND_WAIT",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": ["spark-submit", "--deploy-mode", "client", "--py-files", py_files, script, *arguments],
        },
    }


def queued_steps(cluster_id: str) -> dict[str, Any]:
    """Return the ListSteps request whose answer ``cancellation`` takes."""
    return {"ClusterId": cluster_id, "StepStates": ["PENDING"]}


def cancellation(subject: Mapping[str, Any], listed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CancelSteps request for a step and those queued behind it, which would run on what it has not made.

    To EMR a cancelled step is no failed one, so its ActionOnFailure does not cancel them:
    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-cancel-steps.html
    """
    step_ids = dict.fromkeys([subject["step_id"], *(step["Id"] for step in listed["Steps"])])
    return {
        "ClusterId": subject["cluster_id"],
        "StepIds": list(step_ids),
        "StepCancellationOption": "TERMINATE_PROCESS",
    }
