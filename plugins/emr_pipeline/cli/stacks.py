"""CloudFormation stacks: change sets, progress, and the reason of a failure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from emr_pipeline.cli.console import CommandError

POLL_SECONDS = 3
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
"""How CloudFormation says in the reason of a change set that nothing would change."""

NEW = "REVIEW_IN_PROGRESS"
"""The status of a stack that has only change sets."""

UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
"""The statuses in which a stack can be updated."""

CANCELLED = "cancelled"
"""In the reason of a resource that failed only because another one did."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Change:
    """A resource that a change set would add, change, replace or remove."""

    action: str
    logical_id: str
    type_name: str


@dataclass(frozen=True)
class Plan:
    """A change set; without ``changes`` the stack is up to date, or only its outputs or tags change."""

    change_set: str
    """The ARN; empty if there is nothing to execute."""
    creates: bool
    changes: list[Change] = field(default_factory=list)


class Stack:
    """The stack ``name``, which may not exist yet."""

    def __init__(self, cloudformation: Any, name: str) -> None:
        self._api, self.name = cloudformation, name

    def describe(self) -> dict[str, Any]:
        """Return the stack as DescribeStacks does; {} if it does not exist."""
        try:
            stack: dict[str, Any] = self._api.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise
        return {} if stack["StackStatus"] == NEW else stack

    @property
    def outputs(self) -> dict[str, dict[str, str]]:
        """The outputs by name; each has ``OutputValue`` and ``Description``."""
        return {output["OutputKey"]: output for output in self.describe().get("Outputs", [])}

    @property
    def parameters(self) -> dict[str, str]:
        return {p["ParameterKey"]: p["ParameterValue"] for p in self.describe().get("Parameters", [])}

    def resources(self) -> list[dict[str, Any]]:
        """Return the existing resources as ListStackResources does; [] if there is no stack."""
        if not self.describe():
            return []
        pages = self._api.get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = [resource for page in pages for resource in page["StackResourceSummaries"]]
        return [each for each in found if each["ResourceStatus"] != "DELETE_COMPLETE"]

    def plan(self, template: Path, values: Mapping[str, str], tags: Mapping[str, str]) -> Plan:
        """Create a change set for ``template``; parameters without a value in ``values`` keep theirs.

        Raises CommandError if the template or a value is not valid, or if the stack cannot be updated.
        """
        body, stack = template.read_text(), self.describe()
        if (status := stack.get("StackStatus", "")) and status not in UPDATABLE:
            raise CommandError(
                f"{self.name} is {status}. Wait until it has ended, or delete what is left with `emr-pipeline undeploy`"
            )
        declared = self._api.get_template_summary(TemplateBody=body)["Parameters"]
        names = [parameter["ParameterKey"] for parameter in declared]
        kept = [name for name in names if name not in values and name in self.parameters]
        try:
            created = self._api.create_change_set(
                StackName=self.name,
                ChangeSetName=f"deploy-{uuid4()}",
                ChangeSetType="UPDATE" if stack else "CREATE",
                TemplateBody=body,
                Parameters=[
                    *({"ParameterKey": n, "ParameterValue": values[n]} for n in names if n in values),
                    *({"ParameterKey": name, "UsePreviousValue": True} for name in kept),
                ],
                Capabilities=["CAPABILITY_IAM"],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                # A new stack that fails is deleted, so that the next deployment starts from nothing.
                **({} if stack else {"OnStackFailure": "DELETE"}),
            )
        except ClientError as error:
            raise CommandError(f"{self.name}: {error.response['Error'].get('Message', error)}") from None
        plan = Plan(created["Id"], not stack)
        change_set = self._wait_for_change_set(plan)
        if change_set["Status"] == "FAILED":
            reason = change_set.get("StatusReason", "")
            self.discard(plan)
            if any(text in reason for text in NO_CHANGES):
                return Plan("", creates=False)
            raise CommandError(f"{self.name}: {reason}")
        return Plan(plan.change_set, plan.creates, [_change(each) for each in change_set["Changes"]])

    def _wait_for_change_set(self, plan: Plan) -> dict[str, Any]:
        """Return the change set with all pages of its changes when it is ready or has failed."""
        while True:
            pages = self._api.get_paginator("describe_change_set").paginate(
                StackName=self.name, ChangeSetName=plan.change_set
            )
            first, *others = pages
            if first["Status"] in ("CREATE_COMPLETE", "FAILED"):
                changes = [change for page in (first, *others) for change in page.get("Changes", [])]
                return {**first, "Changes": changes}
            time.sleep(POLL_SECONDS)

    def discard(self, plan: Plan) -> None:
        """Delete the change set, and the empty stack that it was created for."""
        if plan.change_set:
            self._api.delete_change_set(StackName=self.name, ChangeSetName=plan.change_set)
        if plan.creates:
            self._api.delete_stack(StackName=self.name)

    def execute(self, plan: Plan, progress: Progress) -> None:
        """Execute the change set and wait for its end. Raises CommandError with the reason if it fails."""
        arn, seen = self._arn_and_events()
        self._api.execute_change_set(StackName=self.name, ChangeSetName=plan.change_set)
        status = self._follow(arn, seen, progress)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise CommandError(f"{self.name}: {status}. {self._reasons(arn, seen)}", exit_code=1)

    def delete(self, progress: Progress) -> None:
        """Delete the stack and wait for its end. Raises CommandError with the reason if it fails."""
        arn, seen = self._arn_and_events()
        self._api.delete_stack(StackName=self.name)
        status = self._follow(arn, seen, progress)
        if status != "DELETE_COMPLETE":
            raise CommandError(f"{self.name}: {status}. {self._reasons(arn, seen)}", exit_code=1)

    def _arn_and_events(self) -> tuple[str, set[str]]:
        """Return the ARN, by which a deleted stack is still found, and the ids of the events so far."""
        arn = self._api.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        return arn, {event["EventId"] for event in self._events(arn, set())}

    def _events(self, arn: str, seen: set[str]) -> list[dict[str, Any]]:
        """Return the events that are not ``seen``, oldest first."""
        pages = self._api.get_paginator("describe_stack_events").paginate(StackName=arn)
        newest_first = (event for page in pages for event in page["StackEvents"])
        return list(takewhile(lambda event: event["EventId"] not in seen, newest_first))[::-1]

    def _follow(self, arn: str, seen: set[str], progress: Progress) -> str:
        """Report each resource that is ready or has failed, until the stack has a final status; return it."""
        shown = set(seen)
        while True:
            for event in self._events(arn, shown):
                shown.add(event["EventId"])
                status = event["ResourceStatus"]
                if status.endswith("_IN_PROGRESS"):
                    continue
                if event["PhysicalResourceId"] == arn:
                    return str(status)
                progress(f"{status} {event['LogicalResourceId']} ({event['ResourceType']})")
            time.sleep(POLL_SECONDS)

    def _reasons(self, arn: str, seen: set[str]) -> str:
        """Return why resources failed, without those that were only cancelled."""
        failed = [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in self._events(arn, seen)
            if event["ResourceStatus"].endswith("_FAILED")
            and event["PhysicalResourceId"] != arn
            and CANCELLED not in event.get("ResourceStatusReason", CANCELLED)
        ]
        return "\n".join(failed) or "See the events of the stack in the CloudFormation console"


def _change(change: Mapping[str, Any]) -> Change:
    resource = change["ResourceChange"]
    replaced = resource["Action"] == "Modify" and resource.get("Replacement") in ("True", "Conditional")
    actions = {"Add": "added", "Modify": "changed", "Remove": "removed", "Import": "imported"}
    action = "replaced" if replaced else actions.get(resource["Action"], resource["Action"].lower())
    if action == "replaced" and resource["Replacement"] == "Conditional":
        action = "changed or replaced"
    return Change(action, resource["LogicalResourceId"], resource["ResourceType"])
