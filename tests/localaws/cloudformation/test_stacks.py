"""The stacks of ``infra/`` on the local AWS: each resource is read through its own service."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws

INFRA = Path(__file__).parents[3] / "infra"
REGION = "eu-central-1"
ACCOUNT = "123456789012"
PROJECT = "sales-segmentation"
PROJECT_TAG = {"Key": "project", "Value": PROJECT}
EMR_TAG = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}
STORAGE, EMR, STATE_MACHINE = (
    (INFRA / f"{stack}.yaml").read_text() for stack in ("storage", "emr", "state-machine")
)


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("--cluster-seconds", "0", region=REGION) as local_aws:
        yield local_aws


@pytest.fixture(scope="module")
def cloudformation(aws: LocalAws) -> Any:
    return aws.client("cloudformation")


def parameters(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def create(cloudformation: Any, name: str, template: str, **values: str) -> None:
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Parameters=parameters(values),
        Capabilities=["CAPABILITY_IAM"],
    )


def status(cloudformation: Any, name: str) -> str:
    return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])


def outputs(cloudformation: Any, name: str) -> dict[str, str]:
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] != "ROLLBACK_COMPLETE", reasons(cloudformation, name)
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def reasons(cloudformation: Any, name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return "\n".join(f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in failed)


def ids(cloudformation: Any, name: str) -> dict[str, str]:
    found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}


def minimal(**resources: Any) -> str:
    return json.dumps({"Resources": resources})


@pytest.fixture(scope="module")
def storage(cloudformation: Any) -> dict[str, str]:
    create(cloudformation, "storage", STORAGE, MonthlyBudget="50", AlertEmail="ops@example.com")
    return outputs(cloudformation, "storage")


@pytest.fixture(scope="module")
def emr(aws: LocalAws, cloudformation: Any, storage: dict[str, str]) -> dict[str, str]:
    aws.client("iam").create_role(RoleName="airflow", AssumeRolePolicyDocument="{}")
    names = ("Bucket", "Database", "WorkGroup", "AlertTopic", "KeyArn")
    values = {name: storage[name] for name in names}
    create(
        cloudformation, "emr", EMR, **values, CertificatesKey="certificates/c.zip", CallerRoleName="airflow"
    )
    return outputs(cloudformation, "emr")


def test_the_key_rotates_and_has_an_alias(aws: LocalAws, storage: dict[str, str]) -> None:
    kms = aws.client("kms")
    key = kms.describe_key(KeyId=f"alias/{PROJECT}")["KeyMetadata"]
    assert key["Arn"] == storage["KeyArn"]
    assert key["Description"] == f"Encrypts the data, disks and alerts of {PROJECT}"
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    document = json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    assert [each["Sid"] for each in document["Statement"]] == ["Account", "BudgetAlarms"]
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == [{"TagKey": "project", "TagValue": PROJECT}]


def test_the_bucket_has_all_its_settings(aws: LocalAws, storage: dict[str, str]) -> None:
    s3, bucket = aws.client("s3"), {"Bucket": storage["Bucket"]}
    assert storage["Bucket"] == f"{PROJECT}-{ACCOUNT}-{REGION}"
    assert (aws.state / "s3" / storage["Bucket"]).is_dir()
    assert s3.get_bucket_location(**bucket)["LocationConstraint"] == REGION
    assert all(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    [encryption] = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["BucketKeyEnabled"]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": storage["KeyArn"],
    }
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    assert s3.get_bucket_tagging(**bucket)["TagSet"] == [PROJECT_TAG]
    rules = {r["ID"]: r for r in s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]}
    assert rules["expire-query-results"]["Expiration"]["Days"] == 90
    assert rules["expire-logs"]["Filter"] == {"Prefix": "logs/"}
    assert rules["remove-incomplete-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rules["expire-replaced-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    [statement] = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert statement["Resource"] == [
        f"arn:aws:s3:::{storage['Bucket']}",
        f"arn:aws:s3:::{storage['Bucket']}/*",
    ]


def test_the_database_and_the_workgroup_exist(aws: LocalAws, storage: dict[str, str]) -> None:
    database = aws.client("glue", region_name="us-west-2").get_database(Name="beverage_analytics")["Database"]
    assert database["Description"] == f"Tables of {PROJECT}"
    athena = aws.client("athena")
    group = athena.get_work_group(WorkGroup=storage["WorkGroup"])["WorkGroup"]
    assert group["Description"] == f"Queries of {PROJECT}"
    configuration = group["Configuration"]
    assert configuration["EnforceWorkGroupConfiguration"]
    assert configuration["PublishCloudWatchMetricsEnabled"]
    assert configuration["BytesScannedCutoffPerQuery"] == 100_000_000_000
    assert configuration["EngineVersion"]["SelectedEngineVersion"] == "Athena engine version 3"
    assert configuration["ResultConfiguration"] == {
        "OutputLocation": f"s3://{storage['Bucket']}/athena-results/",
        "ExpectedBucketOwner": ACCOUNT,
        "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": storage["KeyArn"]},
    }
    arn = f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{PROJECT}"
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [PROJECT_TAG]


def test_the_topic_is_encrypted_and_open_to_budgets(aws: LocalAws, storage: dict[str, str]) -> None:
    sns, topic = aws.client("sns"), storage["AlertTopic"]
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["KmsMasterKeyId"] == storage["KeyArn"]
    [statement] = json.loads(attributes["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "budgets.amazonaws.com"}
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [PROJECT_TAG]
    [mail] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (mail["Protocol"], mail["Endpoint"]) == ("email", "ops@example.com")
    details = sns.get_subscription_attributes(SubscriptionArn=mail["SubscriptionArn"])["Attributes"]
    assert details["PendingConfirmation"] == "true"
    topic = sns.get_topic_attributes(TopicArn=details["TopicArn"])["Attributes"]
    assert (topic["SubscriptionsPending"], topic["SubscriptionsConfirmed"]) == ("1", "0")


def test_the_budget_notifies_the_topic(aws: LocalAws, storage: dict[str, str]) -> None:
    budgets, name = aws.client("budgets"), {"AccountId": ACCOUNT, "BudgetName": PROJECT}
    budget = budgets.describe_budget(**name)["Budget"]
    assert budget["BudgetLimit"] == {"Amount": "50", "Unit": "USD"}
    assert budget["CostFilters"] == {"TagKeyValue": [f"user:project${PROJECT}"]}
    notifications = budgets.describe_notifications_for_budget(**name)["Notifications"]
    assert [(n["NotificationType"], n["Threshold"]) for n in notifications] == [
        ("ACTUAL", 80.0),
        ("FORECASTED", 100.0),
    ]
    for notification in notifications:
        subscribers = budgets.describe_subscribers_for_notification(**name, Notification=notification)
        assert subscribers["Subscribers"] == [{"SubscriptionType": "SNS", "Address": storage["AlertTopic"]}]


def test_the_network_is_private_and_tagged(aws: LocalAws, cloudformation: Any, emr: dict[str, str]) -> None:
    ec2, made = aws.client("ec2"), ids(cloudformation, "emr")
    [vpc] = ec2.describe_vpcs(VpcIds=[made["Vpc"]])["Vpcs"]
    assert vpc["CidrBlock"] == "10.67.0.0/24"
    assert {"Key": "Name", "Value": PROJECT} in vpc["Tags"]
    assert EMR_TAG in vpc["Tags"]
    hostnames = ec2.describe_vpc_attribute(VpcId=made["Vpc"], Attribute="enableDnsHostnames")
    assert hostnames["EnableDnsHostnames"]["Value"]
    subnets = ec2.describe_subnets(SubnetIds=emr["SubnetIds"].split(","))["Subnets"]
    assert sorted((s["CidrBlock"], s["AvailabilityZone"]) for s in subnets) == [
        ("10.67.0.0/25", f"{REGION}a"),
        ("10.67.0.128/25", f"{REGION}b"),
    ]
    assert all(EMR_TAG in s["Tags"] and not s["MapPublicIpOnLaunch"] for s in subnets)
    [table] = ec2.describe_route_tables(RouteTableIds=[made["RouteTable"]])["RouteTables"]
    assert {a["SubnetId"] for a in table["Associations"] if not a["Main"]} == set(emr["SubnetIds"].split(","))
    assert not any("0.0.0.0/0" in r.get("DestinationCidrBlock", "") for r in table["Routes"])


def test_the_endpoints_are_those_that_emr_needs(
    aws: LocalAws, cloudformation: Any, emr: dict[str, str]
) -> None:
    made = ids(cloudformation, "emr")
    filters = [{"Name": "vpc-id", "Values": [made["Vpc"]]}]
    found = aws.client("ec2").describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    endpoints = {e["ServiceName"].rpartition(".")[2]: e for e in found}
    assert endpoints["s3"]["VpcEndpointType"] == "Gateway"
    assert endpoints["s3"]["RouteTableIds"] == [made["RouteTable"]]
    for service in ("elasticmapreduce", "kms"):
        assert endpoints[service]["VpcEndpointType"] == "Interface"
        assert endpoints[service]["PrivateDnsEnabled"]
        assert set(endpoints[service]["SubnetIds"]) == set(emr["SubnetIds"].split(","))
        groups = [g["GroupId"] for g in endpoints[service]["Groups"]]
        assert groups == [made["EndpointSecurityGroup"]]


def test_the_security_groups_have_their_tags_and_rules(
    aws: LocalAws, cloudformation: Any, emr: dict[str, str]
) -> None:
    ec2, made = aws.client("ec2"), ids(cloudformation, "emr")
    names = ("PrimarySecurityGroup", "CoreSecurityGroup", "ServiceSecurityGroup")
    groups = ec2.describe_security_groups(GroupIds=[emr[name] for name in names])["SecurityGroups"]
    assert all(EMR_TAG in g["Tags"] and PROJECT_TAG in g["Tags"] for g in groups)
    assert all(g["VpcId"] == made["Vpc"] for g in groups)
    [service] = ec2.describe_security_groups(GroupIds=[emr["ServiceSecurityGroup"]])["SecurityGroups"]
    [rule] = service["IpPermissions"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 9443, 9443)
    assert rule["UserIdGroupPairs"][0]["GroupId"] == emr["PrimarySecurityGroup"]
    [endpoint] = ec2.describe_security_groups(GroupIds=[made["EndpointSecurityGroup"]])["SecurityGroups"]
    [rule] = endpoint["IpPermissions"]
    assert (rule["FromPort"], rule["IpRanges"]) == (
        443,
        [{"CidrIp": "10.67.0.0/24", "Description": "HTTPS from the nodes"}],
    )
    [egress] = endpoint["IpPermissionsEgress"]
    assert (egress["IpProtocol"], egress["IpRanges"]) == ("-1", [{"CidrIp": "0.0.0.0/0"}])


def test_the_roles_have_their_policies(aws: LocalAws, cloudformation: Any, emr: dict[str, str]) -> None:
    iam, made = aws.client("iam"), ids(cloudformation, "emr")
    role = iam.get_role(RoleName=emr["ServiceRole"])["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "Service": "elasticmapreduce.amazonaws.com"
    }
    assert EMR_TAG in role["Tags"]
    attached = iam.list_attached_role_policies(RoleName=emr["ServiceRole"])["AttachedPolicies"]
    assert [p["PolicyName"] for p in attached] == ["AmazonEMRServicePolicy_v2"]
    inline = iam.get_role_policy(RoleName=emr["ServiceRole"], PolicyName="instance-profile-and-disks")
    node_role = iam.get_role(RoleName=made["NodeRole"])["Role"]
    assert inline["PolicyDocument"]["Statement"][0]["Resource"] == node_role["Arn"]
    assert iam.list_role_policies(RoleName=made["NodeRole"])["PolicyNames"] == ["data"]
    profile = iam.get_instance_profile(InstanceProfileName=emr["InstanceProfile"])["InstanceProfile"]
    assert [r["RoleName"] for r in profile["Roles"]] == [made["NodeRole"]]
    caller = iam.list_attached_role_policies(RoleName="airflow")["AttachedPolicies"]
    assert [p["PolicyArn"] for p in caller] == [emr["CallerPolicy"]]
    version = iam.get_policy(PolicyArn=emr["CallerPolicy"])["Policy"]["DefaultVersionId"]
    policy = iam.get_policy_version(PolicyArn=emr["CallerPolicy"], VersionId=version)["PolicyVersion"]
    statements = {s["Sid"]: s for s in policy["Document"]["Statement"]}
    assert statements["PassServiceRole"]["Resource"] == role["Arn"]


def test_a_cluster_takes_the_security_configuration(aws: LocalAws, emr: dict[str, str]) -> None:
    client = aws.client("emr")
    name = emr["SecurityConfiguration"]
    found = client.describe_security_configuration(Name=name)["SecurityConfiguration"]
    encryption = json.loads(found)["EncryptionConfiguration"]
    assert encryption["EnableInTransitEncryption"]
    assert encryption["InTransitEncryptionConfiguration"]["TLSCertificateConfiguration"]["S3Object"] == (
        f"s3://{PROJECT}-{ACCOUNT}-{REGION}/certificates/c.zip"
    )
    cluster = {
        "Name": "secure",
        "ReleaseLabel": "emr-7.13.0",
        "Instances": {"MasterInstanceType": "m5.xlarge", "InstanceCount": 1},
        "ServiceRole": emr["ServiceRole"],
        "JobFlowRole": emr["InstanceProfile"],
    }
    created = client.run_job_flow(**cluster, SecurityConfiguration=name)["JobFlowId"]
    assert client.describe_cluster(ClusterId=created)["Cluster"]["SecurityConfiguration"] == name
    with pytest.raises(ClientError, match="does not exist"):
        client.run_job_flow(**cluster, SecurityConfiguration="unknown")


@pytest.fixture(scope="module")
def machine(
    aws: LocalAws, cloudformation: Any, storage: dict[str, str], emr: dict[str, str]
) -> dict[str, str]:
    for name in ("state-machine", "state-machine-reaper"):
        file = INFRA / f"{name}.asl.json"
        aws.client("s3").put_object(
            Bucket=storage["Bucket"], Key=f"jobs/v2/{file.name}", Body=file.read_bytes()
        )
    declared = cloudformation.validate_template(TemplateBody=STATE_MACHINE)["Parameters"]
    known = storage | emr | {"CodeVersion": "v1", "DefinitionVersion": "v2", "Project": PROJECT}
    values = {each["ParameterKey"]: known[each["ParameterKey"]] for each in declared}
    create(cloudformation, "machine", STATE_MACHINE, **values)
    return outputs(cloudformation, "machine")


def test_the_state_machines_have_their_definitions(
    aws: LocalAws,
    cloudformation: Any,
    storage: dict[str, str],
    emr: dict[str, str],
    machine: dict[str, str],
) -> None:
    states, made = aws.client("stepfunctions"), ids(cloudformation, "machine")
    assert machine["StateMachine"] == made["StateMachine"]
    pipeline = states.describe_state_machine(stateMachineArn=made["StateMachine"])
    reaper = states.describe_state_machine(stateMachineArn=made["Reaper"])
    assert (pipeline["name"], reaper["name"]) == (PROJECT, f"{PROJECT}-reaper")
    roles = {r["RoleName"]: r["Arn"] for r in aws.client("iam").list_roles()["Roles"]}
    assert (pipeline["roleArn"], reaper["roleArn"]) == (roles[made["Role"]], roles[made["ReaperRole"]])
    assert "${" not in pipeline["definition"]
    for value in (storage["Bucket"], emr["InstanceProfile"], emr["SubnetIds"], "jobs/v1"):
        assert value in pipeline["definition"]
    assert json.loads(reaper["definition"]) == json.loads(
        (INFRA / "state-machine-reaper.asl.json").read_text()
    )
    for arn in (made["StateMachine"], made["Reaper"]):
        tags = states.list_tags_for_resource(resourceArn=arn)["tags"]
        assert tags == [{"key": "project", "value": PROJECT}]


def test_the_roles_of_the_state_machines_have_their_policies(
    aws: LocalAws, cloudformation: Any, emr: dict[str, str], machine: dict[str, str]
) -> None:
    iam, made = aws.client("iam"), ids(cloudformation, "machine")
    attached = iam.list_attached_role_policies(RoleName=made["Role"])["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [emr["CallerPolicy"]]
    expected = {"Role": "step-functions", "ReaperRole": "end-clusters", "RuleRole": "start-reaper"}
    for role, policy in expected.items():
        assert iam.list_role_policies(RoleName=made[role])["PolicyNames"] == [policy]
    document = iam.get_role_policy(RoleName=made["RuleRole"], PolicyName="start-reaper")["PolicyDocument"]
    assert document["Statement"][0]["Resource"] == made["Reaper"]


def test_the_rule_starts_the_reaper_after_an_aborted_execution(
    aws: LocalAws, cloudformation: Any, machine: dict[str, str]
) -> None:
    made = ids(cloudformation, "machine")
    events, states = aws.client("events"), aws.client("stepfunctions")
    rule = events.describe_rule(Name=made["ReaperRule"])
    assert json.loads(rule["EventPattern"])["detail"]["stateMachineArn"] == [made["StateMachine"]]
    [target] = events.list_targets_by_rule(Rule=made["ReaperRule"])["Targets"]
    assert (target["Id"], target["Arn"]) == ("reaper", made["Reaper"])
    params = json.dumps({"run_date": "not a date"})
    execution = states.start_execution(stateMachineArn=made["StateMachine"], input=params)["executionArn"]
    until = time.monotonic() + 60
    while not (reaped := states.list_executions(stateMachineArn=made["Reaper"])["executions"]):
        assert time.monotonic() < until, states.describe_execution(executionArn=execution)
        time.sleep(0.2)
    [started] = reaped
    event = json.loads(states.describe_execution(executionArn=started["executionArn"])["input"])
    assert (event["source"], event["detail"]["status"]) == ("aws.states", "FAILED")
    assert event["detail"]["executionArn"] == execution
    while states.describe_execution(executionArn=started["executionArn"])["status"] == "RUNNING":
        assert time.monotonic() < until
        time.sleep(0.2)
    assert states.describe_execution(executionArn=started["executionArn"])["status"] == "SUCCEEDED"


def test_an_update_by_a_change_set_changes_one_property(
    aws: LocalAws, cloudformation: Any, storage: dict[str, str]
) -> None:
    change_set = {"StackName": "storage", "ChangeSetName": "shorter"}
    unchanged = parameters({"MonthlyBudget": "50", "AlertEmail": "ops@example.com"})
    cloudformation.create_change_set(
        **change_set, UsePreviousTemplate=True, Parameters=[*parameters({"ResultDays": "7"}), *unchanged]
    )
    described = cloudformation.describe_change_set(**change_set)
    [change] = [each["ResourceChange"] for each in described["Changes"]]
    assert (change["Action"], change["LogicalResourceId"]) == ("Modify", "Bucket")
    assert change["Replacement"] == "False"
    assert [detail["Target"]["Name"] for detail in change["Details"]] == ["LifecycleConfiguration"]
    cloudformation.execute_change_set(**change_set)
    assert status(cloudformation, "storage") == "UPDATE_COMPLETE"
    rules = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=storage["Bucket"])["Rules"]
    assert [r["Expiration"]["Days"] for r in rules if r["ID"] == "expire-query-results"] == [7]

    cloudformation.create_change_set(
        StackName="storage",
        ChangeSetName="again",
        UsePreviousTemplate=True,
        Parameters=[*parameters({"ResultDays": "7"}), *unchanged],
    )
    described = cloudformation.describe_change_set(StackName="storage", ChangeSetName="again")
    assert (described["Status"], described["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in described["StatusReason"]


def test_a_failed_update_is_rolled_back(aws: LocalAws, cloudformation: Any, emr: dict[str, str]) -> None:
    template = EMR.replace(
        "MinimumInstanceMetadataServiceVersion: 2", "MinimumInstanceMetadataServiceVersion: 1"
    )
    template = template.replace("Description: The nodes, and so", "Description: The nodes and so")
    cloudformation.update_stack(
        StackName="emr",
        TemplateBody=template,
        Parameters=[
            {"ParameterKey": p["ParameterKey"], "UsePreviousValue": True}
            for p in cloudformation.describe_stacks(StackName="emr")["Stacks"][0]["Parameters"]
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    assert status(cloudformation, "emr") == "UPDATE_ROLLBACK_COMPLETE"
    assert "custom-named resource requires replacing" in reasons(cloudformation, "emr")
    role = aws.client("iam").get_role(RoleName=ids(cloudformation, "emr")["NodeRole"])["Role"]
    assert role["Description"] == "The nodes, and so the Spark jobs, act as this role"
    assert outputs(cloudformation, "emr") == emr


FAILING = minimal(
    Topic={"Type": "AWS::SNS::Topic"},
    Role={
        "Type": "AWS::IAM::Role",
        "DependsOn": "Topic",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"],
        },
    },
)


@pytest.mark.parametrize(
    ("on_failure", "final", "remains"),
    [
        ("ROLLBACK", "ROLLBACK_COMPLETE", False),
        ("DELETE", "DELETE_COMPLETE", False),
        ("DO_NOTHING", "CREATE_FAILED", True),
    ],
)
def test_a_failed_creation_ends_as_requested_with_its_reason(
    aws: LocalAws, cloudformation: Any, on_failure: str, final: str, remains: bool
) -> None:
    stack_id = cloudformation.create_stack(
        StackName="failing", TemplateBody=FAILING, Capabilities=["CAPABILITY_IAM"], OnFailure=on_failure
    )["StackId"]
    assert status(cloudformation, stack_id) == final
    assert "Policy arn:aws:iam::aws:policy/NoSuchPolicy does not exist" in reasons(cloudformation, stack_id)
    made = ids(cloudformation, stack_id)
    topics = [topic["TopicArn"] for topic in aws.client("sns").list_topics()["Topics"]]
    roles = [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]]
    assert (made["Topic"] in topics, made["Role"] in roles) == (remains, remains)
    cloudformation.delete_stack(StackName=stack_id)
    assert status(cloudformation, stack_id) == "DELETE_COMPLETE"
    assert made["Role"] not in [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]]


def test_a_protected_stack_is_not_deleted(cloudformation: Any) -> None:
    cloudformation.create_stack(
        StackName="protected",
        TemplateBody=minimal(Topic={"Type": "AWS::SNS::Topic"}),
        EnableTerminationProtection=True,
    )
    with pytest.raises(ClientError, match="cannot be deleted while TerminationProtection is enabled"):
        cloudformation.delete_stack(StackName="protected")
    cloudformation.update_termination_protection(StackName="protected", EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName="protected")
    with pytest.raises(ClientError, match="Stack with id protected does not exist"):
        cloudformation.describe_stacks(StackName="protected")


def test_the_first_change_set_of_a_stack_creates_it(cloudformation: Any) -> None:
    names = {"StackName": "reviewed", "ChangeSetName": "first"}
    template = minimal(Topic={"Type": "AWS::SNS::Topic"})
    cloudformation.create_change_set(**names, ChangeSetType="CREATE", TemplateBody=template)
    assert status(cloudformation, "reviewed") == "REVIEW_IN_PROGRESS"
    [change] = cloudformation.describe_change_set(**names)["Changes"]
    assert (change["ResourceChange"]["Action"], ids(cloudformation, "reviewed")) == ("Add", {})
    cloudformation.execute_change_set(**names)
    assert status(cloudformation, "reviewed") == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="cannot be executed in its current execution status"):
        cloudformation.execute_change_set(**names)
    cloudformation.delete_stack(StackName="reviewed")


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({"Type": "AWS::Lambda::Function"}, r"Unrecognized resource types: \[AWS::Lambda::Function\]"),
        (
            {"Type": "AWS::S3::Bucket", "Properties": {"AccelerateConfiguration": {}}},
            "property AccelerateConfiguration of AWS::S3::Bucket .*; supported: BucketName",
        ),
        (
            {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": "r", "DefinitionString": "{}", "LoggingConfiguration": {}},
            },
            "property LoggingConfiguration of AWS::StepFunctions::StateMachine",
        ),
        (
            {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": "r"}},
            "must have one of DefinitionString and DefinitionS3Location",
        ),
        (
            {
                "Type": "AWS::Events::Rule",
                "Properties": {"EventPattern": {}, "ScheduleExpression": "rate(1 hour)"},
            },
            "property ScheduleExpression of AWS::Events::Rule",
        ),
        (
            {
                "Type": "AWS::S3::Bucket",
                "Properties": {"LifecycleConfiguration": {"Rules": [{"Transitions": []}]}},
            },
            "property Transitions of AWS::S3::Bucket/LifecycleConfiguration/Rules",
        ),
        ({"Type": "AWS::SNS::Topic", "UpdatePolicy": {}}, "attributes of resource Resource UpdatePolicy"),
        (
            {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::ImportValue": "name"}}},
            "the function Fn::ImportValue",
        ),
        (
            {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::GetAtt": ["Resource", "Id"]}}},
            "does not support attribute type Id",
        ),
    ],
)
def test_what_is_not_supported_is_refused(
    cloudformation: Any, resource: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as refused:
        create(cloudformation, "refused", minimal(Resource=resource))
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="Stack with id refused does not exist"):
        cloudformation.describe_stacks(StackName="refused")


def test_iam_resources_need_a_capability(cloudformation: Any) -> None:
    with pytest.raises(ClientError, match="InsufficientCapabilities") as refused:
        cloudformation.create_stack(
            StackName="iam",
            TemplateBody=minimal(
                Role={"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
            ),
        )
    assert "CAPABILITY_IAM" in str(refused.value)


def test_deletion_keeps_the_bucket_and_the_key_only(
    aws: LocalAws,
    cloudformation: Any,
    storage: dict[str, str],
    emr: dict[str, str],
    machine: dict[str, str],
) -> None:
    made = ids(cloudformation, "emr")
    for name in ("machine", "emr", "storage"):
        stack_id = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=name)
        assert status(cloudformation, stack_id) == "DELETE_COMPLETE", reasons(cloudformation, stack_id)
    assert aws.client("kms").describe_key(KeyId=storage["KeyArn"])["KeyMetadata"]["KeyState"] == "Enabled"
    assert aws.client("s3").head_bucket(Bucket=storage["Bucket"])
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        aws.client("s3").get_bucket_policy(Bucket=storage["Bucket"])
    assert aws.client("sns").list_topics()["Topics"] == []
    assert aws.client("budgets").describe_budgets(AccountId=ACCOUNT).get("Budgets", []) == []
    assert [g["Name"] for g in aws.client("athena").list_work_groups()["WorkGroups"]] == ["primary"]
    assert aws.client("emr").list_security_configurations()["SecurityConfigurations"] == []
    roles = {r["RoleName"] for r in aws.client("iam").list_roles()["Roles"]}
    assert roles == {"airflow"}
    assert aws.client("iam").list_policies(Scope="Local")["Policies"] == []
    assert aws.client("events").list_rules().get("Rules", []) == []
    assert aws.client("stepfunctions").list_state_machines()["stateMachines"] == []
    vpcs = aws.client("ec2").describe_vpcs()["Vpcs"]
    assert made["Vpc"] not in [vpc["VpcId"] for vpc in vpcs]
    left = aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert [e for e in left if e["State"] != "deleted"] == []
