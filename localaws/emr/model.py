"""The state machines of clusters and steps.

Pure: no threads, processes or clock. Each method that can change a state takes the current time, so the rules can be
read and tested alone. The caller calls ``advance`` as time passes. In the state BOOTSTRAPPING it runs the bootstrap
actions and reports their end with ``finish_bootstrap``. It runs each step that ``start_step`` returns, and reports its
end with ``finish_step``.

Source of the states and rules: Amazon EMR Management Guide, "Understanding the cluster lifecycle",
and the EMR API reference (SetTerminationProtection, TerminateJobFlows, StepConfig).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from localaws.emr.errors import shutting_down, validation_error
from localaws.emr.instances import InstanceFleet, InstanceGroup
from localaws.emr.steps import ACTIVE_STEP_STATES, RUNNING_STEP_STATES, CancelOption, Failure, Step, StepState

MAX_ACTIVE_STEPS = 256


class ClusterState(StrEnum):
    STARTING = "STARTING"
    BOOTSTRAPPING = "BOOTSTRAPPING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    TERMINATED_WITH_ERRORS = "TERMINATED_WITH_ERRORS"


ENDED_STATES = frozenset({ClusterState.TERMINATED, ClusterState.TERMINATED_WITH_ERRORS})
SHUTDOWN_STATES = ENDED_STATES | {ClusterState.TERMINATING}


@dataclass(frozen=True)
class Reason:
    """EMR's StateChangeReason. ``code`` is empty unless the cluster is terminating or terminated.

    ``error_code`` and ``error_data`` are those of EMR's ErrorDetail.
    """

    message: str
    code: str | None = None
    with_errors: bool = False
    error_code: str | None = None
    error_data: Mapping[str, str] = field(default_factory=dict)


USER_REQUEST = Reason("Terminated by user request", "USER_REQUEST")
STEPS_COMPLETED = Reason("Steps completed", "ALL_STEPS_COMPLETED")
STEPS_COMPLETED_WITH_ERRORS = Reason("Steps completed with errors", "ALL_STEPS_COMPLETED")
IDLE = Reason("Auto-terminated: the cluster was idle for its IdleTimeout", "ALL_STEPS_COMPLETED")
STEP_FAILURE = Reason("Shut down as step failed", "STEP_FAILURE", with_errors=True)


def internal_error(message: str) -> Reason:
    return Reason(message, "INTERNAL_ERROR", with_errors=True)


RESTARTED = internal_error("The local AWS was restarted while the cluster was running.")
STEP_RESTARTED = "The local AWS was restarted while the step was running."


def no_failure(state: ClusterState) -> Reason | None:
    return None


@dataclass
class Cluster:
    """A cluster with its steps.

    ``phase`` is the duration of STARTING and of BOOTSTRAPPING. ``request`` is RunJobFlow's input, used for the members
    that have no behaviour here; members with behaviour have their own field.

    Hooks for planned faults: ``phase_failure`` is called at the end of STARTING and BOOTSTRAPPING and returns why the
    phase failed, ``termination_delay`` returns the minimum duration of TERMINATING.
    """

    id: str
    name: str
    created: datetime
    phase: timedelta
    request: Mapping[str, Any]
    keep_alive: bool = False
    protected: bool = False
    idle_timeout: timedelta | None = None
    scaling: Mapping[str, Any] | None = None
    """The managed scaling policy; it is only stored."""
    step_concurrency: int = 1
    visible_to_all: bool = True
    unhealthy_node_replacement: bool | None = None
    groups: list[InstanceGroup] | None = None
    fleets: list[InstanceFleet] | None = None
    """A cluster has either instance groups or instance fleets."""
    bootstrapped: bool = True
    """Whether its bootstrap actions have run."""
    tags: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    state: ClusterState = ClusterState.STARTING
    reason: Reason = Reason("Configuring cluster software")
    ready: datetime | None = None
    ended: datetime | None = None
    idle_since: datetime | None = None
    phase_failure: Callable[[ClusterState], Reason | None] = no_failure
    termination_delay: Callable[[], timedelta] = timedelta
    terminating_until: datetime | None = None

    @property
    def is_alive(self) -> bool:
        return self.state not in ENDED_STATES

    @property
    def running_steps(self) -> list[Step]:
        return [step for step in self.steps if step.state in RUNNING_STEP_STATES]

    @property
    def instance_collections(self) -> list[InstanceGroup | InstanceFleet]:
        return [*(self.groups or []), *(self.fleets or [])]

    @property
    def primary_instance(self) -> str:
        """The EC2 id of its first primary node."""
        return next(
            instance.ec2_id
            for each in self.instance_collections
            if each.role == "MASTER"
            for instance in each.instances
        )

    def check_modifiable(self) -> None:
        """Raise AwsError if the cluster is shutting down or has ended."""
        if self.state in SHUTDOWN_STATES:
            raise shutting_down()

    def add_steps(self, steps: Sequence[Step], now: datetime) -> None:
        self.check_modifiable()
        if sum(step.state in ACTIVE_STEP_STATES for step in self.steps) + len(steps) > MAX_ACTIVE_STEPS:
            raise validation_error(
                "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending')"
                f" for cluster exceeded: {MAX_ACTIVE_STEPS}."
            )
        self.steps.extend(steps)
        self._update_state(now)

    def advance(self, now: datetime) -> None:
        """Make the state changes that are due at ``now``."""
        if self._phase_completed(ClusterState.STARTING, self.created + self.phase, now):
            self.state, self.reason = ClusterState.BOOTSTRAPPING, Reason("Running bootstrap actions")
        if self.bootstrapped and self._phase_completed(
            ClusterState.BOOTSTRAPPING, self.created + 2 * self.phase, now
        ):
            self.state, self.ready = ClusterState.WAITING, now
            self._update_state(now)
        if self.state is ClusterState.WAITING and self._is_idle_too_long(now):
            self.terminate(IDLE, now)
        if (
            self.terminating_until
            and now >= self.terminating_until
            and self.is_alive
            and not self.running_steps
        ):
            errors = self.reason.with_errors
            self.state = ClusterState.TERMINATED_WITH_ERRORS if errors else ClusterState.TERMINATED
            self.ended = now

    def finish_bootstrap(self, failure: Reason | None, now: datetime) -> None:
        """Record the end of the bootstrap actions; a failure terminates the cluster."""
        self.bootstrapped = True
        if failure:
            self.terminate(failure, now)

    def start_step(self, now: datetime) -> Step | None:
        """Set the next pending step to RUNNING and return it; None if there is none or enough steps are running."""
        if self.state is not ClusterState.RUNNING or len(self.running_steps) >= self.step_concurrency:
            return None
        step = next((step for step in self.steps if step.state is StepState.PENDING), None)
        if step:
            step.state, step.started = StepState.RUNNING, now
        return step

    def finish_step(self, step: Step, failure: Failure | None, now: datetime) -> None:
        """Record the end of the step's process.

        A failure triggers the step's ActionOnFailure, unless the step is being cancelled or the cluster terminated.
        """
        if failure is None:
            step.end(StepState.COMPLETED, now)
        elif step.state is StepState.CANCEL_PENDING:
            step.end(StepState.CANCELLED, now)
        elif self.state in SHUTDOWN_STATES:
            step.end(StepState.INTERRUPTED, now)
        else:
            step.failure = failure
            step.end(StepState.FAILED, now)
            self._act_on_failure(step, now)
        self._update_state(now)

    def cancel_step(self, step: Step, option: CancelOption, now: datetime) -> str | None:
        """Cancel the step. Return why it cannot be cancelled; None if it is or will be cancelled."""
        if step.state not in ACTIVE_STEP_STATES:
            return (
                f"Step {step.id} is in state {step.state}; only PENDING and RUNNING steps can be cancelled."
            )
        if step.state is StepState.PENDING:
            step.end(StepState.CANCELLED, now)
            self._update_state(now)
        else:
            step.state, step.cancel_option = StepState.CANCEL_PENDING, option
        return None

    def terminate(self, reason: Reason, now: datetime) -> None:
        """Begin to shut down, if not already begun. The caller must end the processes of the running steps."""
        if self.state in SHUTDOWN_STATES:
            return
        self.state, self.reason = ClusterState.TERMINATING, reason
        self.terminating_until = now + self.termination_delay()
        self._cancel_pending(now)

    def lose(self, now: datetime) -> None:
        """End a cluster whose processes have ended with the server."""
        if not self.is_alive:
            return
        self.terminate(RESTARTED, now)
        for step in self.running_steps:
            step.failure = Failure("Unknown Error", STEP_RESTARTED)
            step.end(StepState.FAILED, now)
        self.terminating_until = now
        self.advance(now)

    def set_keep_alive(self, keep_alive: bool, now: datetime) -> None:
        self.keep_alive = keep_alive
        self._update_state(now)

    def set_idle_timeout(self, timeout: timedelta | None, now: datetime) -> None:
        self.idle_timeout = timeout
        self.advance(now)

    def _phase_completed(self, phase: ClusterState, due: datetime, now: datetime) -> bool:
        """Return whether the phase ends successfully at ``now``. If it failed, terminate the cluster."""
        if self.state is not phase or now < due:
            return False
        if reason := self.phase_failure(phase):
            self.terminate(reason, now)
        return reason is None

    def _update_state(self, now: datetime) -> None:
        """Choose between RUNNING, WAITING and TERMINATING after a change in the steps."""
        if self.state not in {ClusterState.RUNNING, ClusterState.WAITING}:
            return
        if any(step.state in ACTIVE_STEP_STATES for step in self.steps):
            self.state, self.reason, self.idle_since = ClusterState.RUNNING, Reason("Running step"), None
        elif self.keep_alive:
            self.idle_since = self.idle_since or now
            after = "after last step completed" if self.steps else "to run steps"
            self.state, self.reason = ClusterState.WAITING, Reason(f"Cluster ready {after}.")
        else:
            failed = any(step.state is StepState.FAILED for step in self.steps)
            self.terminate(STEPS_COMPLETED_WITH_ERRORS if failed else STEPS_COMPLETED, now)

    def _act_on_failure(self, step: Step, now: datetime) -> None:
        # With parallel steps, the other actions have no effect:
        # https://docs.aws.amazon.com/emr/latest/APIReference/API_StepConfig.html
        if step.action_on_failure == "CONTINUE" or self.step_concurrency > 1:
            return
        self._cancel_pending(now)
        if step.action_on_failure == "CANCEL_AND_WAIT":
            return
        if self.protected:  # also "in the event of a job-flow error": the cluster waits for the user
            self.keep_alive = True
        else:
            self.terminate(STEP_FAILURE, now)

    def _cancel_pending(self, now: datetime) -> None:
        for step in self.steps:
            if step.state is StepState.PENDING:
                step.end(StepState.CANCELLED, now)

    def _is_idle_too_long(self, now: datetime) -> bool:
        return bool(self.idle_timeout and self.idle_since and now >= self.idle_since + self.idle_timeout)
