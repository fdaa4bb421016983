"""Creation, update, rollback and deletion of the resources of a stack, one after the other.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.cloudformation.definition import Definition
from localaws.cloudformation.intrinsics import is_unknown
from localaws.cloudformation.resources import RESOURCE_TYPES
from localaws.cloudformation.resources.base import Aws, Properties, ResourceType, generated_name, is_missing
from localaws.cloudformation.stack import Stack, StackResource, now
from localaws.cloudformation.template import RETAIN, RETAIN_EXCEPT_ON_CREATE
from localaws.protocol import JSON, AwsError

DELETE, DO_NOTHING, ROLLBACK = "DELETE", "DO_NOTHING", "ROLLBACK"
_RETAINED = (RETAIN, RETAIN_EXCEPT_ON_CREATE)
log = logging.getLogger(__name__)


class _ResourceFailed(Exception):
    """A resource could not be created or updated; the text is its logical id."""


class Deployment:
    """One operation on the resources of a stack."""

    def __init__(self, stack: Stack, aws: Aws) -> None:
        self._stack, self._aws = stack, aws
        self._undo: list[Callable[[], bool]] = []  # each returns whether it succeeded
        self._replaced: list[StackResource] = []

    def create(self, on_failure: str) -> None:
        """``on_failure`` is ROLLBACK, DO_NOTHING or DELETE."""
        stack = self._stack
        try:
            self._apply(stack.definition)
        except _ResourceFailed as failed:
            reason = f"The following resource(s) failed to create: [{failed}]."
            if on_failure == DO_NOTHING:
                stack.set_status("CREATE_FAILED", reason)
                return
            operation = "ROLLBACK" if on_failure == ROLLBACK else "DELETE"
            stack.set_status(f"{operation}_IN_PROGRESS", f"{reason} Rollback requested by user.")
            is_clean = self._roll_back()
            stack.deleted = now() if is_clean and on_failure == DELETE else None
            stack.set_status(f"{operation}_{'COMPLETE' if is_clean else 'FAILED'}")
        else:
            stack.outputs = stack.definition.outputs(stack.resources)
            stack.set_status("CREATE_COMPLETE")

    def update(self, definition: Definition, on_failure: str) -> None:
        stack, before = self._stack, self._stack.definition
        try:
            self._apply(definition)
        except _ResourceFailed as failed:
            reason = f"The following resource(s) failed to update: [{failed}]."
            if on_failure == DO_NOTHING:
                stack.definition = definition
                stack.set_status("UPDATE_FAILED", reason)
                return
            stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
            is_clean = self._roll_back()
            stack.resources = {n: r for n, r in stack.resources.items() if n in before.order}
            stack.set_status(f"UPDATE_ROLLBACK_{'COMPLETE' if is_clean else 'FAILED'}")
        else:
            stack.definition = definition
            stack.outputs = definition.outputs(stack.resources)
            stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self._clean_up(before)
            stack.set_status("UPDATE_COMPLETE")
        stack.updated = now()

    def delete(self, retained: Collection[str]) -> None:
        stack = self._stack
        failed = [
            resource.logical_id
            for resource in self._in_reverse(stack.definition)
            if resource.status != "DELETE_COMPLETE"
            and not self._delete(
                resource, resource.logical_id in retained or resource.deletion_policy in _RETAINED
            )
        ]
        if failed:
            stack.set_status(
                "DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
            )
        else:
            stack.deleted = now()
            stack.set_status("DELETE_COMPLETE")

    def _roll_back(self) -> bool:
        """Undo all that was done, and return whether all of it succeeded."""
        results = [undo() for undo in reversed(self._undo)]
        return all(results)

    def _in_reverse(self, definition: Definition) -> list[StackResource]:
        resources = self._stack.resources
        return [resources[name] for name in reversed(definition.order) if name in resources]

    # ---------------------------------------------------------------- create and update
    def _apply(self, definition: Definition) -> None:
        """Create and update all resources. Raises _ResourceFailed at the first that fails."""
        for logical_id in definition.order:
            resource_type = definition.type_of(logical_id)
            properties = definition.properties(logical_id, self._stack.resources)
            declaration = definition.template.resources[logical_id]
            deletion_policy = declaration.get("DeletionPolicy", "Delete")
            replace_policy = declaration.get("UpdateReplacePolicy", "Delete")
            old = self._stack.resources.get(logical_id)
            if old is None or resource_type.replaced_by(old.properties, properties):
                resource = StackResource(
                    logical_id, resource_type.type_name, properties, deletion_policy, replace_policy
                )
                self._create(resource, resource_type(self._aws), old)
            elif old.properties != properties:
                self._update(old, resource_type(self._aws), properties)
            self._stack.resources[logical_id].deletion_policy = deletion_policy
            self._stack.resources[logical_id].update_replace_policy = replace_policy

    def _create(
        self, resource: StackResource, resource_type: ResourceType, replaced: StackResource | None
    ) -> None:
        """Create ``resource``, which takes the place of ``replaced``."""
        stack, verb = self._stack, "UPDATE" if replaced else "CREATE"
        custom_name = resource.properties.get(resource_type.name_property)
        if replaced and custom_name and custom_name == replaced.properties.get(resource_type.name_property):
            self._fail(
                resource,
                verb,
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {custom_name} and update the stack again.",
            )
        stack.set_resource_status(resource, f"{verb}_IN_PROGRESS", _REPLACEMENT if replaced else None)
        name = generated_name(stack.name, resource.logical_id)
        resource.physical_id = self._attempt(
            resource, verb, lambda: resource_type.create(resource.properties, name)
        )
        stack.resources[resource.logical_id] = resource
        if replaced:
            self._replaced.append(replaced)
        self._undo.append(lambda: self._undo_create(resource, replaced))
        stack.set_resource_status(resource, f"{verb}_IN_PROGRESS", "Resource creation Initiated")
        self._attempt(
            resource, verb, lambda: resource_type.configure(resource.physical_id, {}, resource.properties)
        )
        self._read_attributes(resource, resource_type, verb)
        stack.set_resource_status(resource, f"{verb}_COMPLETE")

    def _undo_create(self, resource: StackResource, replaced: StackResource | None) -> bool:
        if replaced:
            self._stack.resources[resource.logical_id] = replaced
        return self._delete(resource, retain=resource.deletion_policy == RETAIN and not replaced)

    def _update(self, resource: StackResource, resource_type: ResourceType, properties: Properties) -> None:
        before = resource.properties
        resource.properties = properties
        self._stack.set_resource_status(resource, "UPDATE_IN_PROGRESS")
        self._undo.append(lambda: self._undo_update(resource, resource_type, before))
        self._attempt(
            resource, "UPDATE", lambda: resource_type.configure(resource.physical_id, before, properties)
        )
        self._read_attributes(resource, resource_type, "UPDATE")
        self._stack.set_resource_status(resource, "UPDATE_COMPLETE")

    def _undo_update(self, resource: StackResource, resource_type: ResourceType, before: Properties) -> bool:
        after, resource.properties = resource.properties, before
        self._stack.set_resource_status(resource, "UPDATE_IN_PROGRESS")
        try:
            self._attempt(
                resource, "UPDATE", lambda: resource_type.configure(resource.physical_id, after, before)
            )
        except _ResourceFailed:
            return False
        self._stack.set_resource_status(resource, "UPDATE_COMPLETE")
        return True

    def _read_attributes(self, resource: StackResource, resource_type: ResourceType, verb: str) -> None:
        resource.attributes = self._attempt(
            resource,
            verb,
            lambda: resource_type.attribute_values(resource.physical_id, resource.properties),
        )

    def _attempt(self, resource: StackResource, verb: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (ClientError, BotoCoreError, AwsError) as error:
            self._fail(resource, verb, _message(error))

    def _fail(self, resource: StackResource, verb: str, reason: str) -> None:
        log.warning("%s %s: %s_FAILED: %s", self._stack.name, resource.logical_id, verb, reason)
        self._stack.resources.setdefault(resource.logical_id, resource)
        self._stack.set_resource_status(resource, f"{verb}_FAILED", reason)
        raise _ResourceFailed(resource.logical_id)

    # ---------------------------------------------------------------- delete
    def _clean_up(self, before: Definition) -> None:
        """Delete the resources that were replaced or that are no longer in the template."""
        for resource in reversed(self._replaced):
            self._delete(resource, retain=resource.update_replace_policy in _RETAINED)
        for resource in self._in_reverse(before):
            if resource.logical_id not in self._stack.definition.order:
                self._delete(resource, retain=resource.deletion_policy in _RETAINED)
                del self._stack.resources[resource.logical_id]

    def _delete(self, resource: StackResource, retain: bool) -> bool:
        """Delete the resource if it exists; return whether it could be deleted or was to be retained."""
        stack = self._stack
        if retain:
            stack.set_resource_status(resource, "DELETE_SKIPPED")
            return True
        stack.set_resource_status(resource, "DELETE_IN_PROGRESS")
        try:
            if resource.physical_id:
                resource_type = RESOURCE_TYPES[resource.type_name](self._aws)
                resource_type.delete(resource.physical_id, resource.properties)
        except (ClientError, BotoCoreError, AwsError) as error:
            if not (isinstance(error, ClientError) and is_missing(error)):
                stack.set_resource_status(resource, "DELETE_FAILED", _message(error))
                return False
        stack.set_resource_status(resource, "DELETE_COMPLETE")
        return True


_REPLACEMENT = "Requested update requires the creation of a new physical resource; hence creating one."


def planned_changes(stack: Stack, definition: Definition) -> list[JSON]:
    """Return the changes that an update to ``definition`` would make, as in DescribeChangeSet."""
    known: dict[str, StackResource] = {}
    changes = []
    for logical_id in definition.order:
        resource_type = definition.type_of(logical_id)
        old = stack.resources.get(logical_id)
        properties = definition.properties(logical_id, known)
        if old is None:
            changes.append(_change("Add", logical_id, resource_type.type_name))
            continue
        names = {*old.properties, *properties}
        different = [name for name in sorted(names) if old.properties.get(name) != properties.get(name)]
        replaces = resource_type.replaced_by(old.properties, properties)
        if not replaces:
            known[logical_id] = old
        declaration = definition.template.resources[logical_id]
        targets = [_target("Properties", resource_type, properties, name) for name in different] + [
            {"Target": {"Attribute": attribute, "RequiresRecreation": "Never"}, "Evaluation": "Static"}
            for attribute, value in (
                ("DeletionPolicy", old.deletion_policy),
                ("UpdateReplacePolicy", old.update_replace_policy),
            )
            if declaration.get(attribute, "Delete") != value
        ]
        if targets:
            changes.append(
                _change(
                    "Modify",
                    logical_id,
                    resource_type.type_name,
                    PhysicalResourceId=old.physical_id,
                    Replacement=str(replaces),
                    Scope=sorted({target["Target"]["Attribute"] for target in targets}),
                    Details=targets,
                )
            )
    removed = [name for name in stack.resources if name not in definition.order]
    return changes + [
        _change(
            "Remove",
            name,
            stack.resources[name].type_name,
            PhysicalResourceId=stack.resources[name].physical_id,
        )
        for name in removed
    ]


def _target(attribute: str, resource_type: type[ResourceType], properties: Properties, name: str) -> JSON:
    target = {
        "Attribute": attribute,
        "Name": name,
        "RequiresRecreation": "Always" if name in resource_type.immutable else "Never",
    }
    is_dynamic = is_unknown(properties.get(name))
    return {"Target": target, "Evaluation": "Dynamic" if is_dynamic else "Static"}


def _change(action: str, logical_id: str, type_name: str, **members: Any) -> JSON:
    resource = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": type_name, **members}
    return {"Type": "Resource", "ResourceChange": resource}


def _message(error: Exception) -> str:
    """Return the reason as CloudFormation's resource handlers have it."""
    if isinstance(error, ClientError):
        details = error.response["Error"]
        return (
            f'Resource handler returned message: "{details.get("Message")}" ({error.operation_name}, '
            f"HandlerErrorCode: {details['Code']})"
        )
    return error.message if isinstance(error, AwsError) else str(error)
