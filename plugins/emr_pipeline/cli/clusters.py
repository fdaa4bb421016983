"""The clusters of the project, found by their tags, for the commands that show or end them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from emr_pipeline.cli import settings_file
from emr_pipeline.cli.aws import Aws
from emr_pipeline.cli.console import CommandError
from emr_pipeline.cost import ClusterCost
from emr_pipeline.settings import PREFIX, Settings
from emr_pipeline.tags import deployment_tags
from emr_pipeline.targets.registry import TARGETS
from emr_pipeline.targets.target import Cluster, Step, StepDescription, Target

KEPT = timedelta(days=60)
"""EMR keeps the description of a cluster for two months.
https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-clusters.html"""

DENIED = ("AccessDeniedException", "AccessDenied")

Hours = Annotated[
    float, typer.Option("--hours", min=0, help="Age in hours up to which ended clusters are included")
]
ClusterId = Annotated[str, typer.Option("--cluster", help="Id of the cluster")]
RunId = Annotated[str, typer.Option("--run", help="Run id of the DAG run whose cluster is meant")]


@dataclass(frozen=True)
class Found:
    """A cluster of the project with its tags."""

    emr: Target
    cluster: Cluster
    tags: Mapping[str, str]

    @property
    def run(self) -> str:
        return f"{self.tags.get('dag_id', 'no DAG')} {self.tags.get('run_id', '')}".strip()

    @property
    def age(self) -> timedelta:
        """The life of the cluster, until now or until its end."""
        return (self.cluster.ended or datetime.now(UTC)) - self.cluster.created

    @cached_property
    def cost(self) -> ClusterCost:
        return self.emr.cost(self.cluster.cluster_id, datetime.now(UTC))

    @cached_property
    def steps(self) -> dict[str, Step]:
        """The newest step of each name, in their order on the cluster."""
        return self.emr.latest_steps(self.cluster.cluster_id)

    def describe(self, step: Step) -> StepDescription:
        return self.emr.describe(self.cluster.cluster_id, step.step_id)


class Project:
    """The targets in the account of ``settings_file``, and the tags of the clusters of this deployment.

    The tag ``project`` is compared only if the setting is given: otherwise each DAG has its own default.
    """

    def __init__(self, file: Path) -> None:
        variables = settings_file.read(file)
        settings = Settings.from_environment(variables)
        self.aws = Aws(variables)
        self.targets = [target(self.aws) for target in TARGETS.values()]
        self.tags = deployment_tags(settings)
        if not variables.get(f"{PREFIX}PROJECT"):
            del self.tags["project"]

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.tags.items())

    def clusters(self, hours: float, cluster_id: str = "") -> Iterator[Found]:
        """Yield the live clusters of the project and those that were created in the last hours, newest first."""
        since = datetime.now(UTC) - (KEPT if cluster_id else timedelta(hours=hours))
        listed = {
            cluster.cluster_id: (emr, cluster)
            for emr in self.targets
            for cluster in (*emr.clusters_since(since), *emr.live_clusters())
            if cluster_id in ("", cluster.cluster_id)
        }
        for emr, cluster in sorted(listed.values(), key=lambda each: each[1].created, reverse=True):
            try:
                tags = emr.tags(cluster.cluster_id)
            except ClientError as error:
                # The IAM policy may hide the clusters of others.
                if cluster_id or error.response["Error"]["Code"] not in DENIED:
                    raise
                continue
            if tags.items() >= self.tags.items():
                yield Found(emr, cluster, tags)

    def select(self, cluster_id: str, run_id: str, hours: float) -> list[Found]:
        """Return the clusters with this id or of this run. Raises CommandError if there is none."""
        found = [each for each in self.clusters(hours, cluster_id) if run_id in ("", each.tags.get("run_id"))]
        if not found:
            wanted = f" {cluster_id}" * bool(cluster_id) + f" of run {run_id}" * bool(run_id)
            time = f" that is alive or at most {hours:g} hours old (--hours)" * (not cluster_id)
            raise CommandError(
                f"There is no cluster{wanted}{time} with the tags {self}, in {self.aws}", exit_code=1
            )
        return found
