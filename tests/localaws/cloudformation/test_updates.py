"""Each property of each type is changed and removed in place; what the service then returns is compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from localaws.testing import LocalAws

ACCOUNT = "123456789012"
REGION = "us-east-1"
ALLOW: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
GRANT: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
TRUST, OTHER_TRUST = (
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    for service in ("ec2.amazonaws.com", "elasticmapreduce.amazonaws.com")
)
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
TAGS = [{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "test"}]


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("--cluster-seconds", "0") as local_aws:
        yield local_aws


def deploy(aws: LocalAws, name: str, operation: str, **resources: Any) -> dict[str, str]:
    """Create or update a stack and return the ids of its resources."""
    client = aws.client("cloudformation")
    getattr(client, f"{operation}_stack")(
        StackName=name,
        TemplateBody=json.dumps({"Resources": resources}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    [stack] = client.describe_stacks(StackName=name)["Stacks"]
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [e.get("ResourceStatusReason") for e in events if e["ResourceStatus"].endswith("FAILED")]
    assert stack["StackStatus"] == f"{operation.upper()}_COMPLETE", reasons
    found = client.describe_stack_resources(StackName=name)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}


def resource(type_name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_name, "Properties": properties}


def test_a_bucket_loses_the_settings_that_are_no_longer_in_the_template(aws: LocalAws) -> None:
    settings = {
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": "3"}]},
        "Tags": TAGS,
    }
    s3, bucket = aws.client("s3"), {"Bucket": "changing"}
    deploy(aws, "s3", "create", Bucket=resource("AWS::S3::Bucket", BucketName="changing", **settings))
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    deploy(aws, "s3", "update", Bucket=resource("AWS::S3::Bucket", BucketName="changing"))
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Suspended"
    for read in (
        s3.get_public_access_block,
        s3.get_bucket_ownership_controls,
        s3.get_bucket_lifecycle_configuration,
        s3.get_bucket_tagging,
    ):
        with pytest.raises(s3.exceptions.ClientError, match=r"NoSuch|NotFound"):
            read(**bucket)


def test_a_workgroup_and_a_database_are_changed(aws: LocalAws) -> None:
    configuration = {
        "BytesScannedCutoffPerQuery": 20_000_000,
        "RequesterPaysEnabled": True,
        "ResultConfiguration": {"OutputLocation": "s3://changing/a/", "ExpectedBucketOwner": ACCOUNT},
    }
    group = {"Name": "changing", "Description": "a", "State": "DISABLED", "Tags": TAGS}
    database = {"CatalogId": ACCOUNT, "DatabaseInput": {"Name": "changing", "Description": "a"}}
    deploy(
        aws,
        "athena",
        "create",
        Group=resource("AWS::Athena::WorkGroup", **group, WorkGroupConfiguration=configuration),
        Database=resource("AWS::Glue::Database", **database),
    )
    athena = aws.client("athena")
    made = athena.get_work_group(WorkGroup="changing")["WorkGroup"]
    assert (made["State"], made["Configuration"]["RequesterPaysEnabled"]) == ("DISABLED", True)
    deploy(
        aws,
        "athena",
        "update",
        Group=resource("AWS::Athena::WorkGroup", Name="changing", Tags=TAGS[:1]),
        Database=resource(
            "AWS::Glue::Database",
            CatalogId=ACCOUNT,
            DatabaseInput={"Name": "changing", "Description": "b", "Parameters": {"k": "v"}},
        ),
    )
    made = athena.get_work_group(WorkGroup="changing")["WorkGroup"]
    assert (made["State"], made["Description"]) == ("ENABLED", "")
    assert made["Configuration"]["ResultConfiguration"] == {}
    assert not made["Configuration"]["RequesterPaysEnabled"]
    assert "BytesScannedCutoffPerQuery" not in made["Configuration"]
    arn = f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/changing"
    assert athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == TAGS[:1]
    found = aws.client("glue").get_database(Name="changing")["Database"]
    assert (found["Description"], found["Parameters"]) == ("b", {"k": "v"})


def test_a_key_an_alias_and_a_topic_are_changed(aws: LocalAws) -> None:
    key = resource("AWS::KMS::Key", Description="a", EnableKeyRotation=True, KeyPolicy=ALLOW, Tags=TAGS)
    alias = {"AliasName": "alias/changing", "TargetKeyId": {"Ref": "Key"}}
    topic = {"TopicName": "changing", "DisplayName": "a", "KmsMasterKeyId": "alias/changing", "Tags": TAGS}
    made = deploy(
        aws,
        "kms",
        "create",
        Key=key,
        Other=resource("AWS::KMS::Key"),
        Alias=resource("AWS::KMS::Alias", **alias),
        Topic=resource("AWS::SNS::Topic", **topic),
        Policy=resource("AWS::SNS::TopicPolicy", Topics=[{"Ref": "Topic"}], PolicyDocument=ALLOW),
    )
    deploy(
        aws,
        "kms",
        "update",
        Key=resource("AWS::KMS::Key", Description="b", KeyPolicy=GRANT, Tags=TAGS[:1]),
        Other=resource("AWS::KMS::Key"),
        Alias=resource("AWS::KMS::Alias", AliasName="alias/changing", TargetKeyId={"Ref": "Other"}),
        Topic=resource("AWS::SNS::Topic", TopicName="changing", Tags=TAGS[:1]),
    )
    kms, sns = aws.client("kms"), aws.client("sns")
    assert kms.describe_key(KeyId=made["Key"])["KeyMetadata"]["Description"] == "b"
    assert not kms.get_key_rotation_status(KeyId=made["Key"])["KeyRotationEnabled"]
    assert json.loads(kms.get_key_policy(KeyId=made["Key"], PolicyName="default")["Policy"]) == GRANT
    assert len(kms.list_resource_tags(KeyId=made["Key"])["Tags"]) == 1
    assert kms.describe_key(KeyId="alias/changing")["KeyMetadata"]["KeyId"] == made["Other"]
    attributes = sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    assert (attributes["DisplayName"], attributes.get("KmsMasterKeyId", "")) == ("", "")
    assert json.loads(attributes["Policy"])["Id"] == "__default_policy_ID"
    assert sns.list_tags_for_resource(ResourceArn=made["Topic"])["Tags"] == TAGS[:1]


def test_a_log_group_is_changed(aws: LocalAws) -> None:
    group = {"LogGroupName": "/changing", "RetentionInDays": 7, "Tags": TAGS}
    made = deploy(aws, "logs", "create", Group=resource("AWS::Logs::LogGroup", **group))
    assert made == {"Group": "/changing"}
    logs = aws.client("logs")
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    deploy(
        aws, "logs", "update", Group=resource("AWS::Logs::LogGroup", LogGroupName="/changing", Tags=TAGS[:1])
    )
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    assert logs.list_tags_log_group(logGroupName="/changing")["tags"] == {TAGS[0]["Key"]: TAGS[0]["Value"]}


def test_roles_profiles_and_policies_are_changed(aws: LocalAws) -> None:
    inline = [{"PolicyName": name, "PolicyDocument": GRANT} for name in ("kept", "dropped")]
    role = {"AssumeRolePolicyDocument": TRUST, "RoleName": "changing", "Path": "/team/"}
    other = resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST)
    made = deploy(
        aws,
        "iam",
        "create",
        Role=resource(
            "AWS::IAM::Role",
            **role,
            Description="a",
            MaxSessionDuration=7200,
            ManagedPolicyArns=[READ_ONLY],
            Policies=inline,
            Tags=TAGS,
        ),
        Other=other,
        Profile=resource("AWS::IAM::InstanceProfile", Roles=[{"Ref": "Role"}]),
        Policy=resource("AWS::IAM::ManagedPolicy", PolicyDocument=READ, Roles=[{"Ref": "Role"}]),
    )
    iam = aws.client("iam")
    described = iam.get_role(RoleName="changing")["Role"]
    assert (described["Path"], described["MaxSessionDuration"]) == ("/team/", 7200)
    changed = {**role, "AssumeRolePolicyDocument": OTHER_TRUST}
    deploy(
        aws,
        "iam",
        "update",
        Role=resource("AWS::IAM::Role", **changed, Policies=inline[:1], Tags=TAGS[:1]),
        Other=other,
        Profile=resource("AWS::IAM::InstanceProfile", Roles=[{"Ref": "Other"}]),
        Policy=resource("AWS::IAM::ManagedPolicy", PolicyDocument=GRANT, Roles=[{"Ref": "Other"}]),
    )
    described = iam.get_role(RoleName="changing")["Role"]
    assert described["AssumeRolePolicyDocument"] == OTHER_TRUST
    assert (described["Description"], described["MaxSessionDuration"]) == ("", 3600)
    assert described["Tags"] == TAGS[:1]
    assert iam.list_role_policies(RoleName="changing")["PolicyNames"] == ["kept"]
    assert iam.list_attached_role_policies(RoleName="changing")["AttachedPolicies"] == []
    attached = iam.list_attached_role_policies(RoleName=made["Other"])["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [made["Policy"]]
    version = iam.get_policy(PolicyArn=made["Policy"])["Policy"]["DefaultVersionId"]
    policy = iam.get_policy_version(PolicyArn=made["Policy"], VersionId=version)["PolicyVersion"]
    assert policy["Document"] == GRANT
    profile = iam.get_instance_profile(InstanceProfileName=made["Profile"])["InstanceProfile"]
    assert [each["RoleName"] for each in profile["Roles"]] == [made["Other"]]


def test_a_network_is_changed(aws: LocalAws) -> None:
    vpc, ec2 = {"Ref": "Vpc"}, aws.client("ec2")
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/24"}
    unchanged = {
        "Table": resource("AWS::EC2::RouteTable", VpcId=vpc),
        "OtherTable": resource("AWS::EC2::RouteTable", VpcId=vpc),
        "OtherSubnet": resource("AWS::EC2::Subnet", VpcId=vpc, CidrBlock="10.0.0.128/25"),
    }
    subnet = {"VpcId": vpc, "CidrBlock": "10.0.0.0/25"}
    group = {"GroupDescription": "changing", "VpcId": vpc}
    gateway = {"VpcId": vpc, "VpcEndpointType": "Gateway", "ServiceName": f"com.amazonaws.{REGION}.s3"}
    interface = {"VpcId": vpc, "VpcEndpointType": "Interface", "ServiceName": f"com.amazonaws.{REGION}.kms"}
    made = deploy(
        aws,
        "ec2",
        "create",
        Vpc=resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/24", EnableDnsHostnames=True, Tags=TAGS),
        Subnet=resource("AWS::EC2::Subnet", **subnet, MapPublicIpOnLaunch=True, Tags=TAGS),
        Routes=resource(
            "AWS::EC2::SubnetRouteTableAssociation", SubnetId={"Ref": "Subnet"}, RouteTableId={"Ref": "Table"}
        ),
        Group=resource(
            "AWS::EC2::SecurityGroup", **group, SecurityGroupIngress=[rule], SecurityGroupEgress=[rule]
        ),
        Gateway=resource(
            "AWS::EC2::VPCEndpoint", **gateway, RouteTableIds=[{"Ref": "Table"}], PolicyDocument=ALLOW
        ),
        Interface=resource(
            "AWS::EC2::VPCEndpoint",
            **interface,
            SubnetIds=[{"Ref": "Subnet"}],
            SecurityGroupIds=[{"Ref": "Group"}],
            PrivateDnsEnabled=True,
        ),
        **unchanged,
    )
    [described] = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"]
    assert [p["FromPort"] for p in described["IpPermissionsEgress"]] == [443]
    changed = deploy(
        aws,
        "ec2",
        "update",
        Vpc=resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/24", Tags=TAGS[:1]),
        Subnet=resource("AWS::EC2::Subnet", **subnet),
        Group=resource("AWS::EC2::SecurityGroup", **group),
        Gateway=resource("AWS::EC2::VPCEndpoint", **gateway, RouteTableIds=[{"Ref": "OtherTable"}]),
        Interface=resource(
            "AWS::EC2::VPCEndpoint",
            **interface,
            SubnetIds=[{"Ref": "OtherSubnet"}],
            SecurityGroupIds=[{"Ref": "Group"}],
        ),
        **unchanged,
    )
    [network] = ec2.describe_vpcs(VpcIds=[made["Vpc"]])["Vpcs"]
    assert network["Tags"] == TAGS[:1]
    hostnames = ec2.describe_vpc_attribute(VpcId=made["Vpc"], Attribute="enableDnsHostnames")
    assert not hostnames["EnableDnsHostnames"]["Value"]
    [described] = ec2.describe_subnets(SubnetIds=[made["Subnet"]])["Subnets"]
    assert (described["MapPublicIpOnLaunch"], described.get("Tags", [])) == (False, [])
    [described] = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"]
    assert described["IpPermissions"] == []
    assert [p["IpProtocol"] for p in described["IpPermissionsEgress"]] == ["-1"]
    [gateway_endpoint] = ec2.describe_vpc_endpoints(VpcEndpointIds=[changed["Gateway"]])["VpcEndpoints"]
    assert gateway_endpoint["RouteTableIds"] == [made["OtherTable"]]
    [endpoint] = ec2.describe_vpc_endpoints(VpcEndpointIds=[changed["Interface"]])["VpcEndpoints"]
    assert endpoint["SubnetIds"] == [made["OtherSubnet"]]
    assert not endpoint["PrivateDnsEnabled"]
    [table] = ec2.describe_route_tables(RouteTableIds=[made["Table"]])["RouteTables"]
    assert [a["SubnetId"] for a in table["Associations"] if not a["Main"]] == []


def test_a_replacement_gets_a_new_id_and_the_old_resource_is_deleted(aws: LocalAws) -> None:
    configuration = {"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": 1}}
    made = deploy(
        aws,
        "emr",
        "create",
        Security=resource("AWS::EMR::SecurityConfiguration", SecurityConfiguration=configuration),
    )
    configuration["InstanceMetadataServiceConfiguration"]["MinimumInstanceMetadataServiceVersion"] = 2
    changed = deploy(
        aws,
        "emr",
        "update",
        Security=resource("AWS::EMR::SecurityConfiguration", SecurityConfiguration=configuration),
    )
    listed = aws.client("emr").list_security_configurations()["SecurityConfigurations"]
    assert [each["Name"] for each in listed] == [changed["Security"]]
    assert made["Security"] != changed["Security"]


MACHINE = {"StartAt": "${State}", "States": {"${State}": {"Type": "Pass", "Result": "a", "End": True}}}


def test_a_state_machine_and_a_rule_are_changed(aws: LocalAws) -> None:
    role, state = "arn:aws:iam::123456789012:role/states", {"State": "first"}
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED"]}}
    target = {"Arn": {"Ref": "Machine"}, "RoleArn": role}
    machine = {"StateMachineName": "changing", "RoleArn": role, "DefinitionString": json.dumps(MACHINE)}
    made = deploy(
        aws,
        "states",
        "create",
        Machine=resource(
            "AWS::StepFunctions::StateMachine", **machine, DefinitionSubstitutions=state, Tags=TAGS
        ),
        Rule=resource(
            "AWS::Events::Rule",
            Name="changing",
            Description="a",
            State="DISABLED",
            EventPattern=pattern,
            Targets=[{"Id": "kept", **target}, {"Id": "dropped", **target}],
        ),
    )
    states, events, arn = aws.client("stepfunctions"), aws.client("events"), made["Machine"]
    assert json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"])["StartAt"] == "first"
    rule = events.describe_rule(Name="changing")
    assert (rule["Description"], rule["State"]) == ("a", "DISABLED")
    assert len(events.list_targets_by_rule(Rule="changing")["Targets"]) == 2
    aws.client("s3").create_bucket(Bucket="definitions")
    text = json.dumps({"StartAt": "second", "States": {"second": {"Type": "Succeed"}}})
    aws.client("s3").put_object(Bucket="definitions", Key="machine.json", Body=text)
    pattern["detail"] = {"status": ["ABORTED"]}
    deploy(
        aws,
        "states",
        "update",
        Machine=resource(
            "AWS::StepFunctions::StateMachine",
            StateMachineName="changing",
            RoleArn=role + "2",
            DefinitionS3Location={"Bucket": "definitions", "Key": "machine.json"},
            Tags=TAGS[:1],
        ),
        Rule=resource(
            "AWS::Events::Rule", Name="changing", EventPattern=pattern, Targets=[{"Id": "kept", **target}]
        ),
    )
    changed = states.describe_state_machine(stateMachineArn=arn)
    assert (json.loads(changed["definition"])["StartAt"], changed["roleArn"]) == ("second", role + "2")
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "a"}]
    rule = events.describe_rule(Name="changing")
    assert (rule.get("Description", ""), rule["State"]) == ("", "ENABLED")
    assert json.loads(rule["EventPattern"]) == pattern
    assert [each["Id"] for each in events.list_targets_by_rule(Rule="changing")["Targets"]] == ["kept"]
    aws.client("cloudformation").delete_stack(StackName="states")
    assert events.list_rules().get("Rules", []) == []
    assert states.list_state_machines()["stateMachines"] == []


def test_a_budget_is_changed(aws: LocalAws) -> None:
    budget = {"BudgetType": "COST", "TimeUnit": "MONTHLY"}
    limits = [{**budget, "BudgetLimit": {"Amount": amount, "Unit": "USD"}} for amount in (5, 7)]
    made = deploy(aws, "budgets", "create", Budget=resource("AWS::Budgets::Budget", Budget=limits[0]))
    deploy(aws, "budgets", "update", Budget=resource("AWS::Budgets::Budget", Budget=limits[1]))
    found = aws.client("budgets").describe_budget(AccountId=ACCOUNT, BudgetName=made["Budget"])
    assert found["Budget"]["BudgetLimit"]["Amount"] == "7"
