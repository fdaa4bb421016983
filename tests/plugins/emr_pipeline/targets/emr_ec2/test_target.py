"""EMR on EC2 as a target: the order of the clusters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from emr_pipeline.targets.emr_ec2.target import EmrEc2


class Clients:
    """Clients whose ListClusters has two pages in no order, as on AWS; the local AWS lists the newest first."""

    s3: Any = None

    def client(self, service: str, *, retries: bool = True) -> Any:
        return self

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        pages = ([("j-2", 2), ("j-3", 3)], [("j-1", 1), ("j-4", 4)])
        return [{"Clusters": [listed(*each) for each in page]} for page in pages]


def listed(cluster_id: str, day: int) -> dict[str, Any]:
    times = {"CreationDateTime": datetime(2026, 11, day, tzinfo=UTC)}
    return {"Id": cluster_id, "Name": "any", "Status": {"State": "WAITING", "Timeline": times}}


def test_clusters_are_listed_newest_first() -> None:
    emr = EmrEc2(Clients())
    newest_first = ["j-4", "j-3", "j-2", "j-1"]
    assert [each.cluster_id for each in emr.live_clusters()] == newest_first
    assert [each.cluster_id for each in emr.clusters_since(datetime.now(UTC))] == newest_first
