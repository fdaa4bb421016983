"""What holds for all clusters together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.model import USER_REQUEST, Cluster, internal_error

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_at_the_servers_end_no_cluster_lingers() -> None:
    registry = ClusterRegistry(clock=lambda: NOW)
    lingering = Cluster("j-1", "a", NOW, timedelta(), {}, termination_delay=lambda: timedelta(hours=1))
    other = Cluster("j-2", "b", NOW, timedelta(), {}, termination_delay=lambda: timedelta(hours=1))
    registry.add(lingering)
    registry.add(other)
    lingering.terminate(USER_REQUEST, NOW)
    lingering.advance(NOW)
    assert lingering.is_alive
    registry.terminate_all(internal_error("stopped"))
    for cluster in (lingering, other):
        cluster.advance(NOW)
        assert not cluster.is_alive
