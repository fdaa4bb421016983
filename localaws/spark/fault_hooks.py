"""The hooks at which the planned faults of a step's or a job run's processes are applied."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from localaws.faults.kinds import (
    RunningStepFault,
    SpotNodeLost,
    StepFails,
    StepFault,
    StepHangs,
    StepKilled,
    StepStartsSlowly,
)
from localaws.faults.plan import FaultPlan
from localaws.spark import supervisor

S = TypeVar("S", bound=StepFault)
# In client mode Spark writes a Python driver's traceback to stdout, so the cause of a failure is searched there.
_FAILING_PROGRAM = "import sys; sys.stderr = sys.stdout; raise RuntimeError(sys.argv[1])"
_LOST_NODE = (
    'Exception in thread "main" org.apache.spark.SparkException: Job aborted due to stage failure:'
    " ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Container marked as"
    " failed: container_1700000000000_0001_01_000002 on host: ip-10-0-0-11.ec2.internal. Exit status: -100."
    " Diagnostics: Container released on a *lost* node.\n"
)


class ProcessFaultHooks:
    """``stderr_suffix`` is appended to the stderr of the processes after they have ended."""

    def __init__(self, plan: FaultPlan, target: str, matches: Callable[[StepFault], bool]) -> None:
        """``target`` names the step or job run in the log; ``matches`` returns whether a fault applies to it."""
        self._plan, self._target, self._matches = plan, target, matches
        self._hangs = False
        self.stderr_suffix = ""

    def command(self, command: Sequence[str]) -> Sequence[str]:
        """Return the command to run instead of ``command``."""
        if fails := self._trigger(StepFails):
            command = [sys.executable, "-I", "-c", _FAILING_PROGRAM, fails.message]
        if slow := self._trigger(StepStartsSlowly):
            command = ["sh", "-c", f"sleep {slow.seconds} && exec {shlex.join(command)}"]
        return command

    def trigger(self, session: int, seconds: float) -> None:
        """Apply the faults that are due to the processes of the session, which have run for ``seconds``."""
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

    def _trigger(self, kind: type[S], is_due: Callable[[S], bool] = lambda _: True) -> S | None:
        return self._plan.trigger(kind, self._target, lambda fault: self._matches(fault) and is_due(fault))
