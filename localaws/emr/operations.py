"""The base of EMR's API operations: how they find a cluster, and how they page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.errors import invalid_request, no_such_cluster, no_such_job_flow
from localaws.emr.model import Cluster
from localaws.protocol import JSON
from localaws.registry import Identified

PAGE_SIZE = 50
T = TypeVar("T", bound=Identified)


class Operations:
    """A subclass has the operations on one kind of resource: one method each, as described in ``EmrApi``."""

    _registry: ClusterRegistry

    def _cluster(self, cluster_id: str) -> Cluster:
        if cluster := self._registry.get(cluster_id):
            return cluster
        raise no_such_cluster(cluster_id)

    def _job_flow(self, cluster_id: str) -> Cluster:
        if cluster := self._registry.get(cluster_id):
            return cluster
        raise no_such_job_flow()

    def _job_flows(self, request: JSON) -> list[Cluster]:
        return [self._job_flow(cluster_id) for cluster_id in request["JobFlowIds"]]


def paged(items: Sequence[T], marker: str | None) -> tuple[Sequence[T], str | None]:
    """Return the page after the item with the id ``marker``, and the next marker. Raises AwsError."""
    ids = [item.id for item in items]
    if marker and marker not in ids:
        raise invalid_request(f"Marker '{marker}' is not valid.")
    start = ids.index(marker) + 1 if marker else 0
    page = items[start : start + PAGE_SIZE]
    return page, page[-1].id if start + PAGE_SIZE < len(items) else None
