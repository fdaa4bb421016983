"""The AWS CLI's commands for EMR, with which a cluster is created, used and terminated."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from localaws.testing import LocalAws

pytestmark = pytest.mark.peers

AWS = Path(__file__).parents[2] / ".venv-awscli" / "bin" / "aws"
EMR_ON_AWS = "https://elasticmapreduce.us-east-1.amazonaws.com"
COMMON = "--release-label emr-7.13.0 --use-default-roles --applications Name=Spark"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def bucket(aws: LocalAws) -> str:
    name = f"cli-{uuid4().hex[:8]}"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="prepare.sh", Body=b'#!/bin/bash\necho "preparing $1"\n')
    s3.put_object(Bucket=name, Key="job.py", Body=b"print('the job has run')\n")
    return name


@pytest.fixture
def cli(aws: LocalAws, home: Path) -> Any:
    def run(command: str, *more: str) -> Any:
        """Run ``aws emr ...``; return its JSON output, or None without output."""
        environment = os.environ | aws.environment | {"HOME": str(home), "AWS_PAGER": ""}
        done = subprocess.run(
            [AWS, "emr", *command.split(), *more],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"aws emr {command}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


@pytest.fixture
def roles(cli: Any, aws: LocalAws) -> None:
    """The default roles; the CLI derives the principals of their policies from the endpoint of EMR on AWS."""
    cli(f"create-default-roles --endpoint-url {EMR_ON_AWS} --iam-endpoint {aws.endpoint_url}")


def test_the_default_roles_are_created_once(cli: Any, aws: LocalAws, roles: None) -> None:
    role = aws.client("iam").get_role(RoleName="EMR_DefaultRole")["Role"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "elasticmapreduce.amazonaws.com"}
    again = cli(f"create-default-roles --endpoint-url {EMR_ON_AWS} --iam-endpoint {aws.endpoint_url}")
    assert not again


def test_a_cluster_runs_its_bootstrap_action_and_steps_and_terminates(
    cli: Any, aws: LocalAws, bucket: str, roles: None
) -> None:
    created = cli(
        f"create-cluster --name nightly {COMMON} --auto-terminate --log-uri s3://{bucket}/logs/"
        " --instance-type m5.xlarge --instance-count 3 --ec2-attributes KeyName=key,SubnetId=subnet-1"
        f" --bootstrap-actions Path=s3://{bucket}/prepare.sh,Args=[all]"
        f" --steps Type=Spark,Name=job,ActionOnFailure=CONTINUE,Args=[s3://{bucket}/job.py]"
        " Type=CUSTOM_JAR,Name=shell,ActionOnFailure=CONTINUE,Jar=command-runner.jar,Args=[bash,-c,exit]"
    )
    cluster = f"--cluster-id {created['ClusterId']}"
    cli(f"wait cluster-terminated {cluster}")
    steps = {each["Name"]: each for each in cli(f"list-steps {cluster}")["Steps"]}
    assert {name: each["Status"]["State"] for name, each in steps.items()} == {
        "job": "COMPLETED",
        "shell": "COMPLETED",
    }
    described = cli(f"describe-cluster {cluster}")["Cluster"]
    [action] = described["BootstrapActions"]
    assert action["ScriptPath"] == f"s3://{bucket}/prepare.sh"
    assert described["Status"]["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"
    assert [(g["InstanceGroupType"], g["RequestedInstanceCount"]) for g in described["InstanceGroups"]] == [
        ("MASTER", 1),
        ("CORE", 2),
    ]
    keys = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix="logs/")["Contents"]
    names = {"/".join(each["Key"].split("/")[2:4]) for each in keys}
    assert {f"steps/{steps['job']['Id']}"} < names


def test_steps_of_a_running_cluster_are_added_and_cancelled(cli: Any, roles: None) -> None:
    created = cli(
        f"create-cluster --name waiting {COMMON} --no-auto-terminate --instance-groups"
        " InstanceGroupType=MASTER,InstanceCount=1,InstanceType=m5.xlarge"
        " InstanceGroupType=CORE,InstanceCount=2,InstanceType=m5.xlarge --tags team=data"
    )
    cluster = f"--cluster-id {created['ClusterId']}"
    cli(f"wait cluster-running {cluster}")
    added = cli(
        f"add-steps {cluster} --steps Type=CUSTOM_JAR,Name=quick,Jar=command-runner.jar,Args=[true]"
        " Type=CUSTOM_JAR,Name=endless,ActionOnFailure=CONTINUE,Jar=command-runner.jar,Args=[sleep,600]"
    )
    quick, endless = added["StepIds"]
    cli(f"wait step-complete {cluster} --step-id {quick}")
    cancelled = cli(f"cancel-steps {cluster} --step-ids {endless}")["CancelStepsInfoList"]
    assert [each["Status"] for each in cancelled] == ["SUBMITTED"]
    group = {"InstanceCount": 1, "InstanceGroupType": "task", "InstanceType": "m5.xlarge"}
    groups = json.dumps([group])
    [group_id] = cli(f"add-instance-groups {cluster} --instance-groups", groups)["InstanceGroupIds"]
    cli(f"modify-instance-groups --instance-groups InstanceGroupId={group_id},InstanceCount=3")
    nodes = cli(f"list-instances {cluster} --instance-group-id {group_id}")["Instances"]
    assert len(nodes) == 3
    assert cli(f"modify-cluster {cluster} --step-concurrency-level 4") == {"StepConcurrencyLevel": 4}
    cli(f"terminate-clusters --cluster-ids {created['ClusterId']}")
    cli(f"wait cluster-terminated {cluster}")


def test_a_cluster_of_fleets_has_its_policies(cli: Any, roles: None) -> None:
    fleets = [
        {
            "InstanceFleetType": role,
            capacity: 1,
            "InstanceTypeConfigs": [{"InstanceType": "m5.xlarge"}],
        }
        for role, capacity in (("MASTER", "TargetOnDemandCapacity"), ("CORE", "TargetSpotCapacity"))
    ]
    limits = "MinimumCapacityUnits=1,MaximumCapacityUnits=4,UnitType=InstanceFleetUnits"
    created = cli(
        f"create-cluster --name fleets {COMMON} --termination-protected"
        f" --auto-termination-policy IdleTimeout=600 --managed-scaling-policy ComputeLimits={{{limits}}}"
        " --instance-fleets",
        json.dumps(fleets),
    )
    cluster = f"--cluster-id {created['ClusterId']}"
    task = json.dumps(fleets[1] | {"InstanceFleetType": "TASK"})
    fleet = cli(f"add-instance-fleet {cluster} --instance-fleet", task)["InstanceFleetId"]
    cli(f"modify-instance-fleet {cluster} --instance-fleet InstanceFleetId={fleet},TargetSpotCapacity=2")
    assert [
        each["TargetSpotCapacity"] for each in cli(f"list-instance-fleets {cluster}")["InstanceFleets"]
    ] == [
        0,
        1,
        2,
    ]
    assert cli(f"get-auto-termination-policy {cluster}")["AutoTerminationPolicy"] == {"IdleTimeout": 600}
    policy = cli(f"get-managed-scaling-policy {cluster}")["ManagedScalingPolicy"]
    assert policy["ComputeLimits"]["MaximumCapacityUnits"] == 4
    cli(f"modify-cluster-attributes {cluster} --no-termination-protected")
    cli(f"terminate-clusters --cluster-ids {created['ClusterId']}")
    cli(f"wait cluster-terminated {cluster}")


def test_security_configurations_and_block_public_access_are_stored(cli: Any) -> None:
    content = '{"InstanceMetadataServiceConfiguration":{"MinimumInstanceMetadataServiceVersion":2}}'
    cli("create-security-configuration --name locked --security-configuration", content)
    assert cli("describe-security-configuration --name locked")["SecurityConfiguration"] == content
    cli("delete-security-configuration --name locked")
    assert cli("list-security-configurations")["SecurityConfigurations"] == []
    cli(
        "put-block-public-access-configuration --block-public-access-configuration"
        " BlockPublicSecurityGroupRules=false"
    )
    stored = cli("get-block-public-access-configuration")["BlockPublicAccessConfiguration"]
    assert stored["BlockPublicSecurityGroupRules"] is False
