"""Athena: workgroups."""

from __future__ import annotations

from typing import Any, ClassVar

from localaws import ACCOUNT
from localaws.cloudformation.resources.base import TAGS, Properties, ResourceType, tag_changes

_REMOVABLE_RESULT_SETTINGS = (
    "OutputLocation",
    "EncryptionConfiguration",
    "ExpectedBucketOwner",
    "AclConfiguration",
)


class WorkGroup(ResourceType):
    type_name = "AWS::Athena::WorkGroup"
    schema: ClassVar = {
        "Name": str,
        "Description": str,
        "State": str,
        "RecursiveDeleteOption": bool,
        "WorkGroupConfiguration": {
            "EnforceWorkGroupConfiguration": bool,
            "PublishCloudWatchMetricsEnabled": bool,
            "RequesterPaysEnabled": bool,
            "BytesScannedCutoffPerQuery": int,
            "EngineVersion": {"SelectedEngineVersion": str},
            "ResultConfiguration": {
                "OutputLocation": str,
                "ExpectedBucketOwner": str,
                "EncryptionConfiguration": {"EncryptionOption": str, "KmsKey": str},
                "AclConfiguration": {"S3AclOption": str},
            },
        },
        "Tags": TAGS,
    }
    required = ("Name",)
    immutable = ("Name",)
    name_property = "Name"

    def create(self, properties: Properties, name: str) -> str:
        self.aws["athena"].create_work_group(
            Name=properties["Name"],
            Description=properties.get("Description", ""),
            Configuration=properties.get("WorkGroupConfiguration", {}),
        )
        return str(properties["Name"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        athena = self.aws["athena"]
        if old or new.get("State") == "DISABLED":
            athena.update_work_group(
                WorkGroup=resource_id,
                Description=new.get("Description", ""),
                State=new.get("State", "ENABLED"),
                ConfigurationUpdates=_updates(new.get("WorkGroupConfiguration", {})) if old else {},
            )
        arn = f"arn:aws:athena:{self.aws.region}:{ACCOUNT}:workgroup/{resource_id}"
        tags, removed = tag_changes(old, new)
        if tags:
            athena.tag_resource(ResourceARN=arn, Tags=tags)
        if removed:
            athena.untag_resource(ResourceARN=arn, TagKeys=removed)

    def delete(self, resource_id: str, properties: Properties) -> None:
        recursive = properties.get("RecursiveDeleteOption", False)
        self.aws["athena"].delete_work_group(WorkGroup=resource_id, RecursiveDeleteOption=recursive)


def _updates(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return the ConfigurationUpdates that set each setting of ``configuration`` and remove or reset the others."""
    results = configuration.get("ResultConfiguration", {})
    removals = {f"Remove{name}": True for name in _REMOVABLE_RESULT_SETTINGS if name not in results}
    updates = {
        "EnforceWorkGroupConfiguration": True,
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "EngineVersion": {"SelectedEngineVersion": "AUTO"},
        **{name: value for name, value in configuration.items() if name != "ResultConfiguration"},
        "ResultConfigurationUpdates": {**results, **removals},
    }
    if "BytesScannedCutoffPerQuery" not in configuration:
        updates["RemoveBytesScannedCutoffPerQuery"] = True
    return updates
