"""Workgroups: their settings, and the checks of changes. No I/O, no threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localaws import ACCOUNT
from localaws.athena.api.errors import invalid_request, unsupported_request
from localaws.athena.tables.hive_layout import without_empty_folders
from localaws.protocol import JSON

PRIMARY = "primary"
ENGINE_VERSION = "Athena engine version 3"
# The settings that are supported. The others are refused, except those that only switch something off.
_SETTINGS = {
    *("ResultConfiguration", "EnforceWorkGroupConfiguration", "BytesScannedCutoffPerQuery", "EngineVersion"),
    *("PublishCloudWatchMetricsEnabled", "RequesterPaysEnabled", "EnableMinimumEncryptionConfiguration"),
}
_MAX_REUSE_MINUTES = 10_080
_MAY_BE_OFF = {"ManagedQueryResultsConfiguration"}
_S3_FOLDER = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")


@dataclass
class WorkGroup:
    name: str
    description: str = ""
    state: str = "ENABLED"
    configuration: JSON = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def output_folder(self, requested: str | None) -> str:
        """Return the S3 folder for results. The workgroup's has priority if the workgroup enforces its settings.

        Empty parts (``//``) are removed, because the local S3 cannot store objects below them.
        """
        own = self.configuration.get("ResultConfiguration", {}).get("OutputLocation")
        location = (
            own or requested if self.configuration["EnforceWorkGroupConfiguration"] else requested or own
        )
        if not location:
            raise invalid_request(
                "No output location provided. An output location is required either through the Workgroup "
                "result configuration setting or as an API input."
            )
        return without_empty_folders(checked_output(str(location)))

    def update(self, description: str | None, state: str | None, updates: JSON) -> None:
        """Apply the changes of UpdateWorkGroup. A flag ``Remove<setting>`` removes the setting."""
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
        self.by_name = {PRIMARY: WorkGroup(PRIMARY, configuration=primary)}

    def __iter__(self) -> Iterator[WorkGroup]:
        return iter(sorted(self.by_name.values(), key=lambda group: group.name))

    def create(self, name: str, description: str, configuration: JSON, tags: dict[str, str]) -> None:
        if name in self.by_name:
            raise invalid_request("WorkGroup is already created")
        _check_configuration(configuration)
        self.by_name[name] = WorkGroup(
            name, description, configuration=_configuration(configuration), tags=tags
        )

    def get(self, name: str) -> WorkGroup:
        if name not in self.by_name:
            raise invalid_request(f"WorkGroup {name} is not found.")
        return self.by_name[name]

    def get_enabled(self, name: str) -> WorkGroup:
        group = self.get(name)
        if group.state != "ENABLED":
            raise invalid_request(f"WorkGroup {name} is disabled.")
        return group

    def delete(self, name: str) -> None:
        if name == PRIMARY:
            raise invalid_request("The primary workgroup cannot be deleted")
        del self.by_name[self.get(name).name]


def checked_output(location: str) -> str:
    if not _S3_FOLDER.fullmatch(location):
        raise invalid_request(f"outputLocation is not a valid S3 path: {location}")
    return location


def checked_result_configuration(configuration: JSON) -> JSON:
    """Return the ResultConfiguration after checks. Encryption and ACL are only stored, as in the local S3."""
    if location := configuration.get("OutputLocation"):
        checked_output(location)
    if (owner := configuration.get("ExpectedBucketOwner", ACCOUNT)) != ACCOUNT:
        raise invalid_request(f"The bucket of the output location is owned by {ACCOUNT}, not by {owner}")
    return configuration


def checked_reuse(configuration: JSON) -> JSON:
    """Return the ResultReuseConfiguration after checks."""
    by_age = configuration.get("ResultReuseByAgeConfiguration", {"Enabled": False})
    if not 0 <= by_age.get("MaxAgeInMinutes", 0) <= _MAX_REUSE_MINUTES:
        raise invalid_request(f"MaxAgeInMinutes must be from 0 to {_MAX_REUSE_MINUTES}")
    return {"ResultReuseByAgeConfiguration": by_age}


def _check_configuration(given: JSON) -> None:
    """Raise AwsError for a setting, or a change of one, that would have no effect here."""
    checked_result_configuration(given.get("ResultConfiguration", {}))
    for name, value in given.items():
        if name.removeprefix("Remove") in _SETTINGS or (name in _MAY_BE_OFF and not any(value.values())):
            continue
        raise unsupported_request(f"the workgroup setting {name}")
    version = given.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
    if version not in ("AUTO", ENGINE_VERSION):
        raise unsupported_request(f"the engine version {version}; supported: AUTO, {ENGINE_VERSION}")


def _engine(configuration: JSON) -> JSON:
    selected = configuration.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
    return {"SelectedEngineVersion": selected, "EffectiveEngineVersion": ENGINE_VERSION}


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
