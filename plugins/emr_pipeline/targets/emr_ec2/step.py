"""The AddJobFlowSteps request: one spark-submit for each step.

https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-spark-submit-step.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emr_pipeline.specs import ACTIONS_ON_FAILURE, EMR_EC2, StepSpec
from emr_pipeline.targets.phase import Phase

PHASES = {
    "PENDING": Phase.OPEN,
    "RUNNING": Phase.OPEN,
    "CANCEL_PENDING": Phase.CANCELLING,
    "COMPLETED": Phase.SUCCEEDED,
    "FAILED": Phase.FAILED,
}


def phase_of(state: str) -> Phase:
    """Return the phase of a step; CANCELLED and INTERRUPTED steps have been cancelled."""
    return PHASES.get(state, Phase.CANCELLED)


def spark_step(step: StepSpec) -> dict[str, Any]:
    """Return the request of a step; raise ValueError naming the field that is not valid.

    The driver runs in the step itself, on the primary node, which is always On-Demand. It therefore ends when the step
    is cancelled, and its output is the log of the step. With ``--deploy-mode cluster`` the application of a cancelled
    step goes on.
    """
    step.check()
    if step.action_on_failure not in ACTIONS_ON_FAILURE:
        raise ValueError(
            f"action_on_failure is {step.action_on_failure!r}; it must be one of {', '.join(ACTIONS_ON_FAILURE)}"
        )
    arguments = [
        *(part for name, value in step.conf.items() for part in ("--conf", f"{name}={value}")),
        *step.file_options,
        step.script,
        *step.script_arguments,
    ]
    return {
        "Name": step.name,
        "ActionOnFailure": step.action_on_failure,
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": ["spark-submit", "--deploy-mode", "client", *arguments],
        },
    }


def add_steps_request(cluster_id: str, steps: Sequence[StepSpec]) -> dict[str, Any]:
    """Return the AddJobFlowSteps request; raise ValueError if the steps have different execution roles."""
    roles = {step.execution_roles.get(EMR_EC2, "") for step in steps}
    if len(roles) > 1:
        raise ValueError(
            f"execution_roles has {' and '.join(sorted(roles))}; steps queued together must have one"
        )
    role = roles.pop() if roles else ""
    request: dict[str, Any] = {"JobFlowId": cluster_id, "Steps": [spark_step(step) for step in steps]}
    return request | ({"ExecutionRoleArn": role} if role else {})


def queued_steps(cluster_id: str) -> dict[str, Any]:
    """Return the ListSteps request for the steps that wait, whose response ``cancellation`` needs."""
    return {"ClusterId": cluster_id, "StepStates": ["PENDING"]}


def cancellation(resource: Mapping[str, Any], listed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CancelSteps request for a step and the steps queued behind it, which need its output.

    ActionOnFailure does not apply to a cancelled step:
    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-cancel-steps.html
    """
    step_ids = dict.fromkeys([resource["step_id"], *(step["Id"] for step in listed["Steps"])])
    return {
        "ClusterId": resource["cluster_id"],
        "StepIds": list(step_ids),
        "StepCancellationOption": "TERMINATE_PROCESS",
    }
