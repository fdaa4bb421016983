"""The hooks at which the planned faults of a cluster are applied."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from localaws.emr.model import Cluster, ClusterState, Reason
from localaws.emr.steps import Step
from localaws.faults.kinds import (
    BootstrapFails,
    ClusterFailsToStart,
    ClusterFault,
    ClusterTerminatesSlowly,
)
from localaws.faults.plan import FaultPlan
from localaws.spark.fault_hooks import ProcessFaultHooks

C = TypeVar("C", bound=ClusterFault)


class ClusterFaultHooks:
    def __init__(self, plan: FaultPlan, cluster: Cluster) -> None:
        self._plan, self._cluster = plan, cluster

    def phase_failure(self, phase: ClusterState) -> Reason | None:
        """Return why the phase that ends now has failed; None if it has not."""
        if phase is ClusterState.STARTING:
            start = self._trigger(ClusterFailsToStart)
            return Reason(start.reason, start.code, with_errors=True) if start else None
        bootstrap = self._trigger(BootstrapFails)
        return Reason(bootstrap.message, "BOOTSTRAP_FAILURE", with_errors=True) if bootstrap else None

    def termination_delay(self) -> timedelta:
        fault = self._trigger(ClusterTerminatesSlowly)
        return timedelta(seconds=fault.seconds) if fault else timedelta()

    def of(self, step: Step) -> ProcessFaultHooks:
        return ProcessFaultHooks(
            self._plan,
            f"step {step.name} ({step.id})",
            lambda fault: fault.step == step.name and self._matches(fault),
        )

    def of_bootstrap_action(self, number: int) -> ProcessFaultHooks:
        """Return hooks without faults: BootstrapFails applies to the phase, and the other faults to steps."""
        return ProcessFaultHooks(self._plan, f"bootstrap action {number}", lambda fault: False)

    def _trigger(self, kind: type[C]) -> C | None:
        return self._plan.trigger(kind, self._cluster.id, self._matches)

    def _matches(self, fault: ClusterFault) -> bool:
        return fault.matches_cluster(self._cluster.name, self._cluster.tags)
