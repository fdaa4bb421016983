"""Converts clusters and steps from the model into the members of EMR's responses."""

from __future__ import annotations

from typing import Any

from localaws import ACCOUNT
from localaws.emr.model import Cluster, Step
from localaws.emr.request import JSON

ARN = f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:cluster/"

# Members of RunJobFlow that DescribeCluster returns unchanged.
_COPIED_MEMBERS = (
    *(
        "LogUri",
        "LogEncryptionKmsKeyId",
        "ReleaseLabel",
        "OSReleaseLabel",
        "RepoUpgradeOnBoot",
        "CustomAmiId",
    ),
    *("Applications", "Configurations", "SecurityConfiguration", "KerberosAttributes", "ServiceRole"),
    *("AutoScalingRole", "ScaleDownBehavior", "VisibleToAllUsers"),
    *("MonitoringConfiguration",),
    *("EbsRootVolumeSize", "EbsRootVolumeIops", "EbsRootVolumeThroughput"),
)
_COPIED_EC2_MEMBERS = (
    *("Ec2KeyName", "EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup"),
    *("ServiceAccessSecurityGroup", "AdditionalMasterSecurityGroups", "AdditionalSlaveSecurityGroups"),
)


def cluster(c: Cluster) -> JSON:
    instances = c.request["Instances"]
    return {
        "VisibleToAllUsers": True,
        **{name: c.request[name] for name in _COPIED_MEMBERS if name in c.request},
        "Id": c.id,
        "Name": c.name,
        "ClusterArn": ARN + c.id,
        "Status": _cluster_status(c),
        "Ec2InstanceAttributes": {
            **{name: instances[name] for name in _COPIED_EC2_MEMBERS if name in instances},
            "Ec2SubnetId": instances.get("Ec2SubnetId")
            or next(iter(instances.get("Ec2SubnetIds", [])), None),
            "RequestedEc2SubnetIds": instances.get("Ec2SubnetIds"),
            "Ec2AvailabilityZone": instances.get("Placement", {}).get("AvailabilityZone"),
            "IamInstanceProfile": c.request["JobFlowRole"],
        },
        "InstanceCollectionType": "INSTANCE_FLEET" if "InstanceFleets" in instances else "INSTANCE_GROUP",
        "AutoTerminate": not c.keep_alive,
        "TerminationProtected": c.protected,
        "UnhealthyNodeReplacement": instances.get("UnhealthyNodeReplacement"),
        "Tags": [{"Key": key, "Value": value} for key, value in c.tags.items()],
        "NormalizedInstanceHours": 0,
        "MasterPublicDnsName": "localhost" if c.ready else None,
        "StepConcurrencyLevel": 1,
    }


def cluster_summary(c: Cluster) -> JSON:
    return {
        "Id": c.id,
        "Name": c.name,
        "ClusterArn": ARN + c.id,
        "Status": _cluster_status(c),
        "NormalizedInstanceHours": 0,
    }


def step(s: Step) -> JSON:
    failure = s.failure
    return {
        "Id": s.id,
        "Name": s.name,
        "ActionOnFailure": s.action_on_failure,
        "Config": {"Jar": s.jar, "Args": s.args, "Properties": s.properties, "MainClass": s.main_class},
        "Status": {
            "State": s.state,
            "StateChangeReason": {},
            "FailureDetails": {
                "Reason": failure.reason,
                "Message": failure.message,
                "LogFile": failure.log_file,
            }
            if failure
            else None,
            "Timeline": {"CreationDateTime": s.created, "StartDateTime": s.started, "EndDateTime": s.ended},
        },
    }


def instance_groups(c: Cluster) -> list[JSON]:
    return [
        {
            "Id": f"ig-{number:013d}",
            "Name": group.get("Name"),
            "Market": group.get("Market", "ON_DEMAND"),
            "InstanceGroupType": group["InstanceRole"],
            "BidPrice": group.get("BidPrice"),
            "InstanceType": group["InstanceType"],
            "RequestedInstanceCount": group["InstanceCount"],
            "RunningInstanceCount": group["InstanceCount"] if c.ready and c.is_alive else 0,
            "Status": {"State": _capacity_state(c)},
            "Configurations": group.get("Configurations"),
        }
        for number, group in enumerate(_groups(c.request["Instances"]))
    ]


def instance_fleets(c: Cluster) -> list[JSON]:
    present = c.ready and c.is_alive
    return [
        {
            "Id": f"if-{number:013d}",
            "Name": fleet.get("Name"),
            "Status": {"State": _capacity_state(c)},
            "InstanceFleetType": fleet["InstanceFleetType"],
            "TargetOnDemandCapacity": fleet.get("TargetOnDemandCapacity", 0),
            "TargetSpotCapacity": fleet.get("TargetSpotCapacity", 0),
            "ProvisionedOnDemandCapacity": fleet.get("TargetOnDemandCapacity", 0) if present else 0,
            "ProvisionedSpotCapacity": fleet.get("TargetSpotCapacity", 0) if present else 0,
            "InstanceTypeSpecifications": [_specification(t) for t in fleet.get("InstanceTypeConfigs", [])],
            "LaunchSpecifications": fleet.get("LaunchSpecifications"),
        }
        for number, fleet in enumerate(c.request["Instances"]["InstanceFleets"])
    ]


def bootstrap_actions(c: Cluster) -> list[JSON]:
    return [
        {
            "Name": action["Name"],
            "ScriptPath": action["ScriptBootstrapAction"]["Path"],
            "Args": action["ScriptBootstrapAction"].get("Args", []),
        }
        for action in c.request.get("BootstrapActions", [])
    ]


def _cluster_status(c: Cluster) -> JSON:
    return {
        "State": c.state,
        "StateChangeReason": {"Code": c.reason.code, "Message": c.reason.message},
        "Timeline": {"CreationDateTime": c.created, "ReadyDateTime": c.ready, "EndDateTime": c.ended},
    }


def _capacity_state(c: Cluster) -> str:
    if not c.is_alive:
        return "TERMINATED"
    return "RUNNING" if c.ready else "PROVISIONING"


def _groups(instances: JSON) -> list[JSON]:
    if "InstanceGroups" in instances:
        groups: list[JSON] = instances["InstanceGroups"]
        return groups
    master = {"InstanceRole": "MASTER", "InstanceType": instances["MasterInstanceType"], "InstanceCount": 1}
    workers = instances["InstanceCount"] - 1
    worker_type = instances.get("SlaveInstanceType", instances["MasterInstanceType"])
    core = {"InstanceRole": "CORE", "InstanceType": worker_type, "InstanceCount": workers}
    return [master, core] if workers else [master]


def _specification(config: JSON) -> dict[str, Any]:
    members = (
        "InstanceType",
        "WeightedCapacity",
        "BidPrice",
        "BidPriceAsPercentageOfOnDemandPrice",
        "Priority",
    )
    return {name: config[name] for name in members if name in config}
