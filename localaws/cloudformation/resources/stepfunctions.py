"""Step Functions: state machines."""

from __future__ import annotations

from typing import ClassVar

from localaws.cloudformation.errors import validation_error
from localaws.cloudformation.resources.base import TAGS, Json, Properties, ResourceType, tag_changes


class StateMachine(ResourceType):
    type_name = "AWS::StepFunctions::StateMachine"
    schema: ClassVar = {
        "StateMachineName": str,
        "StateMachineType": str,
        "RoleArn": str,
        "DefinitionString": str,
        "DefinitionS3Location": {"Bucket": str, "Key": str},
        "DefinitionSubstitutions": Json,
        "TracingConfiguration": {"Enabled": bool},
        "Tags": TAGS,
    }
    required = ("RoleArn",)
    immutable = ("StateMachineName", "StateMachineType")
    name_property = "StateMachineName"
    attributes = ("Arn", "Name")

    @classmethod
    def conform(cls, logical_id: str, properties: Properties) -> Properties:
        if len({"DefinitionString", "DefinitionS3Location"} & properties.keys()) != 1:
            raise validation_error(
                f"Resource {logical_id} must have one of DefinitionString and DefinitionS3Location"
            )
        return super().conform(logical_id, properties)

    def create(self, properties: Properties, name: str) -> str:
        tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags", [])]
        machine = self.aws["stepfunctions"].create_state_machine(
            name=properties.get("StateMachineName") or name,
            type=properties.get("StateMachineType", "STANDARD"),
            **self._settings(properties),
            tags=tags,
        )
        return str(machine["stateMachineArn"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        if not old:
            return
        states = self.aws["stepfunctions"]
        states.update_state_machine(stateMachineArn=resource_id, **self._settings(new))
        tags, removed = tag_changes(old, new)
        if tags:
            named = [{"key": tag["Key"], "value": tag["Value"]} for tag in tags]
            states.tag_resource(resourceArn=resource_id, tags=named)
        if removed:
            states.untag_resource(resourceArn=resource_id, tagKeys=removed)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["stepfunctions"].delete_state_machine(stateMachineArn=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"Arn": resource_id, "Name": resource_id.rpartition(":")[2]}

    def _settings(self, properties: Properties) -> Properties:
        enabled = properties.get("TracingConfiguration", {}).get("Enabled", False)
        return {
            "roleArn": properties["RoleArn"],
            "definition": self._definition(properties),
            "tracingConfiguration": {"enabled": enabled},
        }

    def _definition(self, properties: Properties) -> str:
        """Return the definition, in which ``${name}`` is replaced by the value of DefinitionSubstitutions."""
        if place := properties.get("DefinitionS3Location"):
            text = self.aws["s3"].get_object(**place)["Body"].read().decode()
        else:
            text = properties["DefinitionString"]
        for name, value in properties.get("DefinitionSubstitutions", {}).items():
            text = text.replace(f"${{{name}}}", str(value))
        return str(text)
