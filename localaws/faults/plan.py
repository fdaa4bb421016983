"""The planned faults and their trigger counts, shared by all fault hooks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import TypeVar

from localaws.faults.kinds import Fault, to_json
from localaws.protocol import JSON

F = TypeVar("F", bound=Fault)
log = logging.getLogger(__name__)


@dataclass
class _Planned:
    fault: Fault
    triggered: int = 0


class FaultPlan:
    """Thread-safe. The plan is kept in memory and is lost at a restart."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(1)
        self._planned: dict[str, _Planned] = {}

    def add(self, faults: Iterable[Fault]) -> list[str]:
        with self._lock:
            new = {f"fault-{next(self._numbers)}": _Planned(fault) for fault in faults}
            self._planned.update(new)
            return list(new)

    def report(self) -> list[JSON]:
        with self._lock:
            return [
                {"id": fault_id, "triggered": planned.triggered, **to_json(planned.fault)}
                for fault_id, planned in self._planned.items()
            ]

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def remove(self, fault_id: str) -> None:
        """Raises KeyError if it is not planned."""
        with self._lock:
            del self._planned[fault_id]

    @property
    def is_empty(self) -> bool:
        return not self._planned

    def trigger(self, kind: type[F], target: str, matches: Callable[[F], bool]) -> F | None:
        """Return the first planned fault of the kind that matches and has triggers left, and count this trigger.

        The lock is held while ``matches`` runs. ``target`` names the affected call, step or cluster in the log.
        """
        with self._lock:
            for fault_id, planned in self._planned.items():
                fault = planned.fault
                if isinstance(fault, kind) and planned.triggered < fault.times and matches(fault):
                    planned.triggered += 1
                    count = f"{planned.triggered} of {fault.times}"
                    log.warning(
                        "%s, %s, triggered for %s (%s)", fault_id, type(fault).__name__, target, count
                    )
                    return fault
        return None
