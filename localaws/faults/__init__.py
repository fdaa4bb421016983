"""Faults on demand: plan what shall go wrong in a running local AWS, and see what has struck.

>>> Faults("http://127.0.0.1:4566").plan(Throttle("DescribeStep", times=3), StepKilled("pca", seconds=5))
['fault-1', 'fault-2']
"""

from localaws.faults.client import FaultRefused, Faults, Planned
from localaws.faults.kinds import (
    BootstrapFails,
    ClusterFailsToStart,
    ClusterLingers,
    Delay,
    Deny,
    DropConnection,
    Fault,
    QueryDelayed,
    QueryFails,
    ServerError,
    SpotNodeLost,
    StepFails,
    StepHangs,
    StepKilled,
    StepStartsSlowly,
    Throttle,
)

__all__ = [
    "BootstrapFails",
    "ClusterFailsToStart",
    "ClusterLingers",
    "Delay",
    "Deny",
    "DropConnection",
    "Fault",
    "FaultRefused",
    "Faults",
    "Planned",
    "QueryDelayed",
    "QueryFails",
    "ServerError",
    "SpotNodeLost",
    "StepFails",
    "StepHangs",
    "StepKilled",
    "StepStartsSlowly",
    "Throttle",
]
