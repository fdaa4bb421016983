"""The hooks at which the planned faults of a cluster and its steps are applied."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from localaws.emr import supervisor
from localaws.emr.model import Cluster, ClusterState, Reason, Step
from localaws.faults.kinds import (
    BootstrapFails,
    ClusterFailsToStart,
    ClusterFault,
    ClusterTerminatesSlowly,
    RunningStepFault,
    SpotNodeLost,
    StepFails,
    StepFault,
    StepHangs,
    StepKilled,
    StepStartsSlowly,
)
from localaws.faults.plan import FaultPlan

C = TypeVar("C", bound=ClusterFault)
S = TypeVar("S", bound=StepFault)
# In client mode Spark writes a Python driver's traceback to stdout, so the cause of a failure is searched there.
_FAILING_PROGRAM = "import sys; sys.stderr = sys.stdout; raise RuntimeError(sys.argv[1])"
_LOST_NODE = (
    'Exception in thread "main" org.apache.spark.SparkException: Job aborted due to stage failure:'
    " ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Container marked as"
    " failed: container_1700000000000_0001_01_000002 on host: ip-10-0-0-11.ec2.internal. Exit status: -100."
    " Diagnostics: Container released on a *lost* node.\n"
)


class ClusterFaultHooks:
    def __init__(self, plan: FaultPlan, cluster: Cluster) -> None:
        self._plan, self._cluster = plan, cluster

    def phase_failure(self, phase: ClusterState) -> Reason | None:
        """Return why the phase that ends now has failed; None if it has not."""
        if phase is ClusterState.STARTING:
            start = self.trigger(ClusterFailsToStart, self._cluster.id)
            return Reason(start.reason, start.code, with_errors=True) if start else None
        bootstrap = self.trigger(BootstrapFails, self._cluster.id)
        return Reason(bootstrap.message, "BOOTSTRAP_FAILURE", with_errors=True) if bootstrap else None

    def termination_delay(self) -> timedelta:
        fault = self.trigger(ClusterTerminatesSlowly, self._cluster.id)
        return timedelta(seconds=fault.seconds) if fault else timedelta()

    def of(self, step: Step) -> StepFaultHooks:
        return StepFaultHooks(self, step)

    def trigger(self, kind: type[C], target: str, matches: Callable[[C], bool] = lambda _: True) -> C | None:
        name, tags = self._cluster.name, self._cluster.tags
        return self._plan.trigger(
            kind, target, lambda fault: fault.matches_cluster(name, tags) and matches(fault)
        )


class StepFaultHooks:
    """``stderr_suffix`` is appended to the step's stderr after its processes have ended."""

    def __init__(self, cluster: ClusterFaultHooks, step: Step) -> None:
        self._cluster, self._step = cluster, step
        self._hangs = False
        self.stderr_suffix = ""

    def command(self, command: list[str]) -> list[str]:
        """Return the command to run instead of ``command``."""
        if fails := self._trigger(StepFails):
            command = [sys.executable, "-I", "-c", _FAILING_PROGRAM, fails.message]
        if slow := self._trigger(StepStartsSlowly):
            command = ["sh", "-c", f"sleep {slow.seconds} && exec {shlex.join(command)}"]
        return command

    def trigger(self, session: int, seconds: float) -> None:
        """Apply the faults that are due to the step's processes, which have run for ``seconds``."""
        if not supervisor.session_processes(session):
            return

        def is_due(fault: RunningStepFault) -> bool:
            return fault.seconds <= seconds

        if self._trigger(StepKilled, is_due):
            supervisor.kill_session(session)
        elif self._trigger(SpotNodeLost, is_due):
            supervisor.kill_session(session)
            self.stderr_suffix = _LOST_NODE
        elif self._hangs or self._trigger(StepHangs, is_due):
            # Repeated at each call: a process may start while the process list is read.
            self._hangs = True
            supervisor.signal_session(session, signal.SIGSTOP)

    def _trigger(self, kind: type[S], matches: Callable[[S], bool] = lambda _: True) -> S | None:
        target = f"step {self._step.name} ({self._step.id})"
        return self._cluster.trigger(kind, target, lambda f: f.step == self._step.name and matches(f))
