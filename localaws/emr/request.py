"""Parses the input of RunJobFlow and AddJobFlowSteps into a Cluster and Steps, or raises EMR's error."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from localaws.emr import monitoring
from localaws.emr.errors import invalid_request, not_supported, validation_error
from localaws.emr.ids import new_id
from localaws.emr.instance_requests import check_instances, check_scaling
from localaws.emr.instances import InstanceFleet, InstanceGroup, collections_of
from localaws.emr.model import MAX_ACTIVE_STEPS, Cluster
from localaws.emr.steps import Step
from localaws.protocol import JSON
from localaws.spark import releases

RoleCheck = Callable[[str, str], None]
"""Called with the service role and the instance profile; raises AwsError if IAM does not have one of them."""

MAX_STEP_LENGTH = 10_240  # total characters of the strings in a HadoopJarStep
MAX_BOOTSTRAP_ACTIONS = 16
STEP_CONCURRENCY_LEVELS = range(1, 256 + 1)
IDLE_TIMEOUT_SECONDS = range(60, 604_800 + 1)


def parse_cluster(request: JSON, now: datetime, phase: timedelta, check_roles: RoleCheck) -> Cluster:
    """Return the new cluster with its initial steps. Raises AwsError."""
    _check_release(request)
    check_instances(request["Instances"])
    if not request.get("ServiceRole"):
        raise validation_error("ServiceRole is required for creating cluster.")
    if not request.get("JobFlowRole"):
        raise validation_error("InstanceProfile is required for creating cluster.")
    check_roles(request["ServiceRole"], request["JobFlowRole"])
    if request.get("SessionEnabled"):
        raise not_supported("SessionEnabled")
    monitoring.check(request)
    if (log_uri := request.get("LogUri")) and not re.match(r"s3[an]?://[^/]+", log_uri):
        raise validation_error(f"The LogUri {log_uri!r} is not an S3 URI like s3://bucket/prefix/.")
    if len(request.get("BootstrapActions", [])) > MAX_BOOTSTRAP_ACTIONS:
        raise validation_error(f"A cluster can have at most {MAX_BOOTSTRAP_ACTIONS} bootstrap actions.")
    instances = request["Instances"]
    collections = collections_of(instances, now)
    steps = parse_steps(request.get("Steps", []), now, request.get("StepExecutionRoleArn"))
    if scaling := request.get("ManagedScalingPolicy"):
        check_scaling(scaling, has_fleets="InstanceFleets" in instances)
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
        step_concurrency=check_concurrency(request.get("StepConcurrencyLevel", 1), steps),
        visible_to_all=request.get("VisibleToAllUsers", True),
        unhealthy_node_replacement=instances.get("UnhealthyNodeReplacement"),
        groups=[each for each in collections if isinstance(each, InstanceGroup)] or None,
        fleets=[each for each in collections if isinstance(each, InstanceFleet)] or None,
        bootstrapped=not request.get("BootstrapActions"),
        tags=parse_tags(request.get("Tags", [])),
    )
    cluster.add_steps(steps, now)
    return cluster


def check_concurrency(level: int, steps: Sequence[Step] = ()) -> int:
    """Return the StepConcurrencyLevel. Raises AwsError if it is out of range or does not fit the steps.

    https://docs.aws.amazon.com/emr/latest/APIReference/API_StepConfig.html
    """
    if level not in STEP_CONCURRENCY_LEVELS:
        limits = f"{STEP_CONCURRENCY_LEVELS.start} to {STEP_CONCURRENCY_LEVELS.stop - 1}"
        raise validation_error(f"The StepConcurrencyLevel must be from {limits}, not {level}.")
    for step in steps:
        if level > 1 and step.action_on_failure != "CONTINUE":
            raise validation_error(
                f"The ActionOnFailure {step.action_on_failure} of step {step.name!r} is not valid: the"
                f" StepConcurrencyLevel of the cluster is {level}, so it must be CONTINUE."
            )
    return level


def parse_steps(configs: Sequence[JSON], now: datetime, role: str | None = None) -> list[Step]:
    """Return the steps in state PENDING, with the runtime role ``role``. Raises AwsError."""
    if len(configs) > MAX_ACTIVE_STEPS:
        raise validation_error(f"A maximum of {MAX_ACTIVE_STEPS} steps are allowed in each request.")
    return [_step(config, now, role) for config in configs]


def parse_idle_timeout(policy: JSON) -> timedelta:
    seconds: int = policy.get("IdleTimeout", 0)
    if seconds not in IDLE_TIMEOUT_SECONDS:
        limits = f"{IDLE_TIMEOUT_SECONDS.start} to {IDLE_TIMEOUT_SECONDS.stop - 1} seconds"
        raise validation_error(
            f"The IdleTimeout of an auto-termination policy must be {limits}, not {seconds}."
        )
    return timedelta(seconds=seconds)


def parse_tags(tags: Sequence[JSON]) -> dict[str, str]:
    if any(not tag.get("Key") for tag in tags):
        raise invalid_request("A tag needs a Key.")
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def _step(config: JSON, now: datetime, role: str | None) -> Step:
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
        execution_role=role,
    )


def _check_release(request: JSON) -> None:
    if "AmiVersion" in request or not request.get("ReleaseLabel"):
        raise validation_error("ReleaseLabel is required; AMI versions are not supported.")
    if error := releases.label_error(request["ReleaseLabel"]):
        raise validation_error(error)
