"""The RunJobFlow request: a transient Spark cluster that terminates itself when it is idle.

https://docs.aws.amazon.com/emr/latest/APIReference/API_RunJobFlow.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from emr_pipeline.settings import Settings
from emr_pipeline.specs import INSTANCE_TYPES, ClusterSpec, share, whole_number

LIVE_STATES = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
ENDED_STATES = ("TERMINATED", "TERMINATED_WITH_ERRORS")
UNKNOWN = "not known to EMR"
"""Instead of the state of a cluster that EMR no longer has."""

LONGEST_IDLE_MINUTES = 7 * 24 * 60
"""https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-auto-termination-policy.html"""

LIVE_LOGS_RELEASE = (7, 11)
"""https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-logging-cw.html"""

NAME_LENGTH = 256
"""https://docs.aws.amazon.com/emr/latest/APIReference/API_RunJobFlow.html"""


def is_unknown(error: ClientError) -> bool:
    """Return whether DescribeCluster or TerminateJobFlows has failed because EMR does not have the cluster."""
    message = error.response["Error"].get("Message", "")
    return bool(re.search(r"[Jj]ob flow ID does not exist|Cluster id '.*' is not valid", message))


def cluster_name(dag_id: str, run_id: str) -> str:
    """Return the name of a run's cluster; ListClusters returns names but no tags.

    A name that is too long for EMR is cut and ends with a hash of the whole name.
    """
    name = f"{dag_id} {run_id}"
    if len(name) <= NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: NAME_LENGTH - 1 - len(digest)]} {digest}"


def run_job_flow_request(
    name: str, cluster: ClusterSpec, settings: Settings, tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return the RunJobFlow request; raise ValueError naming the field of ``cluster`` that is not valid."""
    core_nodes = whole_number("core_nodes", cluster.core_nodes, minimum=1)
    spot = round(core_nodes * share("spot_share", cluster.spot_share))
    idle_minutes = whole_number("idle_minutes", cluster.idle_minutes, 1, LONGEST_IDLE_MINUTES)
    task_nodes = whole_number("task_nodes", cluster.task_nodes, minimum=0)
    request: dict[str, Any] = {
        "Name": name,
        "ReleaseLabel": cluster.release_label,
        "Applications": [{"Name": application} for application in cluster.applications],
        "Instances": {
            "InstanceFleets": _fleets(cluster, settings.architecture, core_nodes - spot, spot, task_nodes),
            "KeepJobFlowAliveWhenNoSteps": True,
            "TerminationProtected": False,
            **_network(settings),
        },
        "ServiceRole": settings.service_role,
        "JobFlowRole": settings.instance_profile,
        "LogUri": settings.s3("logs", ""),
        "BootstrapActions": [
            {"Name": action, "ScriptBootstrapAction": {"Path": script, "Args": list(arguments)}}
            for action, (script, *arguments) in cluster.bootstrap_actions.items()
        ],
        "Configurations": list(cluster.configurations),
        "AutoTerminationPolicy": {"IdleTimeout": idle_minutes * 60},
        "StepConcurrencyLevel": 1,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if task_nodes:
        request["ManagedScalingPolicy"] = {
            "ComputeLimits": {
                "UnitType": "InstanceFleetUnits",
                "MinimumCapacityUnits": core_nodes,
                "MaximumCapacityUnits": core_nodes + task_nodes,
                "MaximumOnDemandCapacityUnits": core_nodes - spot,
                "MaximumCoreCapacityUnits": core_nodes,
            }
        }
    if settings.log_group and cluster.live_logs:
        _add_live_logs(request, settings.log_group)
    if settings.security_configuration:
        request["SecurityConfiguration"] = settings.security_configuration
    if taken := sorted(request.keys() & cluster.extra.keys()):
        raise ValueError(f"extra has {taken[0]}, which the other fields and the settings determine")
    return request | dict(cluster.extra)


def _add_live_logs(request: dict[str, Any], log_group: str) -> None:
    """Let EMR write the logs of the steps to CloudWatch while they run; raise ValueError if the release cannot."""
    label = request["ReleaseLabel"]
    version = re.match(r"emr-(\d+)\.(\d+)", label)
    if version and tuple(map(int, version.groups())) < LIVE_LOGS_RELEASE:
        raise ValueError(
            f"release_label is {label}; live logs need emr-7.11.0 or later: choose a later release, set live_logs to "
            "False, or remove the setting log_group"
        )
    request["Applications"].append({"Name": "AmazonCloudWatchAgent"})
    # The agent would also publish metrics, which cost money.
    metrics = {"Classification": "emr-metrics", "Configurations": [{"Classification": "emr-system-metrics"}]}
    request["Configurations"].append(metrics)
    # The driver runs in the step, so its output is in the logs of the step.
    request["MonitoringConfiguration"] = {
        "CloudWatchLogConfiguration": {
            "Enabled": True,
            "LogGroupName": log_group,
            "LogTypes": {"STEP_LOGS": ["STDOUT", "STDERR"]},
        }
    }


def _network(settings: Settings) -> dict[str, Any]:
    """Return the members of Instances for the subnets and the security groups that are set."""
    members = {
        "Ec2SubnetIds": [subnet.strip() for subnet in settings.subnet_ids.split(",") if subnet.strip()],
        "EmrManagedMasterSecurityGroup": settings.primary_security_group,
        "EmrManagedSlaveSecurityGroup": settings.core_security_group,
        "ServiceAccessSecurityGroup": settings.service_security_group,
    }
    return {member: value for member, value in members.items() if value}


def _fleets(
    cluster: ClusterSpec, architecture: str, on_demand: int, spot: int, task_nodes: int
) -> list[dict[str, Any]]:
    """Return the fleets of the primary node, of ``on_demand`` and ``spot`` core nodes, and of the task nodes."""
    default_types = dict.fromkeys(INSTANCE_TYPES[architecture], 1)
    primary_types = dict.fromkeys(cluster.primary_instance_types, 1) or default_types
    core_types = {
        instance_type: whole_number(f"core_instance_types[{instance_type}]", weight, minimum=1)
        for instance_type, weight in (cluster.core_instance_types or default_types).items()
    }
    fleets = [
        _fleet("MASTER", primary_types, on_demand=1, spot=0),
        _fleet("CORE", core_types, on_demand=on_demand, spot=spot),
    ]
    return fleets + ([_fleet("TASK", core_types, on_demand=0, spot=task_nodes)] if task_nodes else [])


def _fleet(role: str, types: Mapping[str, int], on_demand: int, spot: int) -> dict[str, Any]:
    fleet: dict[str, Any] = {
        "Name": role.lower(),
        "InstanceFleetType": role,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": [
            {"InstanceType": instance_type, "WeightedCapacity": weight}
            for instance_type, weight in types.items()
        ],
    }
    if spot:
        # A longer wait for Spot capacity would cost more than On-Demand nodes.
        fleet["LaunchSpecifications"] = {
            "SpotSpecification": {
                "TimeoutDurationMinutes": 10,
                "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                "AllocationStrategy": "price-capacity-optimized",
            }
        }
    return fleet
