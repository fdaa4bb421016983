"""CloudWatch Logs: log groups."""

from __future__ import annotations

from typing import ClassVar

from localaws.cloudformation.resources.base import TAGS, Properties, ResourceType, changed, tag_changes


class LogGroup(ResourceType):
    type_name = "AWS::Logs::LogGroup"
    schema: ClassVar = {"LogGroupName": str, "RetentionInDays": int, "Tags": TAGS}
    immutable = ("LogGroupName",)
    name_property = "LogGroupName"
    attributes = ("Arn",)

    def create(self, properties: Properties, name: str) -> str:
        group: str = properties.get("LogGroupName") or name
        self.aws["logs"].create_log_group(logGroupName=group)
        return group

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        logs = self.aws["logs"]
        if changed(old, new, "RetentionInDays"):
            if days := new.get("RetentionInDays"):
                logs.put_retention_policy(logGroupName=resource_id, retentionInDays=days)
            else:
                logs.delete_retention_policy(logGroupName=resource_id)
        tags, removed = tag_changes(old, new)
        if tags:
            logs.tag_resource(
                resourceArn=self._arn(resource_id).removesuffix(":*"),
                tags={t["Key"]: t["Value"] for t in tags},
            )
        if removed:
            logs.untag_resource(resourceArn=self._arn(resource_id).removesuffix(":*"), tagKeys=removed)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["logs"].delete_log_group(logGroupName=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"Arn": self._arn(resource_id)}

    def _arn(self, name: str) -> str:
        groups = self.aws["logs"].describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        arn: str = next(group["arn"] for group in groups if group["logGroupName"] == name)
        return arn
