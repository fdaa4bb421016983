"""Which clusters are abandoned: the rule of the DAG ``emr_reaper`` and of the command ``emr-pipeline reap``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from emr_pipeline.targets.target import Cluster, Target

IsActive = Callable[[str, str], bool]
"""Return whether Airflow has an unfinished run with this ``dag_id`` and ``run_id``."""


@dataclass(frozen=True)
class Inspected:
    """A live or expired cluster: ``abandoned`` is the reason to terminate it, ``ignored`` not to consider it."""

    cluster: Cluster
    tags: Mapping[str, str]
    abandoned: str = ""
    ignored: str = ""


def inspect(
    emr: Target, tags: Sequence[Mapping[str, str]], max_hours: float, is_active: IsActive
) -> Iterator[Inspected]:
    """Yield each live and each expired cluster with the verdict.

    A cluster is abandoned if its DAG run has ended or no longer exists, or if it is older than ``max_hours``. Only
    clusters with all tags of one entry of ``tags`` are considered, because this Airflow does not know the runs of
    another one.
    """
    for cluster in (*emr.live_clusters(), *emr.expired_clusters()):
        try:
            found = emr.tags(cluster.cluster_id)
        except ClientError as error:
            # The IAM policy may hide the clusters of others.
            yield Inspected(cluster, {}, ignored=f"cannot be described: {error}")
            continue
        if not any(found.items() >= wanted.items() for wanted in tags) or not found.keys() >= {
            "dag_id",
            "run_id",
        }:
            yield Inspected(cluster, found, ignored="has the tags of another deployment, or of no run")
            continue
        run = f"run {found['run_id']} of {found['dag_id']}"
        age = datetime.now(UTC) - cluster.created
        if not is_active(found["dag_id"], found["run_id"]):
            yield Inspected(cluster, found, abandoned=f"{run} has ended or no longer exists")
        elif age > timedelta(hours=max_hours):
            yield Inspected(cluster, found, abandoned=f"{run} has used it for {age}")
        else:
            yield Inspected(cluster, found)
