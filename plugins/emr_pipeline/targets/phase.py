"""The states of a step that operators distinguish."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What the states of all targets have in common; a target has more states, with other names."""

    OPEN = "open"
    """It waits or runs."""
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self not in (Phase.OPEN, Phase.CANCELLING)
