"""Stacks, their resources, events and change sets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from localaws.cloudformation.definition import Definition
from localaws.protocol import JSON

RESTARTED = "The local AWS was restarted during the operation."
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class StackResource:
    """``physical_id`` is '' until the resource is created."""

    logical_id: str
    type_name: str
    properties: dict[str, Any]
    deletion_policy: str
    update_replace_policy: str
    physical_id: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    status: str = ""
    reason: str | None = None
    changed: datetime = field(default_factory=now)


@dataclass
class Stack:
    """``definition`` is that of the last successful operation."""

    name: str
    id: str
    definition: Definition
    status: str = "REVIEW_IN_PROGRESS"
    reason: str | None = None
    protected: bool = False
    disable_rollback: bool = False
    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, StackResource] = field(default_factory=dict)
    outputs: list[JSON] = field(default_factory=list)
    events: list[JSON] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)

    @property
    def is_in_progress(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def lose(self) -> None:
        """End the operation in progress, whose thread has ended with the server."""
        if self.is_in_progress:
            self.set_status(f"{self.status.removesuffix('_IN_PROGRESS')}_FAILED", RESTARTED)

    def set_status(self, status: str, reason: str | None = None) -> None:
        self.status, self.reason = status, reason
        self._add_event(self.name, self.id, "AWS::CloudFormation::Stack", status, reason)

    def set_resource_status(self, resource: StackResource, status: str, reason: str | None = None) -> None:
        resource.status, resource.reason, resource.changed = status, reason, now()
        properties = json.dumps(resource.properties)
        self._add_event(
            resource.logical_id, resource.physical_id, resource.type_name, status, reason, properties
        )

    def _add_event(
        self,
        logical_id: str,
        physical_id: str,
        type_name: str,
        status: str,
        reason: str | None,
        properties: str | None = None,
    ) -> None:
        self.events.append(
            {
                "StackId": self.id,
                "StackName": self.name,
                "EventId": f"{logical_id}-{uuid4()}",
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": physical_id,
                "ResourceType": type_name,
                "Timestamp": now(),
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
                "ResourceProperties": properties,
            }
        )


@dataclass
class ChangeSet:
    """``changes`` is as in DescribeChangeSet."""

    name: str
    id: str
    definition: Definition
    creates_stack: bool
    description: str | None
    changes: list[JSON]
    on_failure: str
    status: str
    reason: str | None
    execution_status: str
    created: datetime = field(default_factory=now)
