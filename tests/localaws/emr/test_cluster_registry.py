"""Operations on all clusters together."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localaws.emr import cluster_registry
from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.model import USER_REQUEST, Cluster, internal_error
from localaws.emr.runner import POLL_SECONDS, Runner
from localaws.faults.plan import FaultPlan
from localaws.s3.store import Store

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


def test_the_oldest_ended_cluster_is_forgotten_and_a_live_one_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_registry, "MAX_CLUSTERS", 2)
    registry = ClusterRegistry(clock=lambda: NOW)
    for name in "abcd":
        registry.add(Cluster(name, name, NOW, timedelta(), {}))
        if name != "a":
            registry.by_id()[name].lose(NOW)
    assert [*registry.by_id()] == ["a", "d"]


def test_waiting_clusters_do_not_wake_each_other(tmp_path: Path) -> None:
    looks = 0

    def clock() -> datetime:
        nonlocal looks
        looks += 1
        return NOW

    registry = ClusterRegistry(clock)
    store, plan = Store(tmp_path / "s3"), FaultPlan()
    runner = Runner(registry, store, tmp_path / "emr", tmp_path / "logs", plan, "http://127.0.0.1:1")
    for name in ("a", "b", "c"):
        cluster = Cluster(f"j-{name}", name, NOW, timedelta(hours=1), {}, keep_alive=True)
        registry.add(cluster)
        runner.launch(cluster)
    time.sleep(1)
    seen = looks
    runner.stop()
    assert 3 <= seen < 3 * 2 / POLL_SECONDS
