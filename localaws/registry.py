"""The resources of a service by their ids, protected by one lock, and the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Condition
from typing import Generic, Protocol, TypeVar


class Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Identified)


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Registry(Generic[T]):
    def __init__(self, clock: Callable[[], datetime] = wall_clock) -> None:
        self.clock = clock
        self._changed = Condition()
        self._by_id: dict[str, T] = {}

    @contextmanager
    def locked(self) -> Iterator[datetime]:
        """Hold the lock and yield the current time. For the runners: if they notified each other, none would wait."""
        with self._changed:
            yield self.clock()

    @contextmanager
    def transaction(self) -> Iterator[datetime]:
        """Hold the lock, yield the current time, and notify the waiting runners at the end."""
        with self.locked() as now:
            yield now
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for the end of a transaction, at most ``seconds``."""
        with self._changed:
            self._changed.wait(seconds)

    def add(self, resource: T) -> None:
        with self.transaction():
            self._by_id[resource.id] = resource

    def get(self, resource_id: str) -> T | None:
        with self._changed:
            return self._by_id.get(resource_id)

    def by_id(self) -> dict[str, T]:
        """Return a copy of all resources by their ids, oldest first."""
        with self._changed:
            return dict(self._by_id)

    def newest_first(self) -> list[T]:
        """Return all resources since the start of the server."""
        with self._changed:
            return list(reversed(self._by_id.values()))
