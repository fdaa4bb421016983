"""The kinds of faults as dataclasses, and their JSON representation.

A fault's class is its kind. It triggers ``times`` times, and only if its other fields match; an empty field matches
anything. Invalid values raise ValueError or TypeError, so that no fault is planned that cannot trigger.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, get_type_hints

from localaws.protocol import JSON

_TYPES: dict[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
    Mapping[str, str]: (dict,),
}
# EMR's default messages by code.
_START_FAILURES = {
    "INTERNAL_ERROR": "An internal error occurred.",
    "VALIDATION_ERROR": "The VPC/subnet configuration was invalid: The subnet has no route to Amazon S3.",
    "INSTANCE_FAILURE": (
        "Failed to provision ec2 instances because 'InsufficientInstanceCapacity: We currently do not have"
        " sufficient capacity in the Availability Zone you requested.'"
    ),
    "INSTANCE_FLEET_TIMEOUT": "The instance fleet could not be provisioned within the timeout specified.",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    times: int = 1

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self)).items():
            self._check(name, getattr(self, name), hint)

    @staticmethod
    def _check(name: str, value: Any, hint: Any) -> None:
        if not isinstance(value, _TYPES[hint]) or (isinstance(value, bool) and hint is not bool):
            raise TypeError(f"{name} is {value!r}, it must be {getattr(hint, '__name__', hint)}")
        if isinstance(value, int) and hint is int and value < 1:
            raise ValueError(f"{name} is {value}, it must be 1 or more")
        if isinstance(value, int | float) and hint is float and not 0 <= value < math.inf:
            raise ValueError(f"{name} is {value}, it must be 0 or more")
        if isinstance(value, dict) and not all(isinstance(text, str) for text in value.values()):
            raise TypeError(f"{name} is {value!r}, its values must be strings")


@dataclass(frozen=True, kw_only=True)
class ClusterFault(Fault):
    """``cluster`` is the name of a cluster or of an application, ``tags`` are some of its tags."""

    cluster: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def matches_cluster(self, name: str, tags: Mapping[str, str]) -> bool:
        return self.cluster in ("", name) and self.tags.items() <= tags.items()


# API calls


@dataclass(frozen=True)
class CallFault(ClusterFault):
    """A call of ``operation``, such as ``DescribeStep`` or ``athena:GetDatabase``, fails or is delayed.

    ``containing`` is a substring of the call: for S3 of ``bucket/key?query``, otherwise of any string in the request or
    of the SQL of the query that the request names. With ``after_work`` the call still takes effect.
    """

    operation: str
    containing: str = field(default="", kw_only=True)
    after_work: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Throttle(CallFault):
    """Too many requests: 400 ThrottlingException or TooManyRequestsException, S3's 503 SlowDown."""


@dataclass(frozen=True)
class Deny(CallFault):
    """400 AccessDeniedException, S3's 403 AccessDenied."""


@dataclass(frozen=True)
class ServerError(CallFault):
    """An internal error of the service, with ``status`` 500 or 503."""

    status: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status not in (500, 503):
            raise ValueError(f"status is {self.status}, it must be 500 or 503")


@dataclass(frozen=True)
class QuotaExceeded(CallFault):
    """402 ServiceQuotaExceededException, of operations that have this error."""


@dataclass(frozen=True)
class DropConnection(CallFault):
    """The connection is closed without a response."""


@dataclass(frozen=True)
class Delay(CallFault):
    """The correct response is delayed by ``seconds``; the effect is too, unless ``after_work`` is set."""

    seconds: float


# Clusters


@dataclass(frozen=True)
class ClusterFailsToStart(ClusterFault):
    """STARTING, then TERMINATED_WITH_ERRORS with the reason ``code``; ``message`` defaults to EMR's message."""

    code: str = "INTERNAL_ERROR"
    message: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code not in _START_FAILURES:
            raise ValueError(f"code is {self.code!r}, it must be one of {', '.join(_START_FAILURES)}")

    @property
    def reason(self) -> str:
        return self.message or _START_FAILURES[self.code]


@dataclass(frozen=True)
class BootstrapFails(ClusterFault):
    """BOOTSTRAPPING, then TERMINATED_WITH_ERRORS with the reason BOOTSTRAP_FAILURE."""

    message: str = (
        "On the master instance (i-0a1b2c3d4e5f67890), bootstrap action 1 returned a non-zero return code"
    )


@dataclass(frozen=True)
class ClusterTerminatesSlowly(ClusterFault):
    """The cluster stays TERMINATING for ``seconds``."""

    seconds: float


# Applications


@dataclass(frozen=True)
class ApplicationFailsToStart(ClusterFault):
    """STARTING, then STOPPED with ``message`` as its stateDetails; the job runs that wait for it are FAILED."""

    message: str = "The application could not be provisioned: the subnets have no free IP addresses."


@dataclass(frozen=True)
class ApplicationStartsSlowly(ClusterFault):
    """The application stays STARTING for ``seconds`` longer."""

    seconds: float


# Steps and job runs


@dataclass(frozen=True)
class StepFault(ClusterFault):
    """``step`` is the name of the step or of the job run."""

    step: str


@dataclass(frozen=True)
class StepFails(StepFault):
    """Instead of the step's program, a program runs that fails with a Python traceback that ends in ``message``."""

    message: str = "a planned fault"


@dataclass(frozen=True)
class StepStartsSlowly(StepFault):
    """The step is RUNNING, but its program starts ``seconds`` later."""

    seconds: float


@dataclass(frozen=True)
class RunningStepFault(StepFault):
    """A fault of the step's processes after they have run for ``seconds``."""

    seconds: float = 0.0


@dataclass(frozen=True)
class StepHangs(RunningStepFault):
    """Every process of the step is stopped (SIGSTOP) until the step is cancelled or the cluster terminated."""


@dataclass(frozen=True)
class StepKilled(RunningStepFault):
    """Every process of the step is killed (SIGKILL)."""


@dataclass(frozen=True)
class SpotNodeLost(RunningStepFault):
    """Like StepKilled, and the step's stderr ends with Spark's error for an executor on a lost YARN node."""


# Queries


@dataclass(frozen=True)
class QueryFault(Fault):
    """``containing`` is a substring of the SQL."""

    containing: str


@dataclass(frozen=True)
class QueryFails(QueryFault):
    """The query ends FAILED with ``reason``; ``retryable`` is AthenaError's Retryable."""

    reason: str
    retryable: bool = False


@dataclass(frozen=True)
class QueryDelayed(QueryFault):
    """The query is RUNNING for ``seconds`` before it is executed."""

    seconds: float


KINDS: Mapping[str, type[Fault]] = {
    kind.__name__: kind
    for kind in (
        *(Throttle, Deny, ServerError, QuotaExceeded, DropConnection, Delay),
        *(ClusterFailsToStart, BootstrapFails, ClusterTerminatesSlowly),
        *(ApplicationFailsToStart, ApplicationStartsSlowly),
        *(StepFails, StepStartsSlowly, StepHangs, StepKilled, SpotNodeLost),
        *(QueryFails, QueryDelayed),
    )
}


def to_json(fault: Fault) -> JSON:
    return {"kind": type(fault).__name__, **asdict(fault)}


def from_json(given: Any) -> Fault:
    """Return the fault. Raises ValueError or TypeError with a message that names the problem."""
    if not isinstance(given, dict) or given.get("kind") not in KINDS:
        raise ValueError(f"{given!r} is not a fault: its kind must be one of {', '.join(KINDS)}")
    fields = dict(given)
    name = fields.pop("kind")
    try:
        return KINDS[name](**fields)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}".replace(f"{name}.__init__() ", "")) from None


def all_from_json(given: Any) -> list[Fault]:
    """Return the faults of a JSON list or of one JSON object."""
    return [from_json(one) for one in (given if isinstance(given, list) else [given])]
