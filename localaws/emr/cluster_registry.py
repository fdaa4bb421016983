"""All clusters, protected by one lock, and their clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Condition

from localaws.emr.model import Cluster, Reason


def wall_clock() -> datetime:
    return datetime.now(UTC)


class ClusterRegistry:
    def __init__(self, clock: Callable[[], datetime] = wall_clock) -> None:
        self.clock = clock
        self._changed = Condition()
        self._clusters: dict[str, Cluster] = {}

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

    def add(self, cluster: Cluster) -> None:
        with self.transaction():
            self._clusters[cluster.id] = cluster

    def get(self, cluster_id: str) -> Cluster | None:
        with self._changed:
            return self._clusters.get(cluster_id)

    def clusters(self) -> list[Cluster]:
        """Return all clusters since the start of the server, the newest first."""
        with self._changed:
            return list(reversed(self._clusters.values()))

    def terminate_all(self, reason: Reason) -> None:
        """Terminate all clusters without a termination delay."""
        with self.transaction() as now:
            for cluster in self._clusters.values():
                cluster.terminate(reason, now)
                cluster.terminating_until = now
