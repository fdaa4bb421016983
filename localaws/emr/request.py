"""Parses the input of RunJobFlow and AddJobFlowSteps into a Cluster and Steps, or raises EMR's error."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from localaws.emr import monitoring
from localaws.emr.errors import invalid_request, not_supported, validation_error
from localaws.emr.model import MAX_ACTIVE_STEPS, Cluster, Step, new_id
from localaws.spark import releases

JSON = dict[str, Any]
RoleCheck = Callable[
    [str, str], None
]  # (service role, instance profile); raises if IAM does not have one of them

MAX_STEP_LENGTH = 10_240  # total characters of the strings in a HadoopJarStep
IDLE_TIMEOUT_SECONDS = range(60, 604_800 + 1)
INSTANCE_TYPE = re.compile(
    r"[a-z][a-z0-9-]*\d[a-z0-9-]*\.(nano|micro|small|medium|large|\d*xlarge|metal(-\d+xl)?)"
)
log = logging.getLogger(__name__)


def parse_cluster(request: JSON, now: datetime, phase: timedelta, check_roles: RoleCheck) -> Cluster:
    """Return the new cluster with its initial steps. Raises AwsError."""
    _check_release(request)
    _check_instances(request["Instances"])
    if not request.get("ServiceRole"):
        raise validation_error("ServiceRole is required for creating cluster.")
    if not request.get("JobFlowRole"):
        raise validation_error("InstanceProfile is required for creating cluster.")
    check_roles(request["ServiceRole"], request["JobFlowRole"])
    if (level := request.get("StepConcurrencyLevel", 1)) != 1:
        raise not_supported(f"StepConcurrencyLevel {level}; steps run one at a time")
    if request.get("SessionEnabled"):
        raise not_supported("SessionEnabled")
    monitoring.check(request)
    if (log_uri := request.get("LogUri")) and not re.match(r"s3[an]?://[^/]+", log_uri):
        raise validation_error(f"The LogUri {log_uri!r} is not an S3 URI like s3://bucket/prefix/.")
    for action in request.get("BootstrapActions", []):
        log.warning(
            "the bootstrap action %r is recorded but not run: the local EMR has no nodes", action["Name"]
        )
    instances = request["Instances"]
    if scaling := request.get("ManagedScalingPolicy"):
        check_scaling(scaling, instances)
    cluster = Cluster(
        id=new_id("j"),
        name=request["Name"],
        created=now,
        phase=phase,
        request=request,
        keep_alive=instances.get("KeepJobFlowAliveWhenNoSteps", False),
        protected=instances.get("TerminationProtected", False),
        idle_timeout=parse_idle_timeout(request["AutoTerminationPolicy"])
        if "AutoTerminationPolicy" in request
        else None,
        scaling=scaling,
        tags=parse_tags(request.get("Tags", [])),
    )
    cluster.add_steps(parse_steps(request.get("Steps", []), now), now)
    return cluster


def parse_steps(configs: Sequence[JSON], now: datetime) -> list[Step]:
    """Return the steps in state PENDING. Raises AwsError."""
    if len(configs) > MAX_ACTIVE_STEPS:
        raise validation_error(f"A maximum of {MAX_ACTIVE_STEPS} steps are allowed in each request.")
    return [_step(config, now) for config in configs]


def parse_idle_timeout(policy: JSON) -> timedelta:
    seconds: int = policy.get("IdleTimeout", 0)
    if seconds not in IDLE_TIMEOUT_SECONDS:
        limits = f"{IDLE_TIMEOUT_SECONDS.start} to {IDLE_TIMEOUT_SECONDS.stop - 1} seconds"
        raise validation_error(
            f"The IdleTimeout of an auto-termination policy must be {limits}, not {seconds}."
        )
    return timedelta(seconds=seconds)


def check_scaling(policy: JSON, instances: JSON) -> None:
    """Raise AwsError if the managed scaling policy does not fit the cluster's instances.

    https://docs.aws.amazon.com/emr/latest/APIReference/API_ComputeLimits.html
    """
    limits = policy.get("ComputeLimits")
    if not limits:
        raise validation_error("A managed scaling policy must have ComputeLimits.")
    unit, fleets = limits["UnitType"], "InstanceFleets" in instances
    if fleets != (unit == "InstanceFleetUnits"):
        raise validation_error(
            f"UnitType {unit} does not fit a cluster of instance {'fleets' if fleets else 'groups'}."
        )
    maximum = limits["MaximumCapacityUnits"]
    for name in ("MinimumCapacityUnits", "MaximumOnDemandCapacityUnits", "MaximumCoreCapacityUnits"):
        if not 0 <= limits.get(name, 0) <= maximum:
            raise validation_error(f"{name} must be from 0 to MaximumCapacityUnits, which is {maximum}.")


def parse_tags(tags: Sequence[JSON]) -> dict[str, str]:
    if any(not tag.get("Key") for tag in tags):
        raise invalid_request("A tag needs a Key.")
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def _step(config: JSON, now: datetime) -> Step:
    jar = config["HadoopJarStep"]
    if any("Key" not in p for p in jar.get("Properties", [])):
        raise validation_error(f"A property of step {config['Name']!r} has no Key.")
    properties = {p["Key"]: p.get("Value", "") for p in jar.get("Properties", [])}
    strings = [jar["Jar"], jar.get("MainClass", ""), *jar.get("Args", []), *properties, *properties.values()]
    if sum(map(len, strings)) > MAX_STEP_LENGTH:
        raise validation_error(
            f"The strings of step {config['Name']!r} exceed a total of {MAX_STEP_LENGTH} characters."
        )
    return Step(
        id=new_id("s"),
        name=config["Name"],
        jar=jar["Jar"],
        args=tuple(jar.get("Args", [])),
        action_on_failure=config.get("ActionOnFailure", "TERMINATE_CLUSTER"),
        created=now,
        properties=properties,
        main_class=jar.get("MainClass"),
    )


def _check_release(request: JSON) -> None:
    if "AmiVersion" in request or not request.get("ReleaseLabel"):
        raise validation_error("ReleaseLabel is required; AMI versions are not supported.")
    if error := releases.label_error(request["ReleaseLabel"]):
        raise validation_error(error)


def _check_instances(instances: JSON) -> None:
    shapes = [name for name in ("InstanceGroups", "InstanceFleets", "InstanceCount") if instances.get(name)]
    if len(shapes) != 1:
        given = " and ".join(shapes) or "none of them"
        raise validation_error(
            f"Give exactly one of InstanceGroups, InstanceFleets, or InstanceCount with instance types, not {given}."
        )
    types = [instances.get("MasterInstanceType"), instances.get("SlaveInstanceType")]
    types += [group["InstanceType"] for group in instances.get("InstanceGroups", [])]
    for fleet in instances.get("InstanceFleets", []):
        types += [config["InstanceType"] for config in fleet.get("InstanceTypeConfigs", [])]
    for instance_type in filter(None, types):
        if not INSTANCE_TYPE.fullmatch(instance_type):
            raise validation_error(f"Instance type '{instance_type}' is not supported.")
    if instances.get("InstanceCount") and not instances.get("MasterInstanceType"):
        raise validation_error("MasterInstanceType is required with InstanceCount.")
    _check_masters(instances)


def _check_masters(instances: JSON) -> None:
    roles = [group["InstanceRole"] for group in instances.get("InstanceGroups", [])]
    roles += [fleet["InstanceFleetType"] for fleet in instances.get("InstanceFleets", [])]
    if roles and roles.count("MASTER") != 1:
        raise validation_error(
            f"A cluster needs exactly one MASTER instance group or fleet, not {roles.count('MASTER')}."
        )
    for group in instances.get("InstanceGroups", []):
        if group["InstanceRole"] == "MASTER" and group["InstanceCount"] not in {1, 3}:
            raise validation_error("The MASTER instance group must have 1 or 3 instances.")
