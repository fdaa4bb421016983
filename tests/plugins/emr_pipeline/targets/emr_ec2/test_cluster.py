"""The RunJobFlow request matches the service model of AWS and terminates an idle cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from emr_pipeline.settings import Settings
from emr_pipeline.specs import INSTANCE_TYPES, ClusterSpec
from emr_pipeline.tags import run_tags
from emr_pipeline.targets.emr_ec2.cluster import run_job_flow_request

TAGS = run_tags("dag", "manual__2026-01-31T00:00:00+00:00", Settings(bucket="lake", project="sales"))


def request(settings: Mapping[str, str] = {}, **spec: Any) -> dict[str, Any]:
    cluster = ClusterSpec(**{"release_label": "emr-7.13.0", "core_nodes": 4, "spot_share": 0.5, **spec})
    return run_job_flow_request("run", cluster, Settings(bucket="lake", **settings), TAGS)


def capacities(request: dict[str, Any]) -> dict[str, tuple[int, int]]:
    fleets = request["Instances"]["InstanceFleets"]
    return {f["InstanceFleetType"]: (f["TargetOnDemandCapacity"], f["TargetSpotCapacity"]) for f in fleets}


GROUPS = {
    "primary_security_group": "sg-1",
    "core_security_group": "sg-2",
    "service_security_group": "sg-3",
}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"subnet_ids": "subnet-1, subnet-2", "security_configuration": "locked", "log_group": "/l", **GROUPS},
    ],
)
def test_the_request_matches_the_service_model(settings: dict[str, str]) -> None:
    operation = botocore.session.get_session().get_service_model("emr").operation_model("RunJobFlow")
    spec = {"task_nodes": 2, "bootstrap_actions": {"numpy": ["s3://lake/bootstrap.sh", "--version", "2"]}}
    report = ParamValidator().validate(request(settings, **spec), operation.input_shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize(
    ("core_nodes", "spot_share", "core"),
    [(4, 0.5, (2, 2)), (3, 0.0, (3, 0)), (1, 1.0, (0, 1)), (3, 0.5, (1, 2))],
)
def test_the_spot_share_applies_to_the_core_nodes_only(
    core_nodes: int, spot_share: float, core: tuple[int, int]
) -> None:
    assert capacities(request(core_nodes=core_nodes, spot_share=spot_share)) == {
        "MASTER": (1, 0),
        "CORE": core,
    }


def test_live_logs_need_the_setting_the_agent_and_a_release_that_has_them() -> None:
    assert "MonitoringConfiguration" not in request()
    live = request({"log_group": "/steps"})
    assert live["MonitoringConfiguration"]["CloudWatchLogConfiguration"]["LogGroupName"] == "/steps"
    assert {"Name": "AmazonCloudWatchAgent"} in live["Applications"]
    with pytest.raises(ValueError, match=r"release_label is emr-7.9.0; live logs need emr-7.11.0 or later"):
        request({"log_group": "/steps"}, release_label="emr-7.9.0")
    assert "MonitoringConfiguration" not in request(
        {"log_group": "/steps"}, release_label="emr-7.9.0", live_logs=False
    )


def test_an_idle_cluster_terminates_and_is_not_protected() -> None:
    assert request()["AutoTerminationPolicy"] == {"IdleTimeout": 900}
    assert request()["Instances"]["TerminationProtected"] is False


def test_the_tags_identify_run_and_deployment_and_satisfy_the_managed_policies() -> None:
    tags = {tag["Key"]: tag["Value"] for tag in request()["Tags"]}
    assert tags == {
        "dag_id": "dag",
        "run_id": "manual__2026-01-31T00:00:00+00:00",
        "project": "sales",
        "bucket": "lake",
        "for-use-with-amazon-emr-managed-policies": "true",
    }


def test_subnets_are_split_at_commas() -> None:
    assert request({"subnet_ids": "subnet-1, subnet-2"})["Instances"]["Ec2SubnetIds"] == [
        "subnet-1",
        "subnet-2",
    ]


def test_only_security_groups_that_are_set_are_in_the_request() -> None:
    instances = request(GROUPS)["Instances"]
    assert instances["EmrManagedMasterSecurityGroup"] == "sg-1"
    assert instances["EmrManagedSlaveSecurityGroup"] == "sg-2"
    assert instances["ServiceAccessSecurityGroup"] == "sg-3"
    assert not {name for name in request()["Instances"] if name.endswith("SecurityGroup")}


@pytest.mark.parametrize(("architecture", "first"), [("arm64", "m7g.xlarge"), ("x86_64", "m6i.xlarge")])
def test_the_nodes_have_the_architecture_of_the_settings(architecture: str, first: str) -> None:
    made = request({"architecture": architecture}, task_nodes=1)
    fleets = made["Instances"]["InstanceFleets"]
    types = [[each["InstanceType"] for each in fleet["InstanceTypeConfigs"]] for fleet in fleets]
    assert types == [list(INSTANCE_TYPES[architecture])] * 3
    assert types[0][0] == first


def test_task_nodes_are_spot_instances_that_managed_scaling_removes() -> None:
    made = request(core_nodes="4", spot_share="0.25", task_nodes="6")
    assert capacities(made) == {"MASTER": (1, 0), "CORE": (3, 1), "TASK": (0, 6)}
    assert made["ManagedScalingPolicy"]["ComputeLimits"] == {
        "UnitType": "InstanceFleetUnits",
        "MinimumCapacityUnits": 4,
        "MaximumCapacityUnits": 10,
        "MaximumOnDemandCapacityUnits": 3,
        "MaximumCoreCapacityUnits": 4,
    }
    assert "ManagedScalingPolicy" not in request(task_nodes=0)


def test_each_field_of_the_spec_is_in_the_request() -> None:
    spark_defaults = {"Classification": "spark-defaults", "Properties": {"spark.executor.memory": "8g"}}
    made = request(
        core_nodes="8",
        primary_instance_types=["m7g.xlarge"],
        core_instance_types={"r7g.xlarge": "1", "r7g.4xlarge": 4},
        applications=["Spark", "Hadoop"],
        configurations=[spark_defaults],
        bootstrap_actions={"numpy": ["s3://lake/bootstrap.sh", "--version", "2"]},
        idle_minutes="60",
        extra={"EbsRootVolumeSize": 50},
    )
    primary, core = (fleet["InstanceTypeConfigs"] for fleet in made["Instances"]["InstanceFleets"])
    assert primary == [{"InstanceType": "m7g.xlarge", "WeightedCapacity": 1}]
    assert core == [
        {"InstanceType": "r7g.xlarge", "WeightedCapacity": 1},
        {"InstanceType": "r7g.4xlarge", "WeightedCapacity": 4},
    ]
    assert capacities(made)["CORE"] == (4, 4)
    assert made["Applications"] == [{"Name": "Spark"}, {"Name": "Hadoop"}]
    assert made["Configurations"] == [spark_defaults]
    script = {"Path": "s3://lake/bootstrap.sh", "Args": ["--version", "2"]}
    assert made["BootstrapActions"] == [{"Name": "numpy", "ScriptBootstrapAction": script}]
    assert made["AutoTerminationPolicy"] == {"IdleTimeout": 3600}
    assert made["EbsRootVolumeSize"] == 50


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"core_nodes": "0"}, "core_nodes is 0; it must be a whole number of at least 1"),
        ({"core_nodes": "2.5"}, "core_nodes is 2.5; it must be a whole number"),
        ({"core_nodes": "many"}, "core_nodes is 'many'; it must be a number"),
        ({"spot_share": "2"}, "spot_share is 2; it must be a share from 0 to 1"),
        ({"spot_share": float("nan")}, "spot_share is nan"),
        ({"task_nodes": "-1"}, "task_nodes is -1; it must be a whole number of at least 0"),
        ({"idle_minutes": "0"}, "idle_minutes is 0; it must be a whole number from 1 to 10080"),
        ({"core_instance_types": {"m5.xlarge": "0"}}, r"core_instance_types\[m5\.xlarge\] is 0"),
        ({"extra": {"Tags": []}}, "extra has Tags"),
    ],
)
def test_an_invalid_field_is_named(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        request(**spec)
