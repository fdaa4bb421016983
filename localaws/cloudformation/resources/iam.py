"""IAM: roles, instance profiles and managed policies."""

from __future__ import annotations

from typing import ClassVar

from localaws.cloudformation.resources.base import (
    TAGS,
    Json,
    Properties,
    ResourceType,
    added_and_removed,
    changed,
    missing_ok,
    policy,
    tag_changes,
)


class Role(ResourceType):
    type_name = "AWS::IAM::Role"
    schema: ClassVar = {
        "RoleName": str,
        "Path": str,
        "Description": str,
        "AssumeRolePolicyDocument": Json,
        "MaxSessionDuration": int,
        "ManagedPolicyArns": [str],
        "Policies": [{"PolicyName": str, "PolicyDocument": Json}],
        "Tags": TAGS,
    }
    required = ("AssumeRolePolicyDocument",)
    immutable = ("RoleName", "Path")
    name_property = "RoleName"
    attributes = ("Arn", "RoleId")

    def create(self, properties: Properties, name: str) -> str:
        role = self.aws["iam"].create_role(
            RoleName=properties.get("RoleName") or name,
            Path=properties.get("Path", "/"),
            AssumeRolePolicyDocument=policy(properties["AssumeRolePolicyDocument"]),
        )
        return str(role["Role"]["RoleName"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        iam, role = self.aws["iam"], {"RoleName": resource_id}
        if old and changed(old, new, "AssumeRolePolicyDocument"):
            iam.update_assume_role_policy(**role, PolicyDocument=policy(new["AssumeRolePolicyDocument"]))
        if changed(old, new, "Description") or changed(old, new, "MaxSessionDuration"):
            iam.update_role(
                **role,
                Description=new.get("Description", ""),
                MaxSessionDuration=new.get("MaxSessionDuration", 3600),
            )
        attached, detached = added_and_removed(old, new, "ManagedPolicyArns")
        for arn in attached:
            iam.attach_role_policy(**role, PolicyArn=arn)
        for arn in detached:
            with missing_ok():
                iam.detach_role_policy(**role, PolicyArn=arn)
        put, replaced = added_and_removed(old, new, "Policies")
        for each in put:
            iam.put_role_policy(
                **role, PolicyName=each["PolicyName"], PolicyDocument=policy(each["PolicyDocument"])
            )
        names = {each["PolicyName"] for each in new.get("Policies", [])}
        for each in replaced:
            if each["PolicyName"] not in names:
                with missing_ok():
                    iam.delete_role_policy(**role, PolicyName=each["PolicyName"])
        tags, removed = tag_changes(old, new)
        if tags:
            iam.tag_role(**role, Tags=tags)
        if removed:
            iam.untag_role(**role, TagKeys=removed)

    def delete(self, resource_id: str, properties: Properties) -> None:
        """Detach the role's own policies first; a policy that was attached by others makes the deletion fail."""
        self.configure(resource_id, {**properties, "Tags": []}, {**properties, **_WITHOUT_POLICIES})
        self.aws["iam"].delete_role(RoleName=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        role = self.aws["iam"].get_role(RoleName=resource_id)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}


_WITHOUT_POLICIES: Properties = {"ManagedPolicyArns": [], "Policies": [], "Tags": []}


class InstanceProfile(ResourceType):
    type_name = "AWS::IAM::InstanceProfile"
    schema: ClassVar = {"InstanceProfileName": str, "Path": str, "Roles": [str]}
    required = ("Roles",)
    immutable = ("InstanceProfileName", "Path")
    name_property = "InstanceProfileName"
    attributes = ("Arn",)

    def create(self, properties: Properties, name: str) -> str:
        profile = self.aws["iam"].create_instance_profile(
            InstanceProfileName=properties.get("InstanceProfileName") or name,
            Path=properties.get("Path", "/"),
        )
        return str(profile["InstanceProfile"]["InstanceProfileName"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        added, removed = added_and_removed(old, new, "Roles")
        for role in removed:
            with missing_ok():
                self.aws["iam"].remove_role_from_instance_profile(
                    InstanceProfileName=resource_id, RoleName=role
                )
        for role in added:
            self.aws["iam"].add_role_to_instance_profile(InstanceProfileName=resource_id, RoleName=role)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.configure(resource_id, properties, {"Roles": []})
        self.aws["iam"].delete_instance_profile(InstanceProfileName=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        profile = self.aws["iam"].get_instance_profile(InstanceProfileName=resource_id)
        return {"Arn": profile["InstanceProfile"]["Arn"]}


class ManagedPolicy(ResourceType):
    type_name = "AWS::IAM::ManagedPolicy"
    schema: ClassVar = {
        "ManagedPolicyName": str,
        "Path": str,
        "Description": str,
        "PolicyDocument": Json,
        "Roles": [str],
    }
    required = ("PolicyDocument",)
    immutable = ("ManagedPolicyName", "Path", "Description")
    name_property = "ManagedPolicyName"
    attributes = ("PolicyArn",)

    def create(self, properties: Properties, name: str) -> str:
        created = self.aws["iam"].create_policy(
            PolicyName=properties.get("ManagedPolicyName") or name,
            Path=properties.get("Path", "/"),
            Description=properties.get("Description", ""),
            PolicyDocument=policy(properties["PolicyDocument"]),
        )
        return str(created["Policy"]["Arn"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        iam = self.aws["iam"]
        if old and changed(old, new, "PolicyDocument"):
            self._delete_old_versions(resource_id)  # a policy has at most 5 versions
            iam.create_policy_version(
                PolicyArn=resource_id, PolicyDocument=policy(new["PolicyDocument"]), SetAsDefault=True
            )
            self._delete_old_versions(resource_id)
        attached, detached = added_and_removed(old, new, "Roles")
        for role in attached:
            iam.attach_role_policy(RoleName=role, PolicyArn=resource_id)
        for role in detached:
            with missing_ok():
                iam.detach_role_policy(RoleName=role, PolicyArn=resource_id)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.configure(resource_id, properties, {**properties, "Roles": []})
        self._delete_old_versions(resource_id)
        self.aws["iam"].delete_policy(PolicyArn=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"PolicyArn": resource_id}

    def _delete_old_versions(self, arn: str) -> None:
        for version in self.aws["iam"].list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                self.aws["iam"].delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
