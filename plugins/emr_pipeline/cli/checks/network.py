"""Subnets, routes, endpoints and security groups.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-clusters-in-a-vpc.html
"""

from __future__ import annotations

from typing import Any

from emr_pipeline.cli.checks.check import DEPLOY, EMR_TAG, Deployment, Failed, NotChecked, check, expect, tags

SERVICE_PORT = 9443


@check("subnets", "credentials")
def subnets(deployment: Deployment) -> str:
    found = deployment.subnets
    if len({subnet["VpcId"] for subnet in found}) > 1:
        raise Failed("the subnets are in several VPCs", "set EMR_PIPELINE_SUBNET_IDS to subnets of one VPC")
    if public := [subnet["SubnetId"] for subnet in found if subnet["MapPublicIpOnLaunch"]]:
        fix = f"use private subnets, or `aws ec2 modify-subnet-attribute --subnet-id {public[0]} "
        raise Failed(f"nodes in {public[0]} get public addresses", f"{fix}--no-map-public-ip-on-launch`")
    return ", ".join(subnet["SubnetId"] for subnet in found)


@check("network tags", "subnets")
def network_tags(deployment: Deployment) -> str:
    vpc_id = deployment.subnets[0]["VpcId"]
    vpcs = deployment.client("ec2").describe_vpcs(VpcIds=[vpc_id])["Vpcs"]
    tagged = {subnet["SubnetId"]: tags(subnet) for subnet in deployment.subnets} | {vpc_id: tags(vpcs[0])}
    _check_tags(tagged)
    return f"{vpc_id} and its subnets"


@check("S3 access", "subnets")
def s3_access(deployment: Deployment) -> str:
    return _reachable(deployment, "s3")


@check("EMR access", "subnets")
def emr_access(deployment: Deployment) -> str:
    return _reachable(deployment, "elasticmapreduce")


@check("KMS access", "subnets")
def kms_access(deployment: Deployment) -> str:
    return _reachable(deployment, "kms")


@check("CloudWatch Logs access", "subnets")
def logs_access(deployment: Deployment) -> str:
    if not deployment.settings.log_group:
        raise NotChecked("EMR_PIPELINE_LOG_GROUP is empty")
    return _reachable(deployment, "logs")


def has_internet(deployment: Deployment, subnet: dict[str, Any]) -> bool:
    """Return whether the subnet has a route to all addresses."""
    routes = _route_table(deployment, subnet)["Routes"]
    return any(r.get("DestinationCidrBlock") == "0.0.0.0/0" and r.get("State") == "active" for r in routes)


def _route_table(deployment: Deployment, subnet: dict[str, Any]) -> dict[str, Any]:
    """Return the route table of the subnet, which is the main one of its VPC unless it has another one."""
    ec2 = deployment.client("ec2")
    own = [{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}]
    main = [
        {"Name": "vpc-id", "Values": [subnet["VpcId"]]},
        {"Name": "association.main", "Values": ["true"]},
    ]
    tables = [*ec2.describe_route_tables(Filters=own)["RouteTables"]]
    tables = tables or [*ec2.describe_route_tables(Filters=main)["RouteTables"]]
    table: dict[str, Any] = tables[0]
    return table


def _reachable(deployment: Deployment, service: str) -> str:
    """Return how the nodes reach the service: by an endpoint, or through the internet. Raises Failed."""
    vpc_id, name = deployment.subnets[0]["VpcId"], f"com.amazonaws.{deployment.aws.region}.{service}"
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "service-name", "Values": [name]}]
    found = deployment.client("ec2").describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    endpoints = [endpoint for endpoint in found if endpoint["State"].lower() == "available"]
    interface = any(endpoint["VpcEndpointType"] == "Interface" for endpoint in endpoints)
    for subnet in deployment.subnets:
        table = _route_table(deployment, subnet)["RouteTableId"]
        gateway = any(table in endpoint.get("RouteTableIds", []) for endpoint in endpoints)
        if not (interface or gateway or has_internet(deployment, subnet)):
            kind = "a gateway endpoint" if service == "s3" else "an interface endpoint"
            raise Failed(
                f"{subnet['SubnetId']} has no route to {service}",
                f"create {kind} for {name} in {vpc_id}, or a route to a NAT gateway",
            )
    return "endpoint" if endpoints else "internet"


@check("security groups", "subnets")
def security_groups(deployment: Deployment) -> str:
    groups = _security_groups(deployment)
    vpc_id = deployment.subnets[0]["VpcId"]
    if other := [group["GroupId"] for group in groups if group["VpcId"] != vpc_id]:
        raise Failed(f"{other[0]} is not in {vpc_id}, the VPC of the subnets", DEPLOY)
    primary, _, service = groups
    sources = {
        pair["GroupId"]
        for rule in service["IpPermissions"]
        if rule.get("FromPort") == SERVICE_PORT
        for pair in rule["UserIdGroupPairs"]
    }
    if primary["GroupId"] not in sources:
        fix = (
            f"`aws ec2 authorize-security-group-ingress --group-id {service['GroupId']} --protocol tcp "
            f"--port {SERVICE_PORT} --source-group {primary['GroupId']}`"
        )
        raise Failed(f"the primary node cannot reach EMR at port {SERVICE_PORT}", fix)
    return ", ".join(group["GroupId"] for group in groups)


@check("security group tags", "security groups")
def security_group_tags(deployment: Deployment) -> str:
    _check_tags({group["GroupId"]: tags(group) for group in _security_groups(deployment)})
    return "primary, core and service access"


def _security_groups(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the groups of the primary node, the core nodes and the service access."""
    settings = deployment.settings
    ids = [settings.primary_security_group, settings.core_security_group, settings.service_security_group]
    if not all(ids):
        raise NotChecked("the settings do not name the three groups: EMR creates its default groups")
    with expect("InvalidGroup", f"one of the security groups {', '.join(ids)} does not exist", DEPLOY):
        groups = deployment.client("ec2").describe_security_groups(GroupIds=ids)["SecurityGroups"]
    by_id = {group["GroupId"]: group for group in groups}
    return [by_id[group_id] for group_id in ids]


def _check_tags(tagged: dict[str, dict[str, str]]) -> None:
    """Raise Failed if one of the resources, tags by id, does not have the tag of EMR."""
    if missing := [name for name, found in tagged.items() if found.get(EMR_TAG) != "true"]:
        fix = f"`aws ec2 create-tags --resources {' '.join(missing)} --tags Key={EMR_TAG},Value=true`"
        raise Failed(f"{', '.join(missing)} has no tag {EMR_TAG}=true", fix)


CHECKS = (
    subnets,
    network_tags,
    s3_access,
    emr_access,
    kms_access,
    logs_access,
    security_groups,
    security_group_tags,
)
