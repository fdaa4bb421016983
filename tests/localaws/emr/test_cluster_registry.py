"""Operations on all clusters together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.model import USER_REQUEST, Cluster, internal_error

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_terminate_all_ignores_termination_delays() -> None:
    registry = ClusterRegistry(clock=lambda: NOW)
    terminating = Cluster("j-1", "a", NOW, timedelta(), {}, termination_delay=lambda: timedelta(hours=1))
    other = Cluster("j-2", "b", NOW, timedelta(), {}, termination_delay=lambda: timedelta(hours=1))
    registry.add(terminating)
    registry.add(other)
    terminating.terminate(USER_REQUEST, NOW)
    terminating.advance(NOW)
    assert terminating.is_alive
    registry.terminate_all(internal_error("stopped"))
    for cluster in (terminating, other):
        cluster.advance(NOW)
        assert not cluster.is_alive
