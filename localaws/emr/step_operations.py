"""The operations of EMR on steps."""

from __future__ import annotations

from localaws.emr import serializers
from localaws.emr.errors import invalid_request, validation_error
from localaws.emr.model import Cluster
from localaws.emr.operations import Operations, paged
from localaws.emr.request import check_concurrency, parse_steps
from localaws.emr.security import SecurityConfigurations
from localaws.emr.steps import CancelOption, Step
from localaws.protocol import JSON

MAX_STEP_IDS = 10


class StepOperations(Operations):
    security: SecurityConfigurations

    def add_job_flow_steps(self, request: JSON) -> JSON:
        with self._registry.transaction() as now:
            cluster = self._job_flow(request["JobFlowId"])
            role = request.get("ExecutionRoleArn")
            if role and not self.security.has_runtime_roles(cluster.request.get("SecurityConfiguration")):
                raise validation_error(
                    "The cluster has no runtime roles: the AuthorizationConfiguration of its"
                    " SecurityConfiguration must set EnableApplicationScopedIAMRole."
                )
            steps = parse_steps(request["Steps"], now, role)
            check_concurrency(cluster.step_concurrency, steps)
            cluster.add_steps(steps, now)
            return {"StepIds": [step.id for step in steps]}

    def describe_step(self, request: JSON) -> JSON:
        with self._registry.transaction():
            return {"Step": serializers.step(_step(self._cluster(request["ClusterId"]), request["StepId"]))}

    def list_steps(self, request: JSON) -> JSON:
        states, ids = request.get("StepStates"), request.get("StepIds")
        if states and ids:
            raise invalid_request("Cannot specify both StepStates and StepIds.")
        if ids and len(ids) > MAX_STEP_IDS:
            raise invalid_request(f"At most {MAX_STEP_IDS} StepIds are allowed, not {len(ids)}.")
        with self._registry.transaction():
            cluster = self._cluster(request["ClusterId"])
            if ids:
                return {"Steps": [serializers.step(_step(cluster, step_id)) for step_id in ids]}
            found = [step for step in reversed(cluster.steps) if not states or step.state in states]
            page, marker = paged(found, request.get("Marker"))
            return {"Steps": [serializers.step(step) for step in page], "Marker": marker}

    def cancel_steps(self, request: JSON) -> JSON:
        option = CancelOption(request.get("StepCancellationOption", CancelOption.SEND_INTERRUPT))
        with self._registry.transaction() as now:
            cluster = self._cluster(request["ClusterId"])
            results = [
                (step.id, cluster.cancel_step(step, option, now))
                for step in [_step(cluster, step_id) for step_id in request["StepIds"]]
            ]
        return {
            "CancelStepsInfoList": [
                {"StepId": step_id, "Status": "FAILED" if reason else "SUBMITTED", "Reason": reason}
                for step_id, reason in results
            ]
        }


def _step(cluster: Cluster, step_id: str) -> Step:
    for step in cluster.steps:
        if step.id == step_id:
            return step
    raise invalid_request(f"Step id '{step_id}' is not valid.", "NoSuchStep")
