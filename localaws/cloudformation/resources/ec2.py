"""EC2: networks and security groups."""

from __future__ import annotations

from typing import Any, ClassVar

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

_RULE = {
    "Description": str,
    "IpProtocol": str,
    "FromPort": int,
    "ToPort": int,
    "CidrIp": str,
    "SourceSecurityGroupId": str,
}
_EGRESS_RULE = {
    "DestinationSecurityGroupId" if name == "SourceSecurityGroupId" else name: kind
    for name, kind in _RULE.items()
}
_ALL_TRAFFIC = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}


class _Ec2Type(ResourceType):
    def tag(self, resource_id: str, old: Properties, new: Properties) -> None:
        tags, removed = tag_changes(old, new)
        if tags:
            self.aws["ec2"].create_tags(Resources=[resource_id], Tags=tags)
        if removed:
            self.aws["ec2"].delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in removed])


class Vpc(_Ec2Type):
    type_name = "AWS::EC2::VPC"
    schema: ClassVar = {"CidrBlock": str, "EnableDnsSupport": bool, "EnableDnsHostnames": bool, "Tags": TAGS}
    required = ("CidrBlock",)
    immutable = ("CidrBlock",)
    attributes = ("VpcId", "CidrBlock", "DefaultSecurityGroup")

    def create(self, properties: Properties, name: str) -> str:
        return str(self.aws["ec2"].create_vpc(CidrBlock=properties["CidrBlock"])["Vpc"]["VpcId"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        for attribute, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
            if changed(old, new, attribute):
                value = {attribute: {"Value": new.get(attribute, default)}}
                self.aws["ec2"].modify_vpc_attribute(VpcId=resource_id, **value)
        self.tag(resource_id, old, new)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["ec2"].delete_vpc(VpcId=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        [group] = self.aws["ec2"].describe_security_groups(
            Filters=[
                {"Name": "vpc-id", "Values": [resource_id]},
                {"Name": "group-name", "Values": ["default"]},
            ]
        )["SecurityGroups"]
        return {
            "VpcId": resource_id,
            "CidrBlock": properties["CidrBlock"],
            "DefaultSecurityGroup": group["GroupId"],
        }


class Subnet(_Ec2Type):
    type_name = "AWS::EC2::Subnet"
    schema: ClassVar = {
        "VpcId": str,
        "CidrBlock": str,
        "AvailabilityZone": str,
        "MapPublicIpOnLaunch": bool,
        "Tags": TAGS,
    }
    required = ("VpcId", "CidrBlock")
    immutable = ("VpcId", "CidrBlock", "AvailabilityZone")
    attributes = ("SubnetId", "VpcId", "CidrBlock", "AvailabilityZone")

    def create(self, properties: Properties, name: str) -> str:
        given = {name: properties[name] for name in self.immutable if name in properties}
        return str(self.aws["ec2"].create_subnet(**given)["Subnet"]["SubnetId"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        if changed(old, new, "MapPublicIpOnLaunch"):
            value = {"Value": new.get("MapPublicIpOnLaunch", False)}
            self.aws["ec2"].modify_subnet_attribute(SubnetId=resource_id, MapPublicIpOnLaunch=value)
        self.tag(resource_id, old, new)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["ec2"].delete_subnet(SubnetId=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        [subnet] = self.aws["ec2"].describe_subnets(SubnetIds=[resource_id])["Subnets"]
        return {name: subnet[name] for name in self.attributes}


class RouteTable(_Ec2Type):
    type_name = "AWS::EC2::RouteTable"
    schema: ClassVar = {"VpcId": str, "Tags": TAGS}
    required = ("VpcId",)
    immutable = ("VpcId",)
    attributes = ("RouteTableId",)

    def create(self, properties: Properties, name: str) -> str:
        table = self.aws["ec2"].create_route_table(VpcId=properties["VpcId"])
        return str(table["RouteTable"]["RouteTableId"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        self.tag(resource_id, old, new)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["ec2"].delete_route_table(RouteTableId=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"RouteTableId": resource_id}


class SubnetRouteTableAssociation(ResourceType):
    type_name = "AWS::EC2::SubnetRouteTableAssociation"
    schema: ClassVar = {"SubnetId": str, "RouteTableId": str}
    required = ("SubnetId", "RouteTableId")
    immutable = ("SubnetId", "RouteTableId")
    attributes = ("Id",)

    def create(self, properties: Properties, name: str) -> str:
        return str(self.aws["ec2"].associate_route_table(**properties)["AssociationId"])

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["ec2"].disassociate_route_table(AssociationId=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"Id": resource_id}


class VpcEndpoint(_Ec2Type):
    """Each change but that of a tag is a replacement, because moto's ModifyVpcEndpoint ignores most of its members."""

    type_name = "AWS::EC2::VPCEndpoint"
    schema: ClassVar = {
        "VpcId": str,
        "VpcEndpointType": str,
        "ServiceName": str,
        "PrivateDnsEnabled": bool,
        "RouteTableIds": [str],
        "SubnetIds": [str],
        "SecurityGroupIds": [str],
        "PolicyDocument": Json,
        "Tags": TAGS,
    }
    required = ("VpcId", "ServiceName")
    immutable = tuple(name for name in schema if name != "Tags")
    attributes = ("Id",)

    def create(self, properties: Properties, name: str) -> str:
        given = {key: value for key, value in properties.items() if key not in ("Tags", "PolicyDocument")}
        if "PolicyDocument" in properties:
            given["PolicyDocument"] = policy(properties["PolicyDocument"])
        if properties.get("VpcEndpointType") == "Interface":
            given.setdefault("PrivateDnsEnabled", False)  # the default of the API is true
        return str(self.aws["ec2"].create_vpc_endpoint(**given)["VpcEndpoint"]["VpcEndpointId"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        self.tag(resource_id, old, new)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["ec2"].delete_vpc_endpoints(VpcEndpointIds=[resource_id])

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"Id": resource_id}


class SecurityGroup(_Ec2Type):
    type_name = "AWS::EC2::SecurityGroup"
    schema: ClassVar = {
        "GroupName": str,
        "GroupDescription": str,
        "VpcId": str,
        "SecurityGroupIngress": [_RULE],
        "SecurityGroupEgress": [_EGRESS_RULE],
        "Tags": TAGS,
    }
    required = ("GroupDescription", "VpcId")
    immutable = ("GroupName", "GroupDescription", "VpcId")
    name_property = "GroupName"
    attributes = ("GroupId", "VpcId")

    def create(self, properties: Properties, name: str) -> str:
        group = self.aws["ec2"].create_security_group(
            GroupName=properties.get("GroupName") or name,
            Description=properties["GroupDescription"],
            VpcId=properties["VpcId"],
        )
        return str(group["GroupId"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        ec2 = self.aws["ec2"]
        added, removed = added_and_removed(old, new, "SecurityGroupIngress")
        for rule in removed:
            with missing_ok():
                ec2.revoke_security_group_ingress(GroupId=resource_id, IpPermissions=[permission(rule)])
        for rule in added:
            ec2.authorize_security_group_ingress(GroupId=resource_id, IpPermissions=[permission(rule)])
        added, removed = added_and_removed(_with_egress(old), _with_egress(new), "SecurityGroupEgress")
        for rule in removed:
            with missing_ok():
                ec2.revoke_security_group_egress(GroupId=resource_id, IpPermissions=[permission(rule)])
        for rule in added:
            ec2.authorize_security_group_egress(GroupId=resource_id, IpPermissions=[permission(rule)])
        self.tag(resource_id, old, new)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["ec2"].delete_security_group(GroupId=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"GroupId": resource_id, "VpcId": properties["VpcId"]}


class SecurityGroupIngress(ResourceType):
    type_name = "AWS::EC2::SecurityGroupIngress"
    schema: ClassVar = {"GroupId": str, **_RULE}
    required = ("GroupId", "IpProtocol")
    immutable = tuple(schema)
    attributes = ("Id",)

    def create(self, properties: Properties, name: str) -> str:
        rule = {key: value for key, value in properties.items() if key != "GroupId"}
        answer = self.aws["ec2"].authorize_security_group_ingress(
            GroupId=properties["GroupId"], IpPermissions=[permission(rule)]
        )
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["ec2"].revoke_security_group_ingress(
            GroupId=properties["GroupId"], SecurityGroupRuleIds=[resource_id]
        )

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {"Id": resource_id}


def _with_egress(properties: Properties) -> Properties:
    """A group without egress rules, also a new one, allows all outbound traffic."""
    return {"SecurityGroupEgress": properties.get("SecurityGroupEgress") or [_ALL_TRAFFIC]}


def permission(rule: dict[str, Any]) -> dict[str, Any]:
    """Return the rule as EC2's IpPermission."""
    description = {"Description": rule["Description"]} if "Description" in rule else {}
    result: dict[str, Any] = {
        name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule
    }
    if "CidrIp" in rule:
        result["IpRanges"] = [{"CidrIp": rule["CidrIp"], **description}]
    group = rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")
    if group:
        result["UserIdGroupPairs"] = [{"GroupId": group, **description}]
    return result
