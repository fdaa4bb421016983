"""Query executions and workgroups: their state, and the rules about changing it. No I/O, no threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from localaws.athena.cancellation import Cancellation
from localaws.athena.engine import Prepared
from localaws.athena.errors import QueryFailed
from localaws.athena.result import Result
from localaws.protocol import JSON, AwsError

PRIMARY = "primary"
FINAL_STATES = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
MAX_ACTIVE = 200
ACCOUNT = "123456789012"
ENGINE = "Athena engine version 3"
# What can be set of a workgroup; everything else is refused, but for what is switched off.
_SETTINGS = {
    *("ResultConfiguration", "EnforceWorkGroupConfiguration", "BytesScannedCutoffPerQuery", "EngineVersion"),
    *("PublishCloudWatchMetricsEnabled", "RequesterPaysEnabled", "EnableMinimumEncryptionConfiguration"),
}
_CAN_BE_OFF = {"ManagedQueryResultsConfiguration"}
_S3_FOLDER = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")


def invalid_request(message: str, code: str | None = None) -> AwsError:
    members: JSON = {"AthenaErrorCode": code} if code else {}
    return AwsError("InvalidRequestException", message, **members)


def not_supported(what: str) -> AwsError:
    return invalid_request(f"not supported by the local Athena: {what}")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Execution:
    """One query from StartQueryExecution on. ``output`` is the address of its result file."""

    text: str
    prepared: Prepared
    database: str
    catalog: str
    workgroup: str
    output_folder: str
    result_configuration: JSON
    parameters: tuple[str, ...] = ()
    scan_limit: int | None = None
    id: str = field(default_factory=lambda: str(uuid4()))
    state: str = "QUEUED"
    reason: str | None = None
    failure: QueryFailed | None = None
    result: Result | None = None
    submitted: datetime = field(default_factory=_now)
    started: datetime | None = None
    completed: datetime | None = None
    cancellation: Cancellation = field(default_factory=Cancellation)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def output(self) -> str:
        """Queries leave ``<id>.csv``, everything else ``<id>.txt``."""
        extension = "csv" if self.prepared.statement.is_query else "txt"
        return f"{self.output_folder.rstrip('/')}/{self.id}.{extension}"

    def start(self) -> bool:
        """QUEUED -> RUNNING; False when it was cancelled while it waited."""
        if self.state != "QUEUED":
            return False
        self.state, self.started = "RUNNING", _now()
        return True

    def succeed(self, result: Result) -> None:
        self.result = result
        self._end("SUCCEEDED")

    def fail(self, failure: QueryFailed) -> None:
        self.reason, self.failure = failure.message, failure
        self._end("FAILED")

    def cancelled(self, reason: str) -> None:
        self.reason = reason
        self._end("CANCELLED")

    def _end(self, state: str) -> None:
        """The state comes last: who sees it final sees the rest as well."""
        assert not self.is_final, f"query {self.id} is {self.state} already"
        self.completed = _now()
        self.state = state


class Executions:
    """Every execution since the start, newest last, and the request tokens that made them."""

    def __init__(self) -> None:
        self._all: dict[str, Execution] = {}
        self._tokens: dict[str, tuple[JSON, str]] = {}

    def __iter__(self) -> Iterator[Execution]:
        return iter(self._all.values())

    def repeated(self, token: str | None, request: JSON) -> str | None:
        """The id an earlier request with this token got. Raises when that request was another one."""
        if token is None or token not in self._tokens:
            return None
        earlier, execution_id = self._tokens[token]
        if earlier != request:
            raise invalid_request("Idempotent parameters do not match")
        return execution_id

    def add(self, execution: Execution, token: str | None, request: JSON) -> None:
        if sum(not other.is_final for other in self) >= MAX_ACTIVE:
            raise AwsError(
                "TooManyRequestsException",
                "You have exceeded the limit for the number of queries you can run concurrently. "
                "Please reduce the number of concurrent queries submitted by this account.",
                Reason="CONCURRENT_QUERY_LIMIT_EXCEEDED",
            )
        self._all[execution.id] = execution
        if token is not None:
            self._tokens[token] = (request, execution.id)

    def get(self, execution_id: str) -> Execution:
        if execution_id not in self._all:
            raise invalid_request(f"QueryExecution {execution_id} was not found")
        return self._all[execution_id]

    def drop_workgroup(self, name: str) -> None:
        self._all = {key: execution for key, execution in self._all.items() if execution.workgroup != name}


@dataclass
class WorkGroup:
    name: str
    description: str = ""
    state: str = "ENABLED"
    configuration: JSON = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=_now)

    def output_folder(self, requested: str | None) -> str:
        """Where results go: the workgroup's place when it enforces it, else the request's, else the workgroup's."""
        own = self.configuration.get("ResultConfiguration", {}).get("OutputLocation")
        location = (
            own or requested if self.configuration["EnforceWorkGroupConfiguration"] else requested or own
        )
        if not location:
            raise invalid_request(
                "No output location provided. An output location is required either through the Workgroup "
                "result configuration setting or as an API input."
            )
        return checked_output(str(location))

    def update(self, description: str | None, state: str | None, updates: JSON) -> None:
        """Apply UpdateWorkGroup's changes; a Remove flag takes the setting away."""
        self.description = self.description if description is None else description
        self.state = state or self.state
        changes = {name.removesuffix("Updates"): value for name, value in updates.items()}
        results = changes.pop("ResultConfiguration", {})
        _check_configuration({**changes, "ResultConfiguration": results})
        _apply(self.configuration.setdefault("ResultConfiguration", {}), results)
        _apply(self.configuration, changes)
        self.configuration["EngineVersion"] = _engine(self.configuration)


class WorkGroups:
    def __init__(self) -> None:
        primary = _configuration({"EnforceWorkGroupConfiguration": False})
        self._all = {PRIMARY: WorkGroup(PRIMARY, configuration=primary)}

    def __iter__(self) -> Iterator[WorkGroup]:
        return iter(sorted(self._all.values(), key=lambda group: group.name))

    def create(self, name: str, description: str, configuration: JSON, tags: dict[str, str]) -> None:
        if name in self._all:
            raise invalid_request("WorkGroup is already created")
        _check_configuration(configuration)
        self._all[name] = WorkGroup(name, description, configuration=_configuration(configuration), tags=tags)

    def get(self, name: str) -> WorkGroup:
        if name not in self._all:
            raise invalid_request(f"WorkGroup {name} is not found.")
        return self._all[name]

    def usable(self, name: str) -> WorkGroup:
        group = self.get(name)
        if group.state != "ENABLED":
            raise invalid_request(f"WorkGroup {name} is disabled.")
        return group

    def delete(self, name: str) -> None:
        if name == PRIMARY:
            raise invalid_request("The primary workgroup cannot be deleted")
        del self._all[self.get(name).name]


def checked_output(location: str) -> str:
    if not _S3_FOLDER.fullmatch(location):
        raise invalid_request(f"outputLocation is not a valid S3 path: {location}")
    return location


def checked_results(configuration: JSON) -> JSON:
    """Return a ResultConfiguration that can be honoured. Encryption and ACL are kept as data, as S3's are."""
    if location := configuration.get("OutputLocation"):
        checked_output(location)
    if (owner := configuration.get("ExpectedBucketOwner", ACCOUNT)) != ACCOUNT:
        raise invalid_request(f"The bucket of the output location is not owned by {owner} but by {ACCOUNT}")
    return configuration


def check_reuse(configuration: JSON) -> None:
    """Raise unless every query is to run: results are not used again."""
    if configuration.get("ResultReuseByAgeConfiguration", {}).get("Enabled"):
        raise not_supported("ResultReuseByAgeConfiguration with Enabled true; each query runs")


def _check_configuration(given: JSON) -> None:
    """Raise for a setting of a workgroup, or a change of one, that would have no effect here."""
    checked_results(given.get("ResultConfiguration", {}))
    for name, value in given.items():
        if name.removeprefix("Remove") in _SETTINGS or (name in _CAN_BE_OFF and not any(value.values())):
            continue
        raise not_supported(f"the workgroup setting {name}")
    version = given.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
    if version not in ("AUTO", ENGINE):
        raise not_supported(f"the engine version {version}, only AUTO and {ENGINE}")


def _engine(configuration: JSON) -> JSON:
    selected = configuration.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
    return {"SelectedEngineVersion": selected, "EffectiveEngineVersion": ENGINE}


def _configuration(given: JSON) -> JSON:
    defaults = {
        "EnforceWorkGroupConfiguration": True,
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "ResultConfiguration": {},
    }
    return {**defaults, **given, "EngineVersion": _engine(given)}


def _apply(settings: JSON, changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if not key.startswith("Remove"):
            settings[key] = value
        elif value:
            settings.pop(key.removeprefix("Remove"), None)
