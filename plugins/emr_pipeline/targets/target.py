"""The interface of a target: it creates a cluster, runs steps on it, explains failures, and ends the cluster.

Operators, web pages and the command line use it. Importing a target does not import Airflow.

A *cluster* is what a run creates and ends: a cluster of EMR on EC2, or an application of EMR Serverless. A *step* is
one spark-submit on it: a step of EMR on EC2, or a job run of EMR Serverless.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from emr_pipeline.cost import ClusterCost
from emr_pipeline.live_log import LogStreams, newest_lines
from emr_pipeline.logs import Log, Objects
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec, StepSpec
from emr_pipeline.targets.phase import Phase

if TYPE_CHECKING:
    from emr_pipeline.triggers.base import PollingTrigger, Resource


class Clients(Protocol):
    """boto3 clients, of an Airflow connection or of a terminal."""

    def client(self, service: str, *, retries: bool = True) -> Any: ...

    @property
    def s3(self) -> Objects: ...


@dataclass(frozen=True)
class Cluster:
    """A cluster as it is listed, without its tags."""

    cluster_id: str
    name: str
    created: datetime
    state: str = ""
    """The name that AWS uses; empty if the list has no states."""
    ended: datetime | None = None


@dataclass(frozen=True)
class Step:
    """A step as it is listed; ``state`` is the name that AWS uses."""

    step_id: str
    name: str
    state: str
    phase: Phase


@dataclass(frozen=True)
class StepDescription:
    """A step with its cluster, for the page of the step."""

    step: Step
    reason: str
    """AWS's reason for the state, or an empty string."""
    queued: datetime | None
    started: datetime | None
    ended: datetime | None
    arguments: Sequence[str]
    """The command line."""
    cluster_state: str
    tags: Mapping[str, str]
    """The tags of the cluster."""
    log_folder: str
    """The S3 URI of the step's logs; empty if it has none."""
    console_path: str
    """The address in the AWS console, without its host."""
    log_streams: LogStreams | None
    """The streams to which the logs are written while the step runs; None if there are none."""


class Target(ABC):
    """A place where steps run, with the clients of an operator, of the web pages or of the command line.

    The methods raise ClientError and BotoCoreError. The triggers do the waiting, in a worker or in the triggerer.
    """

    name: ClassVar[str]
    """The value of the setting and of the param ``target``."""
    service: ClassVar[str]
    """The name of the boto3 client."""
    logs_seconds: ClassVar[int]
    """The time that AWS needs to copy the logs of an ended step to S3."""
    logs_while_running: ClassVar[bool]
    """Whether the logs of a running step are copied to S3 too, so that a copy may lack their end."""
    cluster_id_pattern: ClassVar[str]
    step_id_pattern: ClassVar[str]

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    @property
    @abstractmethod
    def step_trigger(self) -> type[PollingTrigger]:
        """Fires with the final ``state``, ``phase`` and ``reason`` of a step; resource: ``cluster_id``, ``step_id``."""

    @property
    @abstractmethod
    def end_trigger(self) -> type[PollingTrigger]:
        """Fires with the final ``states`` when all clusters have ended; resource: ``cluster_ids``."""

    @cached_property
    def client(self) -> Any:
        return self._clients.client(self.service)

    @cached_property
    def client_without_retries(self) -> Any:
        """A client without retries, for calls that are not idempotent."""
        return self._clients.client(self.service, retries=False)

    @property
    def s3(self) -> Objects:
        return self._clients.s3

    @abstractmethod
    def cluster_name(self, dag_id: str, run_id: str) -> str:
        """Return the name of a run's cluster, of which the list of clusters can be searched."""

    @abstractmethod
    def cluster_request(
        self, name: str, cluster: ClusterSpec, settings: Settings, tags: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return the request for ``create``; raise ValueError naming the field that is not valid."""

    @abstractmethod
    def create(self, request: Mapping[str, Any]) -> str:
        """Create a cluster, without retries, and return its id without waiting until it is ready."""

    def start(self, cluster_id: str) -> None:  # noqa: B027 - not each target has it
        """Start a cluster that does not start by itself."""

    @abstractmethod
    def live_clusters(self) -> Iterator[Cluster]:
        """Yield the clusters that have not ended, newest first."""

    def expired_clusters(self) -> Iterator[Cluster]:
        """Yield the clusters that ended long ago, if AWS keeps them until ``terminate`` deletes them."""
        return iter(())

    @abstractmethod
    def clusters_since(self, time: datetime) -> Iterator[Cluster]:
        """Yield the clusters that were created after ``time``, also those that have ended, newest first."""

    @abstractmethod
    def tags(self, cluster_id: str) -> dict[str, str]:
        """Return the tags of a cluster."""

    @abstractmethod
    def why_ended(self, cluster_id: str) -> str:
        """Return the state of a cluster that accepts no more steps, with AWS's reason; else an empty string."""

    @abstractmethod
    def terminate(self, cluster_id: str) -> None:
        """Request the end of a cluster and of its steps; do nothing if it has ended or is unknown."""

    @abstractmethod
    def latest_steps(self, cluster_id: str) -> dict[str, Step]:
        """Return the newest step of each name on a cluster."""

    @abstractmethod
    def queue(self, cluster_id: str, steps: Sequence[StepSpec]) -> None:
        """Queue steps that run one after the other, without retries; raise ValueError naming an invalid field."""

    @abstractmethod
    def submit(self, cluster_id: str, step: StepSpec, previous: str | None = None) -> str:
        """Submit one step and return its id, without retries unless they cannot submit it twice.

        ``previous`` is the id of the step that this one repeats.
        """

    @abstractmethod
    def cancel(self, resource: Resource) -> None:
        """Cancel the step of a ``step_trigger``, and the steps queued behind it, which need its output."""

    @abstractmethod
    def describe(self, cluster_id: str, step_id: str) -> StepDescription: ...

    @abstractmethod
    def end_reason(self, cluster_id: str) -> str:
        """Return AWS's reason for the state of a cluster, or an empty string."""

    @abstractmethod
    def log_folder(self, cluster_id: str, step_id: str) -> str:
        """Return the S3 URI of the logs of a step, or an empty string if it has none."""

    @abstractmethod
    def step_folder(self, log_uri: str, cluster_id: str, step_id: str) -> str:
        """Return the ``log_folder`` of a step of a cluster with this LogUri, without a call of AWS."""

    @abstractmethod
    def read_logs(self, folder: str) -> list[Log]:
        """Return the logs of a step from its ``log_folder``, those of its driver included; empty before the upload."""

    @abstractmethod
    def log_streams(self, cluster_id: str, step_id: str) -> LogStreams | None:
        """Return the streams to which the logs of a step are written while it runs; None if there are none."""

    def read_live_logs(self, streams: LogStreams) -> list[Log]:
        """Return the end of each log of a step from CloudWatch."""
        return newest_lines(self._clients.client("logs"), streams)

    @abstractmethod
    def spark_ui(self, cluster_id: str, step_id: str, application_id: str | None) -> str | None:
        """Return a new URL of the Spark UI of a step, which expires; None if it is not ready yet.

        ``application_id`` is the id of the step's Spark application, if its logs have it.
        """

    @abstractmethod
    def cost(self, cluster_id: str, now: datetime) -> ClusterCost:
        """Return the cost of a cluster until ``now``."""
