"""All clusters of EMR."""

from __future__ import annotations

from localaws.emr.model import Cluster, Reason
from localaws.registry import Registry

MAX_CLUSTERS = 1000
"""Of more clusters, those that ended and were created first are forgotten; EMR keeps ended clusters for two months."""


class ClusterRegistry(Registry[Cluster]):
    def add(self, cluster: Cluster) -> None:
        with self.transaction():
            super().add(cluster)
            if len(self._by_id) > MAX_CLUSTERS:
                oldest = next((c for c in self._by_id.values() if not c.is_alive), cluster)
                if oldest is not cluster:
                    del self._by_id[oldest.id]

    def terminate_all(self, reason: Reason) -> None:
        """Terminate all clusters without a termination delay."""
        with self.transaction() as now:
            for cluster in self.newest_first():
                cluster.terminate(reason, now)
                cluster.terminating_until = now
