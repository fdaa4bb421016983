"""KMS: keys and their aliases."""

from __future__ import annotations

from typing import ClassVar

from localaws.cloudformation.resources.base import (
    TAGS,
    Json,
    Properties,
    ResourceType,
    changed,
    policy,
    tag_changes,
)


class Key(ResourceType):
    type_name = "AWS::KMS::Key"
    schema: ClassVar = {
        "Description": str,
        "EnableKeyRotation": bool,
        "PendingWindowInDays": int,
        "KeyPolicy": Json,
        "Tags": TAGS,
    }
    attributes = ("Arn", "KeyId")

    def create(self, properties: Properties, name: str) -> str:
        settings = {"Policy": policy(properties["KeyPolicy"])} if "KeyPolicy" in properties else {}
        key = self.aws["kms"].create_key(Description=properties.get("Description", ""), **settings)
        return str(key["KeyMetadata"]["KeyId"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        kms = self.aws["kms"]
        if old and changed(old, new, "Description"):
            kms.update_key_description(KeyId=resource_id, Description=new.get("Description", ""))
        if old and changed(old, new, "KeyPolicy"):
            kms.put_key_policy(KeyId=resource_id, PolicyName="default", Policy=policy(new["KeyPolicy"]))
        if new.get("EnableKeyRotation"):
            kms.enable_key_rotation(KeyId=resource_id)
        elif old.get("EnableKeyRotation"):
            kms.disable_key_rotation(KeyId=resource_id)
        tags, removed = tag_changes(old, new)
        if tags:
            kms.tag_resource(
                KeyId=resource_id, Tags=[{"TagKey": t["Key"], "TagValue": t["Value"]} for t in tags]
            )
        if removed:
            kms.untag_resource(KeyId=resource_id, TagKeys=removed)

    def delete(self, resource_id: str, properties: Properties) -> None:
        days = properties.get("PendingWindowInDays", 30)
        self.aws["kms"].schedule_key_deletion(KeyId=resource_id, PendingWindowInDays=days)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {
            "Arn": self.aws["kms"].describe_key(KeyId=resource_id)["KeyMetadata"]["Arn"],
            "KeyId": resource_id,
        }


class Alias(ResourceType):
    type_name = "AWS::KMS::Alias"
    schema: ClassVar = {"AliasName": str, "TargetKeyId": str}
    required = ("AliasName", "TargetKeyId")
    immutable = ("AliasName",)
    name_property = "AliasName"

    def create(self, properties: Properties, name: str) -> str:
        self.aws["kms"].create_alias(**properties)
        return str(properties["AliasName"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        if old:
            self.aws["kms"].update_alias(**new)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["kms"].delete_alias(AliasName=resource_id)
