"""All clusters of EMR."""

from __future__ import annotations

from localaws.emr.model import Cluster, Reason
from localaws.registry import Registry


class ClusterRegistry(Registry[Cluster]):
    def terminate_all(self, reason: Reason) -> None:
        """Terminate all clusters without a termination delay."""
        with self.transaction() as now:
            for cluster in self.newest_first():
                cluster.terminate(reason, now)
                cluster.terminating_until = now
