"""Fault injection: plan faults in a running local AWS, and see which have triggered.

>>> Faults("http://127.0.0.1:4566").plan(Throttle("DescribeStep", times=3), StepKilled("pca", seconds=5))
['fault-1', 'fault-2']
"""

from localaws.faults.client import FaultRejected, Faults, Planned
from localaws.faults.kinds import (
    ApplicationFailsToStart,
    ApplicationStartsSlowly,
    BootstrapFails,
    ClusterFailsToStart,
    ClusterTerminatesSlowly,
    Delay,
    Deny,
    DropConnection,
    Fault,
    QueryDelayed,
    QueryFails,
    QuotaExceeded,
    ServerError,
    SpotNodeLost,
    StepFails,
    StepHangs,
    StepKilled,
    StepStartsSlowly,
    Throttle,
)

__all__ = [
    "ApplicationFailsToStart",
    "ApplicationStartsSlowly",
    "BootstrapFails",
    "ClusterFailsToStart",
    "ClusterTerminatesSlowly",
    "Delay",
    "Deny",
    "DropConnection",
    "Fault",
    "FaultRejected",
    "Faults",
    "Planned",
    "QueryDelayed",
    "QueryFails",
    "QuotaExceeded",
    "ServerError",
    "SpotNodeLost",
    "StepFails",
    "StepHangs",
    "StepKilled",
    "StepStartsSlowly",
    "Throttle",
]
