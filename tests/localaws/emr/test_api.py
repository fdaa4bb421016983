"""EMR's API operations through boto3 against a running server; no step is run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws

RunCluster = Callable[..., str]


def request(**changes: Any) -> dict[str, Any]:
    return {
        "Name": "test",
        "ReleaseLabel": "emr-7.13.0",
        "ServiceRole": "EMR_DefaultRole",
        "JobFlowRole": "EMR_EC2_DefaultRole",
        "Applications": [{"Name": "Spark"}],
        "Instances": instances(),
        **changes,
    }


def instances(**changes: Any) -> dict[str, Any]:
    groups = [
        {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1},
        {"InstanceRole": "CORE", "InstanceType": "m6g.2xlarge", "InstanceCount": 2, "Market": "SPOT"},
    ]
    return {"InstanceGroups": groups, "KeepJobFlowAliveWhenNoSteps": True, **changes}


def step(name: str = "s", **changes: Any) -> dict[str, Any]:
    jar = {"Jar": "command-runner.jar", "Args": ["spark-submit", "s3://b/x.py"]}
    return {"Name": name, "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar, **changes}


@pytest.fixture(scope="module")
def slow_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose clusters stay STARTING during the whole test."""
    with LocalAws("--cluster-seconds", "3600", state=tmp_path_factory.mktemp("slow")) as aws:
        yield aws


@pytest.fixture
def emr(slow_aws: LocalAws) -> Any:
    return slow_aws.client("emr")


@pytest.fixture
def run(emr: Any) -> RunCluster:
    def run_cluster(**changes: Any) -> str:
        cluster_id: str = emr.run_job_flow(**request(**changes))["JobFlowId"]
        return cluster_id

    return run_cluster


def error_of(call: Callable[..., Any], **members: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**members)
    return f"{error.value.response['Error']['Code']}: {error.value.response['Error']['Message']}"


def test_describe_cluster_returns_the_requested_values(emr: Any, run: RunCluster) -> None:
    configurations = [{"Classification": "spark-defaults", "Properties": {"spark.a": "1"}}]
    tags = [{"Key": "run", "Value": "1"}]
    cluster_id = run(
        LogUri="s3://logs/emr/",
        Configurations=configurations,
        Tags=tags,
        Instances=instances(Ec2SubnetIds=["subnet-1"], TerminationProtected=False),
        AutoTerminationPolicy={"IdleTimeout": 600},
    )
    cluster = emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
    assert cluster["ClusterArn"].endswith(f":cluster/{cluster_id}")
    assert cluster["Status"]["State"] == "STARTING"
    assert cluster["Status"]["Timeline"]["CreationDateTime"] <= datetime.now(UTC)
    assert (cluster["LogUri"], cluster["Tags"]) == ("s3://logs/emr/", tags)
    assert cluster["Configurations"] == configurations
    assert cluster["Ec2InstanceAttributes"]["IamInstanceProfile"] == "EMR_EC2_DefaultRole"
    assert cluster["Ec2InstanceAttributes"]["RequestedEc2SubnetIds"] == ["subnet-1"]
    assert (cluster["AutoTerminate"], cluster["TerminationProtected"]) == (False, False)
    assert cluster["InstanceCollectionType"] == "INSTANCE_GROUP"
    policy = emr.get_auto_termination_policy(ClusterId=cluster_id)["AutoTerminationPolicy"]
    assert policy == {"IdleTimeout": 600}


def test_instance_groups_and_fleets_are_listed_as_requested(emr: Any, run: RunCluster) -> None:
    groups = emr.list_instance_groups(ClusterId=run())["InstanceGroups"]
    shown = [
        (g["InstanceGroupType"], g["InstanceType"], g["RequestedInstanceCount"], g["Market"]) for g in groups
    ]
    assert shown == [("MASTER", "m5.xlarge", 1, "ON_DEMAND"), ("CORE", "m6g.2xlarge", 2, "SPOT")]
    counted = {"MasterInstanceType": "m5.xlarge", "SlaveInstanceType": "m5.large", "InstanceCount": 3}
    groups = emr.list_instance_groups(ClusterId=run(Instances=counted))["InstanceGroups"]
    assert [(g["InstanceType"], g["RequestedInstanceCount"]) for g in groups] == [
        ("m5.xlarge", 1),
        ("m5.large", 2),
    ]
    fleets = [
        {
            "InstanceFleetType": "MASTER",
            "TargetOnDemandCapacity": 1,
            "InstanceTypeConfigs": [{"InstanceType": "m5.xlarge"}],
        },
        {
            "InstanceFleetType": "CORE",
            "TargetSpotCapacity": 4,
            "InstanceTypeConfigs": [{"InstanceType": "r5.xlarge", "WeightedCapacity": 2}],
        },
    ]
    fleet_cluster = run(Instances={"InstanceFleets": fleets})
    listed = emr.list_instance_fleets(ClusterId=fleet_cluster)["InstanceFleets"]
    assert [f["TargetSpotCapacity"] for f in listed] == [0, 4]
    assert listed[1]["InstanceTypeSpecifications"] == [{"InstanceType": "r5.xlarge", "WeightedCapacity": 2}]
    assert "mutually exclusive" in error_of(emr.list_instance_groups, ClusterId=fleet_cluster)
    assert "mutually exclusive" in error_of(emr.list_instance_fleets, ClusterId=run())


FLEETS = [
    {
        "InstanceFleetType": "MASTER",
        "TargetOnDemandCapacity": 1,
        "InstanceTypeConfigs": [{"InstanceType": "m7g.xlarge"}],
    },
    {
        "InstanceFleetType": "CORE",
        "TargetOnDemandCapacity": 1,
        "TargetSpotCapacity": 4,
        "InstanceTypeConfigs": [{"InstanceType": "r7g.xlarge", "WeightedCapacity": 2}],
    },
]
LIMITS = {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": 2, "MaximumCapacityUnits": 6}


def test_the_nodes_of_groups_and_fleets_are_listed(emr: Any, run: RunCluster) -> None:
    def nodes(cluster_id: str, **filters: Any) -> list[tuple[str, str]]:
        listed = emr.list_instances(ClusterId=cluster_id, **filters)["Instances"]
        assert len({node["Ec2InstanceId"] for node in listed}) == len(listed)
        assert all(node["Status"]["Timeline"]["CreationDateTime"] for node in listed)
        return [(node["InstanceType"], node["Market"]) for node in listed]

    core = [("m6g.2xlarge", "SPOT")] * 2
    assert nodes(run()) == [("m5.xlarge", "ON_DEMAND"), *core]
    assert nodes(run(), InstanceGroupTypes=["CORE"]) == core
    core = [("r7g.xlarge", "ON_DEMAND"), ("r7g.xlarge", "SPOT"), ("r7g.xlarge", "SPOT")]
    cluster_id = run(Instances={"InstanceFleets": FLEETS})
    assert nodes(cluster_id) == [("m7g.xlarge", "ON_DEMAND"), *core]
    assert nodes(cluster_id, InstanceFleetType="CORE") == core
    assert nodes(cluster_id, InstanceStates=["TERMINATED"]) == []


def test_a_managed_scaling_policy_is_stored(emr: Any, run: RunCluster) -> None:
    policy = {"ComputeLimits": LIMITS}
    cluster_id = run(Instances={"InstanceFleets": FLEETS}, ManagedScalingPolicy=policy)
    assert emr.get_managed_scaling_policy(ClusterId=cluster_id)["ManagedScalingPolicy"] == policy
    changed = {"ComputeLimits": LIMITS | {"MaximumCapacityUnits": 8}}
    emr.put_managed_scaling_policy(ClusterId=cluster_id, ManagedScalingPolicy=changed)
    assert emr.get_managed_scaling_policy(ClusterId=cluster_id)["ManagedScalingPolicy"] == changed
    emr.remove_managed_scaling_policy(ClusterId=cluster_id)
    assert "ManagedScalingPolicy" not in emr.get_managed_scaling_policy(ClusterId=cluster_id)


def test_instance_groups_are_added_resized_and_listed_with_their_instances(emr: Any, run: RunCluster) -> None:
    cluster_id = run()
    task = {"Name": "task", "InstanceRole": "TASK", "InstanceType": "r6g.xlarge", "InstanceCount": 3}
    added = emr.add_instance_groups(JobFlowId=cluster_id, InstanceGroups=[task])
    [group_id] = added["InstanceGroupIds"]
    listed = emr.list_instances(ClusterId=cluster_id, InstanceGroupId=group_id)["Instances"]
    assert [each["InstanceType"] for each in listed] == ["r6g.xlarge"] * 3
    lost = listed[1]["Ec2InstanceId"]
    change = {"InstanceGroupId": group_id, "EC2InstanceIdsToTerminate": [lost]}
    emr.modify_instance_groups(InstanceGroups=[change])
    ended = emr.list_instances(ClusterId=cluster_id, InstanceStates=["TERMINATED"])["Instances"]
    assert [each["Ec2InstanceId"] for each in ended] == [lost]
    emr.modify_instance_groups(
        ClusterId=cluster_id, InstanceGroups=[{"InstanceGroupId": group_id, "InstanceCount": 1}]
    )
    *_, group = emr.list_instance_groups(ClusterId=cluster_id)["InstanceGroups"]
    assert (group["Name"], group["RequestedInstanceCount"]) == ("task", 1)
    master = emr.list_instance_groups(ClusterId=cluster_id)["InstanceGroups"][0]
    resize = {"InstanceGroupId": master["Id"], "InstanceCount": 3}
    assert "cannot be resized" in error_of(emr.modify_instance_groups, InstanceGroups=[resize])
    unknown = {"InstanceGroupId": "ig-NONE", "InstanceCount": 3}
    assert "'ig-NONE' is not valid" in error_of(emr.modify_instance_groups, InstanceGroups=[unknown])
    second = task | {"InstanceRole": "CORE"}
    assert "only one CORE" in error_of(emr.add_instance_groups, JobFlowId=cluster_id, InstanceGroups=[second])


def test_an_instance_fleet_is_added_and_resized(emr: Any, run: RunCluster) -> None:
    cluster_id = run(Instances={"InstanceFleets": FLEETS, "KeepJobFlowAliveWhenNoSteps": True})
    task = {**FLEETS[1], "InstanceFleetType": "TASK", "Name": "task"}
    fleet_id = emr.add_instance_fleet(ClusterId=cluster_id, InstanceFleet=task)["InstanceFleetId"]
    change = {"InstanceFleetId": fleet_id, "TargetOnDemandCapacity": 0, "TargetSpotCapacity": 6}
    emr.modify_instance_fleet(ClusterId=cluster_id, InstanceFleet=change)
    running = emr.list_instances(
        ClusterId=cluster_id, InstanceFleetType="TASK", InstanceStates=["PROVISIONING"]
    )["Instances"]
    assert [each["Market"] for each in running] == ["SPOT"] * 3
    *_, fleet = emr.list_instance_fleets(ClusterId=cluster_id)["InstanceFleets"]
    assert (fleet["TargetOnDemandCapacity"], fleet["TargetSpotCapacity"]) == (0, 6)
    assert "only one TASK" in error_of(emr.add_instance_fleet, ClusterId=cluster_id, InstanceFleet=task)
    unknown = change | {"InstanceFleetId": "if-NONE"}
    assert "'if-NONE' is not valid" in error_of(
        emr.modify_instance_fleet, ClusterId=cluster_id, InstanceFleet=unknown
    )


def test_an_automatic_scaling_policy_belongs_to_an_instance_group(emr: Any, run: RunCluster) -> None:
    action = {"SimpleScalingPolicyConfiguration": {"ScalingAdjustment": 1}}
    alarm = {
        "ComparisonOperator": "LESS_THAN",
        "MetricName": "YARNMemoryAvailablePercentage",
        "Period": 300,
        "Threshold": 15.0,
    }
    rule = {"Name": "out", "Action": action, "Trigger": {"CloudWatchAlarmDefinition": alarm}}
    policy = {"Constraints": {"MinCapacity": 1, "MaxCapacity": 4}, "Rules": [rule]}
    cluster_id = run(AutoScalingRole="EMR_AutoScaling_DefaultRole")
    core = emr.list_instance_groups(ClusterId=cluster_id)["InstanceGroups"][1]["Id"]
    members = {"ClusterId": cluster_id, "InstanceGroupId": core}
    put = emr.put_auto_scaling_policy(**members, AutoScalingPolicy=policy)["AutoScalingPolicy"]
    assert (put["Status"]["State"], put["Rules"]) == ("ATTACHED", [rule])
    wrong = policy | {"Constraints": {"MinCapacity": 5, "MaxCapacity": 4}}
    assert "MinCapacity" in error_of(emr.put_auto_scaling_policy, **members, AutoScalingPolicy=wrong)
    emr.remove_auto_scaling_policy(**members)
    assert "AutoScalingPolicy" not in emr.list_instance_groups(ClusterId=cluster_id)["InstanceGroups"][1]
    other = run()
    core = emr.list_instance_groups(ClusterId=other)["InstanceGroups"][1]["Id"]
    text = error_of(
        emr.put_auto_scaling_policy, ClusterId=other, InstanceGroupId=core, AutoScalingPolicy=policy
    )
    assert "no AutoScalingRole" in text


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"UnitType": "Instances"}, "UnitType Instances does not fit a cluster of instance fleets"),
        (
            {"MinimumCapacityUnits": 7},
            "MinimumCapacityUnits must be from 0 to MaximumCapacityUnits, which is 6",
        ),
        ({"MaximumOnDemandCapacityUnits": 7}, "MaximumOnDemandCapacityUnits must be"),
    ],
)
def test_a_scaling_policy_that_does_not_fit_is_refused(
    emr: Any, run: RunCluster, limits: dict[str, Any], message: str
) -> None:
    cluster_id = run(Instances={"InstanceFleets": FLEETS})
    policy = {"ComputeLimits": LIMITS | limits}
    assert message in error_of(
        emr.put_managed_scaling_policy, ClusterId=cluster_id, ManagedScalingPolicy=policy
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ReleaseLabel": "emr-99.9.9"}, "The supplied release label is invalid: emr-99.9.9."),
        (
            {"ReleaseLabel": "emr-6.15.0"},
            "not supported by the local EMR: the release emr-6.15.0. Supported releases: emr-",
        ),
        ({"ReleaseLabel": "emr-5.36.2"}, "not supported by the local EMR: the release emr-5.36.2"),
        ({"ReleaseLabel": "emr-6.16.0"}, "The supplied release label is invalid: emr-6.16.0."),
        (
            {"SecurityConfiguration": "nope"},
            "ValidationException: Security configuration with name 'nope' does not exist.",
        ),
        ({"SessionEnabled": True}, "not supported by the local EMR: SessionEnabled"),
        (
            {"MonitoringConfiguration": {"S3LoggingConfiguration": {}}},
            "not supported by the local EMR: S3LoggingConfiguration",
        ),
        ({"ServiceRole": ""}, "ServiceRole is required"),
        ({"JobFlowRole": ""}, "InstanceProfile is required"),
        ({"StepConcurrencyLevel": 257}, "StepConcurrencyLevel must be from 1 to 256, not 257"),
        (
            {"StepConcurrencyLevel": 2, "Steps": [step(ActionOnFailure="CANCEL_AND_WAIT")]},
            "The ActionOnFailure CANCEL_AND_WAIT of step 's' is not valid",
        ),
        (
            {"BootstrapActions": [{"Name": "a", "ScriptBootstrapAction": {"Path": "s3://b/a.sh"}}] * 17},
            "at most 16 bootstrap actions",
        ),
        ({"LogUri": "/var/log"}, "'/var/log' is not an S3 URI"),
        ({"AutoTerminationPolicy": {"IdleTimeout": 59}}, "must be 60 to 604800 seconds, not 59"),
        ({"Instances": {}}, "not none of them"),
        ({"Instances": instances(InstanceCount=3)}, "not InstanceGroups and InstanceCount"),
        (
            {"Instances": {"MasterInstanceType": "zz.large", "InstanceCount": 1}},
            "Instance type 'zz.large' is not supported",
        ),
        (
            {
                "Instances": {
                    "InstanceGroups": [
                        {"InstanceRole": "CORE", "InstanceType": "m5.large", "InstanceCount": 1}
                    ]
                }
            },
            "needs exactly one MASTER",
        ),
        ({"Steps": [step()] * 257}, "maximum of 256 steps"),
        (
            {"Steps": [step(HadoopJarStep={"Jar": "command-runner.jar", "Args": ["x" * 5_120] * 2})]},
            "exceed a total of 10240 characters",
        ),
        ({"Steps": [step(ActionOnFailure="PANIC")]}, "must be one of TERMINATE_JOB_FLOW, "),
    ],
)
def test_an_invalid_request_creates_no_cluster(emr: Any, changes: dict[str, Any], message: str) -> None:
    before = len(emr.list_clusters()["Clusters"])
    text = error_of(emr.run_job_flow, **request(**changes))
    assert text.startswith("ValidationException: ")
    assert message in text
    assert len(emr.list_clusters()["Clusters"]) == before


def test_unknown_ids_are_rejected_with_the_message_of_the_operation(emr: Any, run: RunCluster) -> None:
    known = run()
    invalid = "InvalidRequestException: Cluster id 'j-NONE' is not valid."
    assert error_of(emr.describe_cluster, ClusterId="j-NONE") == invalid
    assert error_of(emr.list_steps, ClusterId="j-NONE") == invalid
    assert error_of(emr.add_tags, ResourceId="j-NONE", Tags=[{"Key": "a"}]) == invalid
    gone = "ValidationException: Specified job flow ID does not exist."
    assert error_of(emr.add_job_flow_steps, JobFlowId="j-NONE", Steps=[step()]) == gone
    assert error_of(emr.terminate_job_flows, JobFlowIds=[known, "j-NONE"]) == gone
    no_step = "InvalidRequestException: Step id 's-NONE' is not valid."
    assert error_of(emr.describe_step, ClusterId=known, StepId="s-NONE") == no_step
    assert error_of(emr.cancel_steps, ClusterId=known, StepIds=["s-NONE"]) == no_step
    assert emr.describe_cluster(ClusterId=known)["Cluster"]["Status"]["State"] == "STARTING"


def test_steps_are_listed_newest_first_with_filters_and_paging(emr: Any, run: RunCluster) -> None:
    cluster_id = run(Steps=[step(f"s{n}") for n in range(60)])
    added = emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step("s60"), step("s61")])["StepIds"]
    pages = list(emr.get_paginator("list_steps").paginate(ClusterId=cluster_id))
    assert [len(page["Steps"]) for page in pages] == [50, 12]
    names = [s["Name"] for page in pages for s in page["Steps"]]
    assert names == [f"s{n}" for n in reversed(range(62))]
    by_id = emr.list_steps(ClusterId=cluster_id, StepIds=added)["Steps"]
    assert [s["Id"] for s in by_id] == added
    emr.cancel_steps(ClusterId=cluster_id, StepIds=added)
    cancelled = emr.list_steps(ClusterId=cluster_id, StepStates=["CANCELLED"])["Steps"]
    assert [s["Name"] for s in cancelled] == ["s61", "s60"]
    assert "At most 10" in error_of(emr.list_steps, ClusterId=cluster_id, StepIds=["s-1"] * 11)
    both = {"StepIds": added, "StepStates": ["PENDING"]}
    assert "both" in error_of(emr.list_steps, ClusterId=cluster_id, **both)


def test_clusters_are_listed_by_state_and_time_with_paging(emr: Any, run: RunCluster) -> None:
    start = datetime.now(UTC)
    ids = [run(Name=f"c{n}") for n in range(52)]
    pages = list(emr.get_paginator("list_clusters").paginate(CreatedAfter=start))
    assert [c["Id"] for page in pages for c in page["Clusters"]] == list(reversed(ids))
    assert len(pages) == 2
    assert not emr.list_clusters(CreatedAfter=start + timedelta(days=1))["Clusters"]
    assert ids[0] not in [c["Id"] for c in emr.list_clusters(CreatedBefore=start)["Clusters"]]
    assert not emr.list_clusters(CreatedAfter=start, ClusterStates=["WAITING"])["Clusters"]
    assert "Marker" in error_of(emr.list_clusters, Marker="nonsense")


def test_tags_can_be_added_changed_and_removed(emr: Any, run: RunCluster) -> None:
    cluster_id = run(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    emr.add_tags(ResourceId=cluster_id, Tags=[{"Key": "b", "Value": "3"}, {"Key": "c"}])
    emr.remove_tags(ResourceId=cluster_id, TagKeys=["a", "never"])
    tags = emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Tags"]
    assert tags == [{"Key": "b", "Value": "3"}, {"Key": "c", "Value": ""}]


def test_a_protected_cluster_is_not_terminated_but_others_are(emr: Any, run: RunCluster) -> None:
    protected, other = run(Instances=instances(TerminationProtected=True)), run()
    text = error_of(emr.terminate_job_flows, JobFlowIds=[protected, other])
    message = "Could not shut down one or more job flows since they are termination protected."
    assert text == f"ValidationException: {message}"
    assert emr.describe_cluster(ClusterId=protected)["Cluster"]["Status"]["State"] == "STARTING"
    wait_for_end(emr, other)
    emr.set_termination_protection(JobFlowIds=[protected], TerminationProtected=False)
    emr.terminate_job_flows(JobFlowIds=[protected])
    wait_for_end(emr, protected)


def test_at_most_ten_clusters_can_be_terminated_per_call(emr: Any, run: RunCluster) -> None:
    text = error_of(emr.terminate_job_flows, JobFlowIds=[run()] * 11)
    assert text == "ValidationException: The maximum number of clusters allowed is 10."


def test_a_terminated_cluster_accepts_no_steps_and_can_be_terminated_again(emr: Any, run: RunCluster) -> None:
    cluster_id = run(Steps=[step()])
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
    cluster = wait_for_end(emr, cluster_id)
    reason = {"Code": "USER_REQUEST", "Message": "Terminated by user request"}
    assert (cluster["Status"]["State"], cluster["Status"]["StateChangeReason"]) == ("TERMINATED", reason)
    assert emr.list_steps(ClusterId=cluster_id)["Steps"][0]["Status"]["State"] == "CANCELLED"
    text = error_of(emr.add_job_flow_steps, JobFlowId=cluster_id, Steps=[step()])
    assert text == (
        "ValidationException: A job flow that is shutting down, terminated, or finished may not be modified."
    )
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
    assert emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"] == cluster["Status"]


def test_termination_settings_can_be_changed_later(emr: Any, run: RunCluster) -> None:
    cluster_id = run()
    assert "AutoTerminationPolicy" not in emr.get_auto_termination_policy(ClusterId=cluster_id)
    emr.put_auto_termination_policy(ClusterId=cluster_id, AutoTerminationPolicy={"IdleTimeout": 60})
    policy = emr.get_auto_termination_policy(ClusterId=cluster_id)["AutoTerminationPolicy"]
    assert policy == {"IdleTimeout": 60}
    emr.remove_auto_termination_policy(ClusterId=cluster_id)
    assert "AutoTerminationPolicy" not in emr.get_auto_termination_policy(ClusterId=cluster_id)
    emr.set_keep_job_flow_alive_when_no_steps(JobFlowIds=[cluster_id], KeepJobFlowAliveWhenNoSteps=False)
    assert emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["AutoTerminate"] is True


def test_a_cluster_can_be_modified(emr: Any, run: RunCluster) -> None:
    cluster_id = run(VisibleToAllUsers=False)
    assert emr.modify_cluster(ClusterId=cluster_id, StepConcurrencyLevel=5)["StepConcurrencyLevel"] == 5
    emr.set_visible_to_all_users(JobFlowIds=[cluster_id], VisibleToAllUsers=True)
    emr.set_unhealthy_node_replacement(JobFlowIds=[cluster_id], UnhealthyNodeReplacement=True)
    cluster = emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
    assert (cluster["VisibleToAllUsers"], cluster["UnhealthyNodeReplacement"]) == (True, True)
    assert cluster["StepConcurrencyLevel"] == 5
    late = [step(ActionOnFailure="TERMINATE_CLUSTER")]
    text = error_of(emr.add_job_flow_steps, JobFlowId=cluster_id, Steps=late)
    assert "The ActionOnFailure TERMINATE_CLUSTER of step 's' is not valid" in text
    assert "from 1 to 256, not 0" in error_of(
        emr.modify_cluster, ClusterId=cluster_id, StepConcurrencyLevel=0
    )
    assert "no longer supported" in error_of(emr.describe_job_flows)


def test_a_step_has_a_runtime_role_if_the_security_configuration_allows_it(emr: Any, run: RunCluster) -> None:
    role = "arn:aws:iam::123456789012:role/step"
    content = {"AuthorizationConfiguration": {"IAMConfiguration": {"EnableApplicationScopedIAMRole": True}}}
    emr.create_security_configuration(Name="roles", SecurityConfiguration=json.dumps(content))
    cluster_id = run(SecurityConfiguration="roles")
    [step_id] = emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step()], ExecutionRoleArn=role)["StepIds"]
    found = emr.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"]
    assert found["ExecutionRoleArn"] == role
    members = {"JobFlowId": run(), "Steps": [step()], "ExecutionRoleArn": role}
    assert "EnableApplicationScopedIAMRole" in error_of(emr.add_job_flow_steps, **members)
    emr.delete_security_configuration(Name="roles")


def test_the_instance_types_of_a_release_are_listed_in_pages(emr: Any) -> None:
    first = emr.list_supported_instance_types(ReleaseLabel="emr-7.13.0")
    second = emr.list_supported_instance_types(ReleaseLabel="emr-7.13.0", Marker=first["Marker"])
    types = {each["Type"]: each for each in first["SupportedInstanceTypes"]}
    assert len(types) == 50
    assert not types.keys() & {each["Type"] for each in second["SupportedInstanceTypes"]}
    assert all(each["VCPU"] and each["MemoryGB"] for each in types.values())
    assert "emr-9" in error_of(emr.list_supported_instance_types, ReleaseLabel="emr-9")


def test_releases_and_bootstrap_actions(emr: Any, run: RunCluster) -> None:
    assert "emr-7.13.0" in emr.list_release_labels()["ReleaseLabels"]
    assert emr.list_release_labels(Filters={"Prefix": "emr-spark"})["ReleaseLabels"] == ["emr-spark-8.0.0"]
    spark = emr.describe_release_label(ReleaseLabel="emr-7.13.0")["Applications"]
    assert spark == [{"Name": "Spark", "Version": "3.5.6"}]
    assert "has Spark 4, but Spark 3.5" in error_of(run, ReleaseLabel="emr-spark-8.0.0")
    assert "emr-1" in error_of(emr.describe_release_label, ReleaseLabel="emr-1")
    text = error_of(emr.describe_release_label, ReleaseLabel="emr-6.15.0")
    assert text.startswith("InvalidRequestException: not supported by the local EMR: the release emr-6.15.0")
    action = {"Name": "install", "ScriptBootstrapAction": {"Path": "s3://b/install.sh", "Args": ["x"]}}
    listed = emr.list_bootstrap_actions(ClusterId=run(BootstrapActions=[action]))["BootstrapActions"]
    assert listed == [{"Name": "install", "ScriptPath": "s3://b/install.sh", "Args": ["x"]}]


def test_a_cluster_can_only_name_an_existing_security_configuration(emr: Any, run: RunCluster) -> None:
    content = '{"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": 2}}'
    assert emr.create_security_configuration(Name="locked", SecurityConfiguration=content)["Name"] == "locked"
    cluster = emr.describe_cluster(ClusterId=run(SecurityConfiguration="locked"))["Cluster"]
    assert cluster["SecurityConfiguration"] == "locked"
    assert emr.describe_security_configuration(Name="locked")["SecurityConfiguration"] == content
    listed = emr.list_security_configurations()["SecurityConfigurations"]
    assert [configuration["Name"] for configuration in listed] == ["locked"]
    create = emr.create_security_configuration
    assert "already exists" in error_of(create, Name="locked", SecurityConfiguration=content)
    assert "not a JSON object" in error_of(create, Name="other", SecurityConfiguration="[]")
    emr.delete_security_configuration(Name="locked")
    for call in (emr.delete_security_configuration, emr.describe_security_configuration):
        assert "'locked' does not exist" in error_of(call, Name="locked")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"Encryption": {}}, "SecurityConfiguration has no Encryption"),
        (
            {"EncryptionConfiguration": {"EnableInTransitEncryption": False}},
            "EncryptionConfiguration requires EnableAtRestEncryption",
        ),
        (
            {"EncryptionConfiguration": {"EnableInTransitEncryption": True, "EnableAtRestEncryption": False}},
            "EnableInTransitEncryption is true, so InTransitEncryptionConfiguration is required",
        ),
        (
            {
                "EncryptionConfiguration": {
                    "EnableInTransitEncryption": False,
                    "EnableAtRestEncryption": True,
                    "AtRestEncryptionConfiguration": {
                        "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS"}
                    },
                }
            },
            "EncryptionMode SSE-KMS requires AwsKmsKey",
        ),
        (
            {"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": 3}},
            "MinimumInstanceMetadataServiceVersion is 3, must be 1 or 2",
        ),
    ],
)
def test_an_invalid_security_configuration_is_refused(
    emr: Any, content: dict[str, Any], message: str
) -> None:
    create = emr.create_security_configuration
    assert message in error_of(create, Name="invalid", SecurityConfiguration=json.dumps(content))


def test_an_unsupported_operation_is_named(emr: Any) -> None:
    assert "not supported by the local AWS: ListStudios" in error_of(emr.list_studios)


def test_roles_are_validated_if_iam_has_roles(tmp_path_factory: pytest.TempPathFactory) -> None:
    with LocalAws(state=tmp_path_factory.mktemp("iam")) as aws:
        emr, iam = aws.client("emr"), aws.client("iam")
        iam.create_role(RoleName="service", AssumeRolePolicyDocument="{}")
        text = error_of(emr.run_job_flow, **request(ServiceRole="misspelled"))
        assert text == "ValidationException: Invalid ServiceRole: misspelled. IAM has no such role."
        arn = "arn:aws:iam::123456789012:role/service"
        text = error_of(emr.run_job_flow, **request(ServiceRole=arn, JobFlowRole="profile"))
        assert text.startswith("ValidationException: Invalid InstanceProfile: profile.")
        iam.create_instance_profile(InstanceProfileName="profile")
        assert emr.run_job_flow(**request(ServiceRole=arn, JobFlowRole="profile"))["JobFlowId"]


def wait_for_end(emr: Any, cluster_id: str) -> dict[str, Any]:
    while not (cluster := emr.describe_cluster(ClusterId=cluster_id)["Cluster"])["Status"]["Timeline"].get(
        "EndDateTime"
    ):
        time.sleep(0.05)
    return dict(cluster)
