"""Converts clusters and steps from the model into the members of EMR's responses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from localaws import ACCOUNT
from localaws.emr.instances import Instance, InstanceFleet, InstanceGroup
from localaws.emr.model import Cluster, ClusterState, Reason
from localaws.emr.steps import Step
from localaws.protocol import JSON

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
    *("AutoScalingRole", "ScaleDownBehavior", "MonitoringConfiguration"),
    *("EbsRootVolumeSize", "EbsRootVolumeIops", "EbsRootVolumeThroughput"),
)
_COPIED_EC2_MEMBERS = (
    *("Ec2KeyName", "EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup"),
    *("ServiceAccessSecurityGroup", "AdditionalMasterSecurityGroups", "AdditionalSlaveSecurityGroups"),
)


def cluster(c: Cluster) -> JSON:
    instances = c.request["Instances"]
    return {
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
        "InstanceCollectionType": "INSTANCE_FLEET" if c.fleets else "INSTANCE_GROUP",
        "AutoTerminate": not c.keep_alive,
        "TerminationProtected": c.protected,
        "UnhealthyNodeReplacement": c.unhealthy_node_replacement,
        "VisibleToAllUsers": c.visible_to_all,
        "Tags": [{"Key": key, "Value": value} for key, value in c.tags.items()],
        "NormalizedInstanceHours": 0,
        "MasterPublicDnsName": "localhost" if c.ready else None,
        "StepConcurrencyLevel": c.step_concurrency,
        "PlacementGroups": c.request.get("PlacementGroupConfigs"),
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
        "ExecutionRoleArn": s.execution_role,
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


def instance_group(c: Cluster, group: InstanceGroup) -> JSON:
    config = group.config
    configurations = config.get("Configurations", [])
    return {
        "Id": group.id,
        "Name": config.get("Name"),
        "Market": group.market,
        "InstanceGroupType": group.role,
        "BidPrice": config.get("BidPrice"),
        "InstanceType": config["InstanceType"],
        "RequestedInstanceCount": config["InstanceCount"],
        "RunningInstanceCount": config["InstanceCount"] if c.ready and c.is_alive else 0,
        "Status": _capacity_status(c, group.created),
        "Configurations": configurations,
        "ConfigurationsVersion": group.configurations_version,
        "LastSuccessfullyAppliedConfigurations": configurations,
        "LastSuccessfullyAppliedConfigurationsVersion": group.configurations_version,
        "EbsBlockDevices": _block_devices(config.get("EbsConfiguration", {})),
        "EbsOptimized": config.get("EbsConfiguration", {}).get("EbsOptimized"),
        "ShrinkPolicy": group.shrink_policy or {},
        "AutoScalingPolicy": auto_scaling_policy(group.scaling) if group.scaling else None,
        "CustomAmiId": config.get("CustomAmiId"),
    }


def auto_scaling_policy(policy: Mapping[str, Any]) -> JSON:
    return {**policy, "Status": {"State": "ATTACHED", "StateChangeReason": {"Code": "USER_REQUEST"}}}


def instance_fleet(c: Cluster, fleet: InstanceFleet) -> JSON:
    config, present = fleet.config, c.ready and c.is_alive
    on_demand, spot = config.get("TargetOnDemandCapacity", 0), config.get("TargetSpotCapacity", 0)
    return {
        "Id": fleet.id,
        "Name": config.get("Name"),
        "Status": _capacity_status(c, fleet.created),
        "InstanceFleetType": fleet.role,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "ProvisionedOnDemandCapacity": on_demand if present else 0,
        "ProvisionedSpotCapacity": spot if present else 0,
        "InstanceTypeSpecifications": [_specification(t) for t in config.get("InstanceTypeConfigs", [])],
        "LaunchSpecifications": config.get("LaunchSpecifications"),
        "ResizeSpecifications": config.get("ResizeSpecifications"),
        "Context": config.get("Context"),
    }


@dataclass(frozen=True)
class ListedInstance:
    """An instance as ListInstances returns it, and the role of its group or fleet."""

    role: str
    members: JSON

    @property
    def id(self) -> str:
        return str(self.members["Id"])


def instances(c: Cluster) -> list[ListedInstance]:
    owner_id = "InstanceFleetId" if c.fleets else "InstanceGroupId"
    return [
        ListedInstance(
            owner.role,
            {
                "Id": each.id,
                "Ec2InstanceId": each.ec2_id,
                "Status": _instance_status(c, each),
                owner_id: owner.id,
                "Market": each.market,
                "InstanceType": each.instance_type,
                "EbsVolumes": [],
            },
        )
        for owner in c.instance_collections
        for each in owner.instances
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
        "ErrorDetails": _error_details(c.reason),
        "Timeline": {"CreationDateTime": c.created, "ReadyDateTime": c.ready, "EndDateTime": c.ended},
    }


def _error_details(reason: Reason) -> list[JSON] | None:
    """https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-troubleshoot-error-errordetail.html"""
    if not reason.error_code:
        return None
    data = [{key: value} for key, value in reason.error_data.items()]
    return [{"ErrorCode": reason.error_code, "ErrorData": data, "ErrorMessage": reason.message}]


def _capacity_status(c: Cluster, created: datetime) -> JSON:
    state = ("RUNNING" if c.ready else "PROVISIONING") if c.is_alive else "TERMINATED"
    ready = max(c.ready, created) if c.ready else None
    return {
        "State": state,
        "StateChangeReason": {"Message": "" if c.is_alive else "Cluster terminated."},
        "Timeline": {"CreationDateTime": created, "ReadyDateTime": ready, "EndDateTime": c.ended},
    }


def _instance_status(c: Cluster, instance: Instance) -> JSON:
    ended = instance.ended or c.ended
    if ended:
        state = "TERMINATED"
    elif c.state is ClusterState.BOOTSTRAPPING:
        state = "BOOTSTRAPPING"
    else:
        state = "RUNNING" if c.ready else "PROVISIONING"
    ready = max(c.ready, instance.created) if c.ready else None
    return {
        "State": state,
        "StateChangeReason": {},
        "Timeline": {"CreationDateTime": instance.created, "ReadyDateTime": ready, "EndDateTime": ended},
    }


def _block_devices(ebs: Mapping[str, Any]) -> list[JSON]:
    """Return the EbsBlockDevices of an EbsConfiguration, with the names that EC2 gives them."""
    specifications = [
        config["VolumeSpecification"]
        for config in ebs.get("EbsBlockDeviceConfigs", [])
        for _ in range(config.get("VolumesPerInstance", 1))
    ]
    return [
        {"VolumeSpecification": specification, "Device": f"/dev/sd{chr(ord('b') + number)}"}
        for number, specification in enumerate(specifications)
    ]


def _specification(config: JSON) -> dict[str, Any]:
    members = (
        "InstanceType",
        "WeightedCapacity",
        "BidPrice",
        "BidPriceAsPercentageOfOnDemandPrice",
        "Configurations",
        "CustomAmiId",
        "Priority",
    )
    ebs = config.get("EbsConfiguration", {})
    return {
        **{name: config[name] for name in members if name in config},
        "EbsBlockDevices": _block_devices(ebs) or None,
        "EbsOptimized": ebs.get("EbsOptimized"),
    }
