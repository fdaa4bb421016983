"""The doctor on a local AWS: green after a deployment, and each fault is named by its line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emr_pipeline.cli.aws import Aws
from emr_pipeline.cli.checks import CHECKS, roles
from emr_pipeline.cli.checks.check import FAILED, NOT_CHECKED, OK, ClusterSize, Deployment, Result, run_checks
from emr_pipeline.cli.settings_file import read_settings
from tests.plugins.emr_pipeline.cli.conftest import ROOT, Run

CLUSTER = ClusterSize("emr-7.13.0", core_nodes=2, spot_share=0.5)
EMR_TAG = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}
CALLER = "arn:aws:iam::123456789012:role/airflow"

Undo = Callable[[], object]


@pytest.fixture(scope="module")
def deployed(run: Run, folder: Path) -> Deployment:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    Aws().client("iam").create_role(RoleName="airflow", AssumeRolePolicyDocument=trust)
    options = ("--wheels", str(folder), "--caller-role", "airflow", "--parameter", "LiveLogs=true")
    assert run("deploy", "--yes", *options) == 0
    return Deployment(Aws(), read_settings(folder / "settings"), CLUSTER, CALLER)


def results(deployment: Deployment, **changes: Any) -> dict[str, Result]:
    """Return the results by check; ``changes`` replace settings or members of the cluster."""
    cluster = {name: changes.pop(name) for name in vars(CLUSTER) if name in changes}
    # A new object: it caches what it has read.
    changed = replace(
        deployment,
        settings=replace(deployment.settings, **changes),
        cluster=replace(deployment.cluster, **cluster),
    )
    return {result.check: result for result in run_checks(CHECKS, changed)}


def failed(found: dict[str, Result]) -> list[str]:
    return [name for name, result in found.items() if result.status == FAILED]


def test_after_a_deployment_every_check_is_ok(
    deployed: Deployment, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("doctor", "--json", "--spot-share", "0.5", "--caller", CALLER) == 0
    found = json.loads(capsys.readouterr().out)
    assert [result for result in found if result["status"] != OK] == []
    assert len(found) == len(CHECKS)


# Each fault returns how to restore what it has changed.


def public_bucket(d: Deployment) -> Undo:
    s3, bucket = d.client("s3"), {"Bucket": d.settings.bucket}
    block = s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"]
    changed = {**block, "BlockPublicPolicy": False}
    s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration=changed)
    return lambda: s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration=block)


def no_public_access_block(d: Deployment) -> Undo:
    s3, bucket = d.client("s3"), {"Bucket": d.settings.bucket}
    block = s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"]
    s3.delete_public_access_block(**bucket)
    return lambda: s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration=block)


def unencrypted_bucket(d: Deployment) -> Undo:
    s3, bucket = d.client("s3"), {"Bucket": d.settings.bucket}
    found = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]
    s3.delete_bucket_encryption(**bucket)
    return lambda: s3.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration=found)


def disabled_workgroup(d: Deployment) -> Undo:
    athena, name = d.client("athena"), d.settings.workgroup
    athena.update_work_group(WorkGroup=name, State="DISABLED")
    return lambda: athena.update_work_group(WorkGroup=name, State="ENABLED")


def unlimited_workgroup(d: Deployment) -> Undo:
    athena, name = d.client("athena"), d.settings.workgroup
    update = {"WorkGroup": name, "ConfigurationUpdates": {"RemoveBytesScannedCutoffPerQuery": True}}
    athena.update_work_group(**update)
    limit = {"BytesScannedCutoffPerQuery": 10**11}
    return lambda: athena.update_work_group(WorkGroup=name, ConfigurationUpdates=limit)


def no_database(d: Deployment) -> Undo:
    glue, name = d.client("glue"), d.settings.database
    glue.delete_database(Name=name)
    return lambda: glue.create_database(DatabaseInput={"Name": name})


def untagged_subnet(d: Deployment) -> Undo:
    ec2, subnets = d.client("ec2"), d.settings.subnet_ids.split(",")
    ec2.delete_tags(Resources=subnets[1:], Tags=[EMR_TAG])
    return lambda: ec2.create_tags(Resources=subnets[1:], Tags=[EMR_TAG])


def untagged_security_group(d: Deployment) -> Undo:
    ec2, group = d.client("ec2"), d.settings.core_security_group
    ec2.delete_tags(Resources=[group], Tags=[EMR_TAG])
    return lambda: ec2.create_tags(Resources=[group], Tags=[EMR_TAG])


def public_subnet(d: Deployment) -> Undo:
    ec2, subnet = d.client("ec2"), d.settings.subnet_ids.split(",")[0]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    return lambda: ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": False})


def no_s3_endpoint(d: Deployment) -> Undo:
    ec2, name = d.client("ec2"), f"com.amazonaws.{d.aws.region}.s3"
    filters = [{"Name": "service-name", "Values": [name]}]
    [endpoint] = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    members = ("VpcId", "RouteTableIds", "ServiceName", "VpcEndpointType")
    return lambda: ec2.create_vpc_endpoint(**{member: endpoint[member] for member in members})


def closed_service_port(d: Deployment) -> Undo:
    ec2, group = d.client("ec2"), d.settings.service_security_group
    [found] = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    rules = {"GroupId": group, "IpPermissions": found["IpPermissions"]}
    ec2.revoke_security_group_ingress(**rules)
    return lambda: ec2.authorize_security_group_ingress(**rules)


def first_service_policy(d: Deployment) -> Undo:
    iam, role = d.client("iam"), {"RoleName": d.settings.service_role}
    second, first = (
        f"arn:aws:iam::aws:policy/service-role/{name}"
        for name in ("AmazonEMRServicePolicy_v2", "AmazonElasticMapReduceRole")
    )
    iam.detach_role_policy(**role, PolicyArn=second)
    iam.attach_role_policy(**role, PolicyArn=first)

    def undo() -> None:
        iam.detach_role_policy(**role, PolicyArn=first)
        iam.attach_role_policy(**role, PolicyArn=second)

    return undo


def untrusted_service(d: Deployment) -> Undo:
    return _distrust(d, d.settings.service_role)


def untrusted_nodes(d: Deployment) -> Undo:
    profile = d.client("iam").get_instance_profile(InstanceProfileName=d.settings.instance_profile)
    return _distrust(d, profile["InstanceProfile"]["Roles"][0]["RoleName"])


def untrusted_jobs(d: Deployment) -> Undo:
    return _distrust(d, d.settings.job_role.rpartition("/")[2])


def _distrust(d: Deployment, role: str) -> Undo:
    iam = d.client("iam")
    document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    statement = {**document["Statement"][0], "Principal": {"Service": "lambda.amazonaws.com"}}
    changed = json.dumps({**document, "Statement": [statement]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=changed)
    return lambda: iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))


def public_clusters(d: Deployment) -> Undo:
    emr = d.client("emr")

    def put(block: bool) -> None:
        configuration = {"BlockPublicSecurityGroupRules": block}
        emr.put_block_public_access_configuration(BlockPublicAccessConfiguration=configuration)

    put(False)
    return lambda: put(True)


def no_certificate(d: Deployment) -> Undo:
    return _delete(d, "certificates/in-transit.zip")


def no_wheel_for_graviton(d: Deployment) -> Undo:
    found = d.client("s3").list_objects_v2(Bucket=d.settings.bucket, Prefix="wheels/")["Contents"]
    return _delete(d, next(item["Key"] for item in found if "aarch64" in item["Key"]))


def _delete(d: Deployment, key: str) -> Undo:
    s3, place = d.client("s3"), {"Bucket": d.settings.bucket, "Key": key}
    content = s3.get_object(**place)["Body"].read()
    s3.delete_object(**place)
    return lambda: s3.put_object(**place, Body=content)


def no_grant_for_airflow(d: Deployment) -> Undo:
    [policy] = d.client("iam").list_attached_role_policies(RoleName="airflow")["AttachedPolicies"]
    return _without_action(d, policy["PolicyArn"], "elasticmapreduce:TerminateJobFlows")


def no_pass_role_for_airflow(d: Deployment) -> Undo:
    [policy] = d.client("iam").list_attached_role_policies(RoleName="airflow")["AttachedPolicies"]
    return _without_action(d, policy["PolicyArn"], "iam:PassRole")


def _without_action(d: Deployment, arn: str, action: str) -> Undo:
    """Set a version of the managed policy without the action as the default."""
    iam = d.client("iam")
    before = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=before)["PolicyVersion"]["Document"]
    changed = json.dumps(without_action(document, action))
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=changed, SetAsDefault=True)

    def undo() -> None:
        iam.set_default_policy_version(PolicyArn=arn, VersionId=before)
        iam.delete_policy_version(PolicyArn=arn, VersionId=made["PolicyVersion"]["VersionId"])

    return undo


def no_grant_for_the_nodes(d: Deployment) -> Undo:
    iam = d.client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=d.settings.instance_profile)["InstanceProfile"]
    place = {"RoleName": profile["Roles"][0]["RoleName"], "PolicyName": "data"}
    document = iam.get_role_policy(**place)["PolicyDocument"]
    iam.put_role_policy(**place, PolicyDocument=json.dumps(without_action(document, "s3:DeleteObject")))
    return lambda: iam.put_role_policy(**place, PolicyDocument=json.dumps(document))


def without_action(document: dict[str, Any], action: str) -> dict[str, Any]:
    """Return the policy document without the action; at least one statement must have it."""
    actions = [
        [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        for statement in document["Statement"]
    ]
    assert any(action in each for each in actions)
    statements = [
        {**statement, "Action": [one for one in each if one != action]}
        for statement, each in zip(document["Statement"], actions, strict=True)
        if each != [action]
    ]
    return {**document, "Statement": statements}


FAULTS: dict[Callable[[Deployment], Undo], tuple[str, str]] = {
    public_bucket: ("bucket public access", "put-public-access-block"),
    no_public_access_block: ("bucket public access", "put-public-access-block"),
    unencrypted_bucket: ("bucket encryption", "KMS key"),
    disabled_workgroup: ("workgroup", "--state ENABLED"),
    unlimited_workgroup: ("workgroup limit", "BytesScannedCutoffPerQuery"),
    no_database: ("database", "emr-pipeline deploy"),
    untagged_subnet: ("network tags", "aws ec2 create-tags --resources subnet-"),
    untagged_security_group: ("security group tags", "aws ec2 create-tags --resources sg-"),
    public_subnet: ("subnets", "--no-map-public-ip-on-launch"),
    no_s3_endpoint: ("S3 access", "create a gateway endpoint"),
    closed_service_port: ("security groups", "--port 9443"),
    first_service_policy: ("service role", "AmazonEMRServicePolicy_v2"),
    untrusted_service: ("service role", "trust policy"),
    untrusted_nodes: ("instance profile", "trust policy"),
    untrusted_jobs: ("job role", "trust policy"),
    no_grant_for_airflow: ("caller permissions", "CallerPolicy"),
    no_pass_role_for_airflow: ("caller permissions", "CallerPolicy"),
    no_grant_for_the_nodes: ("node permissions", "emr-pipeline deploy"),
    public_clusters: ("block public access", "block public access"),
    no_certificate: ("certificate", "--renew-certificate"),
    no_wheel_for_graviton: ("numpy", "emr-pipeline deploy"),
}
"""The check that must fail for each fault, and what its fix must contain."""


@contextmanager
def restored(undo: Undo) -> Iterator[None]:
    try:
        yield
    finally:
        undo()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_of_the_account_is_named_by_its_line(
    deployed: Deployment, fault: Callable[[Deployment], Undo]
) -> None:
    name, fix = FAULTS[fault]
    with restored(fault(deployed)):
        found = results(deployed)
    assert failed(found) == [name]
    assert fix in found[name].fix


def test_a_missing_grant_is_named(deployed: Deployment) -> None:
    with restored(no_grant_for_airflow(deployed)):
        found = results(deployed)
    assert found["caller permissions"].detail == f"{CALLER} may not do elasticmapreduce:TerminateJobFlows"
    with restored(no_grant_for_the_nodes(deployed)):
        found = results(deployed)
    assert found["node permissions"].detail.endswith("may not do s3:DeleteObject")


@pytest.mark.parametrize(
    ("changes", "name", "fix"),
    [
        ({"bucket": "no-such-bucket"}, "bucket", "emr-pipeline deploy"),
        ({"workgroup": "other"}, "workgroup", "emr-pipeline deploy"),
        ({"subnet_ids": "subnet-0123456789abcdef0"}, "subnets", "emr-pipeline deploy"),
        ({"core_security_group": "sg-0123456789abcdef0"}, "security groups", "emr-pipeline deploy"),
        ({"service_role": "EMR_DefaultRole"}, "service role", "emr-pipeline deploy"),
        ({"instance_profile": "EMR_EC2_DefaultRole"}, "instance profile", "emr-pipeline deploy"),
        ({"security_configuration": "other"}, "security configuration", "emr-pipeline deploy"),
        ({"release_label": "emr-1.0.0"}, "release label", "such as emr-"),
        ({"core_nodes": 100, "spot_share": 0}, "On-Demand quota", "--desired-value 404"),
        ({"core_nodes": 100, "spot_share": 1}, "Spot quota", "--desired-value 400"),
        ({"spot_share": 0, "task_nodes": 100}, "Spot quota", "--desired-value 400"),
    ],
)
def test_a_wrong_setting_is_named_by_its_line(
    deployed: Deployment, changes: dict[str, Any], name: str, fix: str
) -> None:
    found = results(deployed, **changes)
    assert failed(found) == [name]
    assert fix in found[name].fix


def test_live_logs_need_the_log_group_of_the_stack(deployed: Deployment) -> None:
    found = results(deployed, log_group="/other")
    assert failed(found) == ["log group", "node permissions", "caller permissions"]
    assert "LiveLogs=true" in found["log group"].fix
    assert found["node permissions"].detail.endswith("may not do logs:CreateLogStream, logs:PutLogEvents")
    assert found["caller permissions"].detail.endswith("may not do logs:GetLogEvents")
    assert results(deployed, log_group="")["log group"].status == NOT_CHECKED


@pytest.mark.parametrize(
    ("changes", "name", "denied"),
    [
        ({"workgroup": "primary"}, "workgroup limit", "athena:StartQueryExecution"),
        (
            {"alert_topic_arn": "arn:aws:sns:eu-central-1:123456789012:other"},
            "alert topic",
            "sns:Publish",
        ),
    ],
)
def test_airflow_may_use_only_the_resources_of_the_stacks(
    deployed: Deployment, changes: dict[str, Any], name: str, denied: str
) -> None:
    found = results(deployed, **changes)
    assert failed(found) == [name, "caller permissions"]
    assert denied in found["caller permissions"].detail


def test_settings_that_may_be_empty_are_not_checked(deployed: Deployment) -> None:
    optional = ("subnet_ids", "primary_security_group", "security_configuration", "alert_topic_arn")
    found = results(deployed, **dict.fromkeys(optional, ""))
    assert failed(found) == []
    assert found["subnets"].detail.startswith("EMR_PIPELINE_SUBNET_IDS is empty")


def test_without_credentials_only_their_line_fails(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    found = results(Deployment(Aws(), deployed.settings, CLUSTER))
    assert failed(found) == ["credentials"]
    assert {result.status for name, result in found.items() if name != "credentials"} == {NOT_CHECKED}


def test_all_actions_of_airflow_on_clusters_and_queries_are_checked(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: set[str] = set()

    def record(_: Any, __: str, wanted: list[roles.Wanted], ___: str) -> int:
        checked.update(action for actions, *_ in wanted for action in actions)
        return 0

    monkeypatch.setattr(roles, "_simulate", record)
    roles.caller_permissions.function(deployed)
    template = (ROOT / "infra/emr.yaml").read_text()
    policy = re.split(r"^  (?=\w)", template.split("  CallerPolicy:\n")[1], flags=re.MULTILINE)[0]
    granted = set(re.findall(r"(?:athena|elasticmapreduce|emr-serverless):[A-Z]\w+", policy))
    assert granted <= checked


def test_the_caller_is_the_identity_of_the_command_unless_another_is_given(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = deployed.client("iam")
    iam.create_user(UserName="somebody")
    key = iam.create_access_key(UserName="somebody")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    found = results(Deployment(Aws(), deployed.settings, CLUSTER))
    assert failed(found) == ["caller permissions"]
    assert found["caller permissions"].detail.startswith(
        "arn:aws:iam::123456789012:user/somebody may not do elasticmapreduce:RunJobFlow"
    )
    assert "CallerPolicy" in found["caller permissions"].fix


def test_an_identity_that_is_no_user_or_role_is_not_checked(deployed: Deployment) -> None:
    """Such as the root user; an access key that the local AWS does not know belongs to no IAM user, too."""
    found = results(replace(deployed, caller=""))
    assert failed(found) == []
    assert found["caller permissions"].status == NOT_CHECKED
    assert "--caller" in found["caller permissions"].detail


def test_an_error_of_aws_is_not_taken_for_a_fault(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetDatabase")

    def denied(**_: Any) -> Any:
        raise error

    monkeypatch.setattr(deployed.client("glue"), "get_database", denied)
    found = results(deployed)
    assert failed(found) == []
    assert found["database"] == Result("database", NOT_CHECKED, "GetDatabase: AccessDeniedException")


def test_without_settings_the_command_names_deploy(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("doctor", "--settings", str(tmp_path / "none")) == 2
    error = capsys.readouterr().err
    assert "EMR_PIPELINE_BUCKET is not set" in error
    assert "`emr-pipeline deploy` writes" in error
