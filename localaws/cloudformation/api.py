"""CloudFormation's API operations: one method each, from the request's members to the response's members.

A call that creates, updates or deletes a stack returns when the stack has reached its final status, or after
WAIT_SECONDS, whichever is first; AWS returns at once.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from threading import RLock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from botocore.exceptions import ClientError

from localaws import ACCOUNT
from localaws.cloudformation.definition import Definition, required_capabilities
from localaws.cloudformation.deployment import DELETE, DO_NOTHING, ROLLBACK, Deployment, planned_changes
from localaws.cloudformation.errors import unsupported, validation_error
from localaws.cloudformation.resources.base import Aws
from localaws.cloudformation.stack import UPDATABLE, ChangeSet, Stack, StackResource
from localaws.cloudformation.template import Template
from localaws.protocol import JSON, AwsError

WAIT_SECONDS = 20
MAX_BODY = 51_200
"""The maximum length of TemplateBody in bytes."""
_NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
# Members without an effect here: they name or limit what is not emulated, or a retry of the same request.
_HARMLESS = {"ClientRequestToken", "TimeoutInMinutes", "IncludePropertyValues", "DeploymentMode"}
log = logging.getLogger(__name__)
_VIRTUAL_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-].*amazonaws\.com")


@dataclass
class Stacks:
    """The stacks of one region by id, also the deleted ones."""

    by_id: dict[str, Stack] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def find(self, name_or_id: str) -> Stack | None:
        """Return the stack; a deleted one is found by its id only."""
        named = (s for s in self.by_id.values() if s.name == name_or_id and s.status != "DELETE_COMPLETE")
        return self.by_id.get(name_or_id) or next(named, None)


class CloudFormationApi:
    def __init__(self, stacks: Stacks, aws: Aws) -> None:
        """``aws`` is used to make the resources."""
        self._stacks, self._aws = stacks, aws

    # Stacks

    def create_stack(self, request: JSON) -> JSON:
        _check_members(
            request, "StackName Capabilities OnFailure DisableRollback EnableTerminationProtection Tags"
        )
        if "OnFailure" in request and request.get("DisableRollback"):
            raise validation_error("You can specify either DisableRollback or OnFailure, but not both")
        on_failure = DO_NOTHING if request.get("DisableRollback") else request.get("OnFailure", ROLLBACK)
        with self._stacks.lock:
            if self._stacks.find(request["StackName"]):
                raise AwsError("AlreadyExistsException", f"Stack [{request['StackName']}] already exists")
            definition = self._new_definition(request)
            definition.check(request.get("Capabilities", []))
            stack = Stack(
                request["StackName"],
                definition.stack_id,
                definition,
                protected=request.get("EnableTerminationProtection", False),
                disable_rollback=on_failure == DO_NOTHING,
            )
            self._stacks.by_id[stack.id] = stack
            stack.set_status("CREATE_IN_PROGRESS", "User Initiated")
        self._run(stack, lambda deployment: deployment.create(on_failure))
        return {"StackId": stack.id}

    def update_stack(self, request: JSON) -> JSON:
        _check_members(request, "StackName Capabilities DisableRollback Tags")
        with self._stacks.lock:
            stack, definition = self._changed(request)
            definition.check(request.get("Capabilities", []))
            if not _has_changes(stack, definition):
                raise validation_error("No updates are to be performed.")
            stack.set_status("UPDATE_IN_PROGRESS", "User Initiated")
        on_failure = DO_NOTHING if request.get("DisableRollback") else ROLLBACK
        self._run(stack, lambda deployment: deployment.update(definition, on_failure))
        return {"StackId": stack.id}

    def delete_stack(self, request: JSON) -> None:
        _check_members(request, "StackName RetainResources")
        retained = request.get("RetainResources", [])
        with self._stacks.lock:
            stack = self._stacks.find(request["StackName"])
            if stack is None or stack.status == "DELETE_COMPLETE":
                return
            if stack.protected:
                raise validation_error(
                    f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                )
            if stack.is_in_progress:
                raise validation_error(f"Stack [{stack.name}] is in {stack.status} state.")
            if retained and stack.status != "DELETE_FAILED":
                raise validation_error(
                    "Invalid operation on stack. RetainResources can be specified only when the stack is in "
                    "the DELETE_FAILED state."
                )
            stack.set_status("DELETE_IN_PROGRESS", "User Initiated")
        self._run(stack, lambda deployment: deployment.delete(retained))

    def update_termination_protection(self, request: JSON) -> JSON:
        stack = self._stack(request["StackName"])
        stack.protected = request["EnableTerminationProtection"]
        return {"StackId": stack.id}

    def describe_stacks(self, request: JSON) -> JSON:
        if name := request.get("StackName"):
            return {"Stacks": [_stack(self._stack(name, f"Stack with id {name} does not exist"))]}
        return {"Stacks": [_stack(s) for s in self._newest_first() if s.status != "DELETE_COMPLETE"]}

    def list_stacks(self, request: JSON) -> JSON:
        statuses = request.get("StackStatusFilter")
        found = [s for s in self._newest_first() if not statuses or s.status in statuses]
        return {"StackSummaries": [_summary(stack) for stack in found]}

    # Resources, events, templates of stacks

    def describe_stack_resource(self, request: JSON) -> JSON:
        stack = self._stack(request["StackName"])
        resource = self._resource(stack, request["LogicalResourceId"])
        return {"StackResourceDetail": {**_names(stack), **_resource(resource, "LastUpdatedTimestamp")}}

    def describe_stack_resources(self, request: JSON) -> JSON:
        if "StackName" not in request:
            raise unsupported("DescribeStackResources without StackName")
        stack = self._stack(request["StackName"])
        logical_id = request.get("LogicalResourceId")
        found = [self._resource(stack, logical_id)] if logical_id else list(stack.resources.values())
        return {"StackResources": [{**_names(stack), **_resource(each, "Timestamp")} for each in found]}

    def list_stack_resources(self, request: JSON) -> JSON:
        resources = list(self._stack(request["StackName"]).resources.values())
        return {"StackResourceSummaries": [_resource(each, "LastUpdatedTimestamp") for each in resources]}

    def describe_stack_events(self, request: JSON) -> JSON:
        return {"StackEvents": list(reversed(self._stack(request["StackName"]).events))}

    def get_template(self, request: JSON) -> JSON:
        if name := request.get("ChangeSetName"):
            body = self._change_set(request, name)[1].definition.template.body
        else:
            body = self._stack(request["StackName"]).definition.template.body
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def validate_template(self, request: JSON) -> JSON:
        template = self._template(request)
        return {
            "Description": template.description,
            "Parameters": [
                {
                    "ParameterKey": name,
                    "DefaultValue": declaration.get("Default"),
                    "NoEcho": bool(declaration.get("NoEcho")),
                    "Description": declaration.get("Description"),
                }
                for name, declaration in template.parameters.items()
            ],
            **_capabilities(template),
        }

    def get_template_summary(self, request: JSON) -> JSON:
        if name := request.get("StackName"):
            template = self._stack(name).definition.template
        else:
            template = self._template(request)
        return {
            "Description": template.description,
            "Parameters": [
                {
                    "ParameterKey": name,
                    "ParameterType": declaration["Type"],
                    "DefaultValue": declaration.get("Default"),
                    "NoEcho": bool(declaration.get("NoEcho")),
                    "Description": declaration.get("Description"),
                    "ParameterConstraints": {"AllowedValues": declaration.get("AllowedValues")},
                }
                for name, declaration in template.parameters.items()
            ],
            "ResourceTypes": sorted({each["Type"] for each in template.resources.values()}),
            "Version": template.sections.get("AWSTemplateFormatVersion"),
            **_capabilities(template),
        }

    # Change sets

    def create_change_set(self, request: JSON) -> JSON:
        _check_members(
            request, "StackName Capabilities Tags ChangeSetName ChangeSetType Description OnStackFailure"
        )
        creates = request.get("ChangeSetType", "UPDATE") == "CREATE"
        if request.get("ChangeSetType") == "IMPORT":
            raise unsupported("a change set of type IMPORT")
        with self._stacks.lock:
            stack, definition = self._reviewed(request) if creates else self._changed(request)
            if any(each.name == request["ChangeSetName"] for each in stack.change_sets.values()):
                raise AwsError(
                    "AlreadyExistsException", f"ChangeSet {request['ChangeSetName']} already exists"
                )
            definition.check(request.get("Capabilities", []))
            has_changes = creates or _has_changes(stack, definition)
            change_set = ChangeSet(
                name=request["ChangeSetName"],
                id=f"arn:aws:cloudformation:{self._aws.region}:{ACCOUNT}:changeSet/"
                f"{request['ChangeSetName']}/{uuid4()}",
                definition=definition,
                creates_stack=creates,
                description=request.get("Description"),
                changes=planned_changes(stack, definition),
                on_failure=request.get("OnStackFailure", ROLLBACK),
                status="CREATE_COMPLETE" if has_changes else "FAILED",
                reason=None if has_changes else _NO_CHANGES,
                execution_status="AVAILABLE" if has_changes else "UNAVAILABLE",
            )
            if stack.id not in self._stacks.by_id:
                self._stacks.by_id[stack.id] = stack
                stack.set_status("REVIEW_IN_PROGRESS", "User Initiated")
            stack.change_sets[change_set.id] = change_set
        return {"Id": change_set.id, "StackId": stack.id}

    def describe_change_set(self, request: JSON) -> JSON:
        stack, change_set = self._change_set(request, request["ChangeSetName"])
        return {
            **_change_set_summary(stack, change_set),
            "Parameters": _parameters(change_set.definition),
            "Tags": _tags(change_set.definition),
            "Changes": change_set.changes,
        }

    def list_change_sets(self, request: JSON) -> JSON:
        stack = self._stack(request["StackName"])
        return {"Summaries": [_change_set_summary(stack, each) for each in stack.change_sets.values()]}

    def execute_change_set(self, request: JSON) -> JSON:
        _check_members(request, "StackName ChangeSetName DisableRollback")
        with self._stacks.lock:
            stack, change_set = self._change_set(request, request["ChangeSetName"])
            if change_set.execution_status != "AVAILABLE" or stack.is_in_progress:
                raise AwsError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{change_set.id}] cannot be executed in its current execution status of "
                    f"[{change_set.execution_status}]",
                )
            for each in stack.change_sets.values():
                if each.execution_status == "AVAILABLE":
                    each.execution_status = "OBSOLETE"
            change_set.execution_status = "EXECUTE_IN_PROGRESS"
            verb = "CREATE" if change_set.creates_stack else "UPDATE"
            stack.set_status(f"{verb}_IN_PROGRESS", "User Initiated")
        on_failure = DO_NOTHING if request.get("DisableRollback") else change_set.on_failure

        def execute(deployment: Deployment) -> None:
            if change_set.creates_stack:
                stack.definition = change_set.definition
                deployment.create(on_failure)
            else:
                deployment.update(change_set.definition, ROLLBACK if on_failure == DELETE else on_failure)
            is_complete = stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            change_set.execution_status = "EXECUTE_COMPLETE" if is_complete else "EXECUTE_FAILED"

        self._run(stack, execute)
        return {}

    def delete_change_set(self, request: JSON) -> JSON:
        with self._stacks.lock:
            stack, change_set = self._change_set(request, request["ChangeSetName"])
            del stack.change_sets[change_set.id]
        return {}

    def _run(self, stack: Stack, work: Callable[[Deployment], None]) -> None:
        """Run ``work`` on the stack in a thread, and wait for it for at most WAIT_SECONDS."""

        def run() -> None:
            try:
                work(Deployment(stack, self._aws))
            except Exception as error:
                log.exception("stack %s", stack.name)
                failed = stack.status.partition("_IN_PROGRESS")[0].removesuffix("_COMPLETE_CLEANUP")
                stack.set_status(f"{failed}_FAILED", f"the local AWS failed: {error!r}")

        thread = Thread(target=run, name=f"stack {stack.name}", daemon=True)
        thread.start()
        thread.join(WAIT_SECONDS)

    # Look-up

    def _newest_first(self) -> list[Stack]:
        return list(reversed(list(self._stacks.by_id.values())))

    def _stack(self, name_or_id: str, missing: str = "") -> Stack:
        if stack := self._stacks.find(name_or_id):
            return stack
        raise validation_error(missing or f"Stack [{name_or_id}] does not exist")

    def _changed(self, request: JSON) -> tuple[Stack, Definition]:
        """Return the stack to update and its new definition."""
        stack = self._stack(request["StackName"])
        if stack.status not in UPDATABLE:
            raise validation_error(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        return stack, self._changed_definition(stack, request)

    def _reviewed(self, request: JSON) -> tuple[Stack, Definition]:
        """Return a stack without resources and its definition; a new stack is not stored yet."""
        stack = self._stacks.find(request["StackName"])
        if stack and stack.status != "REVIEW_IN_PROGRESS":
            raise validation_error(
                f"Stack [{stack.name}] already exists and cannot be created again with the changeSet "
                f"[{request['ChangeSetName']}]."
            )
        if stack:
            return stack, self._changed_definition(stack, request)
        definition = self._new_definition(request)
        return Stack(request["StackName"], definition.stack_id, definition), definition

    def _resource(self, stack: Stack, logical_id: str) -> StackResource:
        if logical_id not in stack.resources:
            raise validation_error(f"Resource {logical_id} does not exist for stack {stack.name}")
        return stack.resources[logical_id]

    def _change_set(self, request: JSON, name_or_id: str) -> tuple[Stack, ChangeSet]:
        """Return a change set by its id, or by its name and that of its stack."""
        name = request.get("StackName")
        stacks = [self._stack(name)] if name else list(self._stacks.by_id.values())
        for stack in stacks:
            for change_set in stack.change_sets.values():
                if change_set.id == name_or_id or (name and change_set.name == name_or_id):
                    return stack, change_set
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{name_or_id}] does not exist", 404)

    # Definitions

    def _new_definition(self, request: JSON) -> Definition:
        name, region = request["StackName"], self._aws.region
        stack_id = f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{name}/{uuid4()}"
        return self._definition(request, self._template(request), {}, name, stack_id)

    def _changed_definition(self, stack: Stack, request: JSON) -> Definition:
        previous = stack.definition
        template = previous.template if request.get("UsePreviousTemplate") else self._template(request)
        request = request if "Tags" in request else {**request, "Tags": _tags(previous)}
        return self._definition(request, template, previous.parameters, stack.name, stack.id)

    def _definition(
        self, request: JSON, template: Template, previous: Mapping[str, str], name: str, stack_id: str
    ) -> Definition:
        given = {}
        for parameter in request.get("Parameters", []):
            key = parameter["ParameterKey"]
            if not parameter.get("UsePreviousValue"):
                given[key] = parameter.get("ParameterValue", "")
            elif key in previous:
                given[key] = previous[key]
            else:
                raise validation_error(f"Invalid input for parameter key {key}. It has no previous value.")
        return Definition(
            template=template,
            parameters=template.parameter_values(given),
            tags={tag["Key"]: tag["Value"] for tag in request.get("Tags", [])},
            stack_name=name,
            stack_id=stack_id,
            region=self._aws.region,
            zones=cache(partial(availability_zones, self._aws)),
        )

    def _template(self, request: JSON) -> Template:
        body, url = request.get("TemplateBody"), request.get("TemplateURL")
        if bool(body) == bool(url):
            raise validation_error("Either Template URL or Template Body must be specified.")
        if body and len(body.encode()) > MAX_BODY:
            raise validation_error(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must "
                f"have length less than or equal to {MAX_BODY}"
            )
        return Template.parse(body or self._download(str(url)))

    def _download(self, url: str) -> str:
        parts = urlsplit(url)
        path = unquote(parts.path).lstrip("/")
        if match := _VIRTUAL_HOST.fullmatch(parts.hostname or ""):
            path = f"{match['bucket']}/{path}"
        bucket, _, key = path.partition("/")
        try:
            text: str = self._aws["s3"].get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        except ClientError as error:
            raise validation_error(f"S3 error: {error.response['Error'].get('Message')}") from None
        return text


def availability_zones(aws: Aws, region: str) -> list[str]:
    if region != aws.region:
        raise unsupported(f"Fn::GetAZs of another region, {region}")
    zones = aws["ec2"].describe_availability_zones()["AvailabilityZones"]
    return [zone["ZoneName"] for zone in zones]


def _check_members(request: JSON, supported: str) -> None:
    """Raise ValidationError for a member that would have no effect here."""
    known = {
        *supported.split(),
        *("TemplateBody", "TemplateURL", "UsePreviousTemplate", "Parameters"),
        *_HARMLESS,
    }
    if unknown := [name for name, value in request.items() if name not in known and value]:
        raise unsupported(f"the members {', '.join(unknown)}")


def _has_changes(stack: Stack, definition: Definition) -> bool:
    return bool(
        planned_changes(stack, definition)
        or definition.outputs(stack.resources) != stack.outputs
        or definition.tags != stack.definition.tags
    )


# ---------------------------------------------------------------- responses


def _names(stack: Stack) -> JSON:
    return {"StackName": stack.name, "StackId": stack.id}


def _times(stack: Stack) -> JSON:
    return {"CreationTime": stack.created, "LastUpdatedTime": stack.updated, "DeletionTime": stack.deleted}


def _stack(stack: Stack) -> JSON:
    return {
        **_names(stack),
        **_times(stack),
        "Description": stack.definition.template.description,
        "Parameters": _parameters(stack.definition),
        "DisableRollback": stack.disable_rollback,
        "NotificationARNs": [],
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "Outputs": stack.outputs,
        "Tags": _tags(stack.definition),
        "EnableTerminationProtection": stack.protected,
        "Capabilities": required_capabilities(stack.definition.template),
    }


def _summary(stack: Stack) -> JSON:
    return {
        **_names(stack),
        **_times(stack),
        "TemplateDescription": stack.definition.template.description,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
    }


def _resource(resource: StackResource, time: str) -> JSON:
    """``time`` is the name of the member with the time of the last change."""
    return {
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type_name,
        time: resource.changed,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
    }


def _change_set_summary(stack: Stack, change_set: ChangeSet) -> JSON:
    return {
        **_names(stack),
        "ChangeSetName": change_set.name,
        "ChangeSetId": change_set.id,
        "Description": change_set.description,
        "CreationTime": change_set.created,
        "Status": change_set.status,
        "StatusReason": change_set.reason,
        "ExecutionStatus": change_set.execution_status,
    }


def _parameters(definition: Definition) -> list[JSON]:
    declared = definition.template.parameters
    return [
        {"ParameterKey": name, "ParameterValue": "****" if declared[name].get("NoEcho") else text}
        for name, text in definition.parameters.items()
    ]


def _tags(definition: Definition) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in definition.tags.items()]


def _capabilities(template: Template) -> JSON:
    required = required_capabilities(template)
    if not required:
        return {}
    reason = "The following resource(s) require capabilities: [" + ", ".join(
        sorted(
            {each["Type"] for each in template.resources.values() if each["Type"].startswith("AWS::IAM::")}
        )
    )
    return {"Capabilities": required, "CapabilitiesReason": f"{reason}]"}
