"""EventBridge: rules."""

from __future__ import annotations

from typing import ClassVar

from localaws.cloudformation.resources.base import (
    Json,
    Properties,
    ResourceType,
    added_and_removed,
    missing_ok,
    policy,
)


class Rule(ResourceType):
    type_name = "AWS::Events::Rule"
    schema: ClassVar = {
        "Name": str,
        "Description": str,
        "EventPattern": Json,
        "State": str,
        "Targets": [{"Id": str, "Arn": str, "RoleArn": str}],
    }
    required = ("EventPattern",)
    immutable = ("Name",)
    name_property = "Name"
    attributes = ("Arn",)

    def create(self, properties: Properties, name: str) -> str:
        return str(properties.get("Name") or name)

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        events = self.aws["events"]
        events.put_rule(
            Name=resource_id,
            Description=new.get("Description", ""),
            EventPattern=policy(new["EventPattern"]),
            State=new.get("State", "ENABLED"),
        )
        targets, removed = added_and_removed(old, new, "Targets")
        names = {target["Id"] for target in new.get("Targets", [])}
        if gone := [target["Id"] for target in removed if target["Id"] not in names]:
            events.remove_targets(Rule=resource_id, Ids=gone)
        if targets:
            events.put_targets(Rule=resource_id, Targets=targets)

    def delete(self, resource_id: str, properties: Properties) -> None:
        events = self.aws["events"]
        with missing_ok():
            if targets := properties.get("Targets"):
                events.remove_targets(Rule=resource_id, Ids=[target["Id"] for target in targets])
            events.delete_rule(Name=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"Arn": self.aws["events"].describe_rule(Name=resource_id)["Arn"]}
