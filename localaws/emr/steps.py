"""The steps of a cluster and their states.

Source of the states: Amazon EMR Management Guide, "Understanding the cluster lifecycle".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StepState(StrEnum):
    PENDING = "PENDING"
    CANCEL_PENDING = "CANCEL_PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"


RUNNING_STEP_STATES = frozenset({StepState.RUNNING, StepState.CANCEL_PENDING})
ACTIVE_STEP_STATES = RUNNING_STEP_STATES | {StepState.PENDING}


class CancelOption(StrEnum):
    SEND_INTERRUPT = "SEND_INTERRUPT"
    TERMINATE_PROCESS = "TERMINATE_PROCESS"


@dataclass(frozen=True)
class Failure:
    """EMR's FailureDetails. ``log_file`` is the S3 URI of the log that contains the cause."""

    reason: str
    message: str | None = None
    log_file: str | None = None


@dataclass
class Step:
    id: str
    name: str
    jar: str
    args: Sequence[str]
    action_on_failure: str
    created: datetime
    properties: Mapping[str, str] = field(default_factory=dict)
    main_class: str | None = None
    execution_role: str | None = None
    state: StepState = StepState.PENDING
    started: datetime | None = None
    ended: datetime | None = None
    failure: Failure | None = None
    cancel_option: CancelOption | None = None

    def end(self, state: StepState, now: datetime) -> None:
        self.state, self.ended = state, now
