"""Deployment and its removal on a local AWS: plans, idempotence, staged files, settings, failures."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint.decode
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from emr_pipeline.cli.aws import Aws
from emr_pipeline.cli.deploy import STACKS
from emr_pipeline.cli.settings_file import read_settings
from emr_pipeline.cli.undeploy import RETAINED
from emr_pipeline.specs import ClusterSpec, StepSpec
from emr_pipeline.tags import run_tags
from emr_pipeline.targets.emr_ec2.cluster import run_job_flow_request
from emr_pipeline.targets.emr_serverless.application import create_application_request
from emr_pipeline.targets.emr_serverless.target import EmrServerless
from emr_pipeline.targets.phase import Phase
from localaws.testing import LocalAws
from tests.plugins.emr_pipeline.cli.conftest import REGION, ROOT, Run

PROJECT = "sales-segmentation"
BUCKET = f"{PROJECT}-123456789012-{REGION}"


@pytest.fixture(scope="module")
def deployed(run: Run, folder: Path) -> None:
    assert run("deploy", "--yes", "--wheels", str(folder)) == 0


@pytest.fixture
def result(run: Run, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command with --json and return its exit code and the document."""

    def run_json(command: str, *options: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run(command, "--json", *options)
        text = capsys.readouterr().out.strip()
        return code, json.loads(text) if text else None

    return run_json


def keys(aws: LocalAws, prefix: str) -> list[str]:
    found = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [item["Key"] for item in found]


def answer(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Let the next confirmations read ``answers``."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{each}\n" for each in answers)))


def test_a_plan_that_is_not_confirmed_changes_nothing(
    run: Run, aws: LocalAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, "n")
    assert run("deploy") == 1
    output = capsys.readouterr()
    assert "added" in output.out
    assert "AWS::S3::Bucket" in output.out
    assert "Not confirmed" in output.err
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []


@pytest.mark.usefixtures("deployed")
def test_the_settings_are_the_outputs_of_the_stacks(aws: LocalAws, folder: Path) -> None:
    settings = read_settings(folder / "settings")
    assert settings.bucket == BUCKET
    assert settings.project == PROJECT
    assert settings.workgroup == PROJECT
    assert settings.security_configuration == f"{PROJECT}-in-transit"
    assert settings.console_url == ""
    iam, ec2 = aws.client("iam"), aws.client("ec2")
    assert iam.get_role(RoleName=settings.service_role)
    assert iam.get_instance_profile(InstanceProfileName=settings.instance_profile)
    subnets = ec2.describe_subnets(SubnetIds=settings.subnet_ids.split(","))["Subnets"]
    groups = [settings.primary_security_group, settings.core_security_group, settings.service_security_group]
    found = ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"]
    assert len(subnets) == 2
    assert {each["VpcId"] for each in found} == {each["VpcId"] for each in subnets}


@pytest.mark.usefixtures("deployed")
def test_the_certificate_fits_its_key_and_the_names_of_the_nodes(aws: LocalAws) -> None:
    content = aws.client("s3").get_object(Bucket=BUCKET, Key="certificates/in-transit.zip")["Body"].read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert files["certificateChain.pem"] == files["trustedCertificates.pem"]
    certificate = x509.load_pem_x509_certificate(files["certificateChain.pem"])
    key = load_pem_private_key(files["privateKey.pem"], password=None)
    assert certificate.public_key() == key.public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [f"*.{REGION}.compute.internal"]


@pytest.mark.usefixtures("deployed")
def test_the_wheels_of_both_architectures_are_staged(aws: LocalAws) -> None:
    found = [key for key in keys(aws, "wheels/") if key.endswith(".whl")]
    assert ["aarch64" in key for key in found] == [True, False]


@pytest.mark.usefixtures("deployed")
def test_jobs_on_emr_serverless_find_the_staged_numpy(aws: LocalAws, folder: Path) -> None:
    settings = read_settings(folder / "settings")
    assert settings.python_archive == f"s3://{BUCKET}/wheels/numpy-arm64.zip"
    aws.client("s3").put_object(Bucket=BUCKET, Key="jobs/x.py", Body=b"import numpy; print(numpy.__file__)")
    emr = EmrServerless(Aws())
    application_id = emr.create(
        emr.cluster_request("name", ClusterSpec("emr-7.13.0", core_nodes=1), settings, {})
    )
    step = StepSpec("numpy", f"s3://{BUCKET}/jobs/x.py", execution_roles=settings.execution_roles)
    emr.start(application_id)
    step_id = emr.submit(application_id, step)
    while not (described := emr.describe(application_id, step_id)).step.phase.ended:
        time.sleep(0.2)
    assert described.step.phase == Phase.SUCCEEDED, described.reason
    [stdout] = [log for log in emr.read_logs(described.log_folder) if log.name == "stdout"]
    assert stdout.text.endswith("/packages/numpy/__init__.py\n")


@pytest.mark.usefixtures("deployed")
def test_a_second_deployment_changes_nothing(result: Any, aws: LocalAws) -> None:
    before = aws.client("s3").get_object(Bucket=BUCKET, Key="certificates/in-transit.zip")["ETag"]
    code, document = result("deploy")  # without --yes: it asks nothing
    assert code == 0
    assert {stack["status"] for stack in document["stacks"].values()} == {"unchanged"}
    assert document["files"] == []
    assert aws.client("s3").get_object(Bucket=BUCKET, Key="certificates/in-transit.zip")["ETag"] == before


@pytest.mark.usefixtures("deployed")
def test_an_update_changes_only_what_differs_and_keeps_earlier_options(result: Any) -> None:
    _, document = result("deploy", "--yes", "--parameter", "QueryLimitGb=7", "--monthly-budget", "50")
    changes = document["stacks"][f"{PROJECT}-storage"]["changes"]
    assert {(change["action"], change["logical_id"]) for change in changes} == {
        ("changed", "WorkGroup"),
        ("added", "Budget"),
    }
    code, document = result("deploy", "--yes", "--parameter", "QueryLimitGb=8")
    assert code == 0
    assert [c["logical_id"] for c in document["stacks"][f"{PROJECT}-storage"]["changes"]] == ["WorkGroup"]


@pytest.mark.usefixtures("deployed")
def test_encryption_in_transit_can_be_turned_off_and_on(result: Any) -> None:
    _, document = result("deploy", "--yes", "--no-encrypt-in-transit")
    assert document["settings"]["EMR_PIPELINE_SECURITY_CONFIGURATION"] == f"{PROJECT}-at-rest"
    [change] = document["stacks"][f"{PROJECT}-emr"]["changes"]
    assert (change["action"], change["logical_id"]) == ("replaced", "SecurityConfiguration")
    _, document = result("deploy", "--yes")
    assert document["settings"]["EMR_PIPELINE_SECURITY_CONFIGURATION"] == f"{PROJECT}-at-rest"
    _, document = result("deploy", "--yes", "--encrypt-in-transit")
    assert document["settings"]["EMR_PIPELINE_SECURITY_CONFIGURATION"] == f"{PROJECT}-in-transit"


@pytest.mark.usefixtures("deployed")
def test_a_certificate_is_renewed(result: Any) -> None:
    _, document = result("deploy", "--yes", "--renew-certificate")
    assert document["files"] == [f"s3://{BUCKET}/certificates/in-transit.zip"]
    assert {stack["status"] for stack in document["stacks"].values()} == {"unchanged"}


def test_the_reason_of_a_failed_stack_is_shown(
    run: Run, aws: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.client("sns").create_topic(Name="other-alerts")
    aws.client("glue").create_database(DatabaseInput={"Name": "taken"})
    code = run("deploy", "--yes", "--project", "other", "--parameter", "Database=taken")
    error = capsys.readouterr().err
    assert code == 1
    assert "other-storage: DELETE_COMPLETE. GlueDatabase: " in error
    assert "already exists" in error.lower()
    names = [s["StackName"] for s in aws.client("cloudformation").describe_stacks()["Stacks"]]
    assert not [name for name in names if name.startswith("other-")]


def test_an_own_network_and_the_role_of_airflow_are_used(
    run: Run, result: Any, aws: LocalAws, folder: Path
) -> None:
    ec2, iam, settings = aws.client("ec2"), aws.client("iam"), str(folder / "own")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/25")["Subnet"]["SubnetId"]
    iam.create_role(RoleName="airflow", AssumeRolePolicyDocument="{}")
    code, document = result(
        *("deploy", "--yes", "--project", "own", "--parameter", "Database=own", "--settings", settings),
        *("--vpc-id", vpc, "--subnet-ids", subnet, "--caller-role", "airflow"),
        *("--alert-email", "me@example.com", "--wheels", str(folder)),
    )
    assert code == 0
    assert document["settings"]["EMR_PIPELINE_SUBNET_IDS"] == subnet
    types = {change["type_name"] for change in document["stacks"]["own-emr"]["changes"]}
    assert not types & {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::VPCEndpoint"}
    [policy] = iam.list_attached_role_policies(RoleName="airflow")["AttachedPolicies"]
    assert policy["PolicyName"].startswith("own-emr-CallerPolicy")
    code, document = result("doctor", "--settings", settings)
    assert code == 1
    assert [each["check"] for each in document if each["status"] == "failed"] == [
        *("alert topic", "network tags", "S3 access", "EMR access", "KMS access")
    ]
    assert run("undeploy", "--yes", "--project", "own", "--settings", settings) == 0


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_cannot_be_updated_is_named_with_the_way_out(
    run: Run, aws: LocalAws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "half"}}
    database = {
        "Type": "AWS::Glue::Database",
        "Properties": {"CatalogId": "1", "DatabaseInput": {"Name": "half"}},
    }
    aws.client("glue").create_database(DatabaseInput={"Name": "half"})
    template = json.dumps({"Resources": {"Topic": topic, "Database": database}})
    aws.client("cloudformation").create_stack(StackName="half-storage", TemplateBody=template)
    assert run("deploy", "--yes", "--project", "half") == 2
    assert "half-storage is ROLLBACK_COMPLETE. Wait until" in capsys.readouterr().err
    before = (folder / "settings").read_text()
    assert run("undeploy", "--yes", "--project", "half") == 0
    assert (folder / "settings").read_text() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--parameter", "QueryLimit=7"], "Unknown parameter QueryLimit; valid parameters: Project, "),
        (["--parameter", "QueryLimitGb"], "--parameter QueryLimitGb is not NAME=VALUE"),
        (["--parameter", "QueryLimitGb=0"], "QueryLimitGb"),
        (["--templates", "nowhere"], "nowhere/storage.yaml does not exist: use --templates"),
    ],
)
def test_a_wrong_option_is_named(
    run: Run, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("deploy", "--yes", "--project", "wrong", *options) == 2
    assert message in capsys.readouterr().err


def test_without_a_region_the_command_names_the_variable(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert run("deploy") == 2
    assert "set AWS_DEFAULT_REGION" in capsys.readouterr().err


def test_without_credentials_the_command_ends_with_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    assert run("deploy", "--yes") == 2
    captured = capsys.readouterr()
    assert "Unable to locate credentials" in captured.err
    assert captured.err.count("\n") == 1


@pytest.fixture
def cluster(aws: LocalAws, deployed: None, folder: Path) -> Iterator[str]:
    """A cluster of the request that Airflow sends with the settings of the deployment."""
    settings, emr = read_settings(folder / "settings"), aws.client("emr")
    tags = run_tags("dag", "run", settings)
    request = run_job_flow_request("test", ClusterSpec("emr-7.13.0", core_nodes=1), settings, tags)
    cluster_id: str = emr.run_job_flow(**request)["JobFlowId"]
    yield cluster_id
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
    emr.get_waiter("cluster_terminated").wait(ClusterId=cluster_id, WaiterConfig={"Delay": 1})


def test_nothing_is_deleted_while_a_cluster_is_alive(
    run: Run, aws: LocalAws, folder: Path, cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("undeploy", "--yes") == 1
    ec2 = aws.client("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Ec2InstanceAttributes"]
    assert ec2["ServiceAccessSecurityGroup"] == read_settings(folder / "settings").service_security_group
    assert f"terminate-clusters --cluster-ids {cluster}" in capsys.readouterr().err
    assert len(aws.client("cloudformation").describe_stacks()["Stacks"]) == 2


@pytest.mark.usefixtures("deployed")
def test_nothing_is_deleted_while_an_application_is_alive(
    run: Run, aws: LocalAws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, emr = read_settings(folder / "settings"), EmrServerless(Aws())
    tags = run_tags("dag", "run", settings)
    request = create_application_request("test", ClusterSpec("emr-7.13.0", core_nodes=1), settings, tags)
    application_id, other = emr.create(request), emr.create(request | {"tags": {"project": "other"}})
    try:
        emr.start(application_id)
        assert run("undeploy", "--yes") == 1
        error = capsys.readouterr().err
        assert f"stop-application --application-id {application_id}" in error
        assert other not in error
        assert len(aws.client("cloudformation").describe_stacks()["Stacks"]) == 2
    finally:
        emr.terminate(application_id)


@pytest.mark.usefixtures("deployed")
def test_undeploy_keeps_the_bucket_and_the_key_and_deploy_uses_them_again(
    result: Any, aws: LocalAws, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings(folder / "settings")
    # EMR adds rules that refer to the other group; it does not remove them.
    ec2 = aws.client("ec2")
    for group, other in (("primary", "core"), ("core", "primary")):
        pair = {"GroupId": getattr(settings, f"{other}_security_group")}
        ec2.authorize_security_group_ingress(
            GroupId=getattr(settings, f"{group}_security_group"),
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "UserIdGroupPairs": [pair]}],
        )
    answer(monkeypatch, "n")
    assert result("undeploy")[0] == 1
    assert (folder / "settings").exists()
    code, document = result("undeploy", "--yes")
    assert code == 0
    assert document["deleted"] == [f"{PROJECT}-emr", f"{PROJECT}-storage"]
    assert f"Bucket {BUCKET}" in document["kept"]
    assert len(document["kept"]) == 2
    assert keys(aws, "wheels/")
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []
    assert not (folder / "settings").exists()
    assert result("undeploy")[1] == {"deleted": [], "kept": []}
    # The next deployment uses what was kept, and keeps it again.
    kept = dict(each.split() for each in document["kept"])
    code, document = result("deploy", "--yes")
    assert code == 0
    assert document["files"] == []
    types = {c["type_name"] for c in document["stacks"][f"{PROJECT}-storage"]["changes"]}
    assert not types & set(RETAINED)
    assert document["settings"]["EMR_PIPELINE_BUCKET"] == kept["Bucket"]
    configuration = aws.client("athena").get_work_group(WorkGroup=PROJECT)["WorkGroup"]["Configuration"]
    assert configuration["ResultConfiguration"]["OutputLocation"] == f"s3://{BUCKET}/athena-results/"
    assert configuration["ResultConfiguration"]["EncryptionConfiguration"]["KmsKey"] == kept["KeyArn"]
    assert dict(each.split() for each in result("undeploy", "--yes")[1]["kept"]) == kept


def test_the_retained_types_are_those_of_the_templates() -> None:
    retained = set()
    for stack in STACKS:
        template, _ = cfnlint.decode.decode(str(ROOT / f"infra/{stack}.yaml"))
        resources = template["Resources"].values()
        retained |= {r["Type"] for r in resources if r.get("DeletionPolicy", "Delete") != "Delete"}
    assert retained == set(RETAINED)


def test_the_command_line_does_not_import_airflow() -> None:
    program = (
        "import sys, emr_pipeline.cli.app, emr_pipeline.targets.registry; print('airflow' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "plugins")}
    command = [sys.executable, "-c", program]
    assert (
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        == "False\n"
    )
