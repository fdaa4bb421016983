"""With ``--enforce-iam`` a call without permission is refused, and a task of Airflow fails with AWS's message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.exceptions import AirflowException
from airflow.sdk.exceptions import AirflowFailException
from botocore.exceptions import ClientError

from emr_pipeline.alerts import on_failure
from emr_pipeline.operators.athena import AthenaStatementOperator
from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.operators.step import AddStepsOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec, StepSpec
from localaws.testing import CREDENTIALS, LocalAws
from tests.infra.needed_permissions import REGION, TOPIC, VALUES, Grant, policy
from tests.infra.test_recorded_runs import context

ROOT = Path(__file__).parents[2]
USER = "arn:aws:iam::123456789012:user/airflow"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
SETTINGS = Settings(
    bucket=VALUES["Bucket"], project=VALUES["Project"], database=VALUES["Database"], alert_topic_arn=TOPIC
)


@pytest.fixture(scope="module")
def enforcing_aws() -> Iterator[LocalAws]:
    with LocalAws("--enforce-iam", "--cluster-seconds", "0.1", region=REGION) as aws:
        location = {"LocationConstraint": REGION}
        aws.client("s3").create_bucket(Bucket=SETTINGS.bucket, CreateBucketConfiguration=location)
        aws.client("sns").create_topic(Name="alerts")
        iam = aws.client("iam")
        iam.create_user(UserName="airflow")
        for role in ("EMR_DefaultRole", "EMR_EC2_DefaultRole"):
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
        iam.create_instance_profile(InstanceProfileName="EMR_EC2_DefaultRole")
        iam.add_role_to_instance_profile(
            InstanceProfileName="EMR_EC2_DefaultRole", RoleName="EMR_EC2_DefaultRole"
        )
        yield aws


@pytest.fixture(scope="module")
def key(enforcing_aws: LocalAws) -> dict[str, str]:
    """The access key of the user, as options of a client."""
    created = enforcing_aws.client("iam").create_access_key(UserName="airflow")["AccessKey"]
    return {"aws_access_key_id": created["AccessKeyId"], "aws_secret_access_key": created["SecretAccessKey"]}


@pytest.fixture
def allow(
    enforcing_aws: LocalAws, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, Any]], None]:
    """A function that sets the policy of the user; Airflow's connection has the access key of the user."""
    connection = {
        "conn_type": "aws",
        "login": key["aws_access_key_id"],
        "password": key["aws_secret_access_key"],
        "extra": {"endpoint_url": enforcing_aws.endpoint_url, "region_name": REGION},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))

    def put(document: dict[str, Any]) -> None:
        enforcing_aws.client("iam").put_user_policy(
            UserName="airflow", PolicyName="policy", PolicyDocument=json.dumps(document)
        )

    return put


def without(sid: str, action: str) -> dict[str, Any]:
    return Grant("CallerPolicy", sid, "Action", action).without()


def create() -> CreateClusterOperator:
    return CreateClusterOperator(
        task_id="create_cluster", cluster=ClusterSpec("emr-7.13.0", core_nodes=1), settings=SETTINGS
    )


def create_database() -> AthenaStatementOperator:
    return AthenaStatementOperator(
        task_id="create_database",
        query=f"CREATE DATABASE IF NOT EXISTS {SETTINGS.database}",
        output_location=SETTINGS.s3("athena-results", ""),
        workgroup="primary",
        max_scanned_gb=1.0,
    )


def test_the_policy_of_the_stack_lets_the_tasks_succeed(allow: Callable[..., None]) -> None:
    allow(policy("CallerPolicy"))
    create_database().execute(context())
    cluster_id = create().execute(context())
    steps = [StepSpec("pca", SETTINGS.s3("jobs", "pca.py"))]
    AddStepsOperator(task_id="add_steps", cluster_id=cluster_id, steps=steps).execute(context())
    on_failure(SETTINGS).notify(context())
    TerminateClusterOperator(task_id="terminate_cluster", cluster_id=cluster_id).execute(context())


@pytest.mark.parametrize(
    ("sid", "action", "operation"),
    [
        ("CreateTaggedClusters", "elasticmapreduce:RunJobFlow", "RunJobFlow"),
        ("PassNodeRole", "iam:PassRole", "RunJobFlow"),
        ("FindClusters", "elasticmapreduce:ListClusters", "ListClusters"),
    ],
)
def test_a_task_without_permission_fails_with_the_message_of_aws(
    allow: Callable[..., None], sid: str, action: str, operation: str
) -> None:
    allow(without(sid, action))
    message = f"User: {USER} is not authorized to perform: {action} on resource: .* because no identity-based policy"
    with pytest.raises(AirflowFailException, match=rf"AWS refused {operation}: .*{message}"):
        create().execute(context())


@pytest.mark.parametrize(
    ("sid", "action"), [("KeepTables", "glue:CreateDatabase"), ("RunQueries", "athena:StartQueryExecution")]
)
def test_a_statement_needs_the_permissions_of_athena(
    allow: Callable[..., None], sid: str, action: str
) -> None:
    allow(without(sid, action))
    with pytest.raises(AirflowException, match=f"not authorized to perform: {action}"):
        create_database().execute(context())


@pytest.fixture
def emr_pipeline(
    enforcing_aws: LocalAws, key: dict[str, str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command of ``emr-pipeline`` with the credentials of the user and the settings of a deployment."""
    credentials = {name.upper(): value for name, value in key.items()}
    environment = {
        **os.environ,
        **enforcing_aws.environment,
        **credentials,
        "PYTHONPATH": str(ROOT / "plugins"),
    }
    file = tmp_path / "settings"
    file.write_text(f"EMR_PIPELINE_BUCKET={SETTINGS.bucket}\nEMR_PIPELINE_PROJECT={SETTINGS.project}\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "emr_pipeline.cli", *arguments, "--settings", str(file)]
        return subprocess.run(command, check=False, env=environment, capture_output=True, text=True)

    return run


def test_the_policy_of_the_stack_is_enough_for_the_command_line(
    allow: Callable[..., None],
    enforcing_aws: LocalAws,
    emr_pipeline: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    allow(policy("CallerPolicy"))
    enforcing_aws.client("s3").put_object(Bucket=SETTINGS.bucket, Key="raw/sales.csv", Body=b"1 line\n")
    cluster_id = create().execute(context())
    plan = emr_pipeline("plan", "pipeline", "--input", SETTINGS.s3("raw", "sales.csv"), "--json")
    assert (plan.returncode, json.loads(plan.stdout)["input_bytes"]) == (0, 7)
    status = emr_pipeline("status", "--json")
    assert status.returncode == 0
    assert cluster_id in {found["cluster_id"] for found in json.loads(status.stdout)}
    TerminateClusterOperator(task_id="terminate_cluster", cluster_id=cluster_id).execute(context())


def test_the_command_line_names_the_permission_that_is_missing(
    allow: Callable[..., None], emr_pipeline: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    allow(without("FindClusters", "elasticmapreduce:ListClusters"))
    status = emr_pipeline("status")
    assert (status.returncode, status.stdout) == (2, "")
    assert f"{USER} is not authorized to perform: elasticmapreduce:ListClusters" in status.stderr
    assert status.stderr.count("\n") == 1


def test_s3_and_sns_refuse_with_their_error_codes(
    allow: Callable[..., None], enforcing_aws: LocalAws, key: dict[str, str]
) -> None:
    allow(policy("CallerPolicy"))
    s3, sns = enforcing_aws.client("s3", **key), enforcing_aws.client("sns", **key)
    s3.put_object(Bucket=SETTINGS.bucket, Key="reports/index.html", Body=b"")
    assert s3.get_object(Bucket=SETTINGS.bucket, Key="reports/index.html")["ContentLength"] == 0
    with pytest.raises(ClientError, match=r"AccessDenied.* s3:PutObject on resource: arn:aws:s3:::\S+raw/a"):
        s3.put_object(Bucket=SETTINGS.bucket, Key="raw/a.csv", Body=b"")
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        s3.get_object(Bucket=SETTINGS.bucket, Key="certificates/in-transit.zip")
    with pytest.raises(ClientError, match="AuthorizationError"):
        sns.publish(TopicArn=f"{TOPIC}-of-others", Message="late")


def test_another_access_key_is_not_refused(enforcing_aws: LocalAws) -> None:
    assert CREDENTIALS["aws_access_key_id"] == "local"
    enforcing_aws.client("s3").put_object(Bucket=SETTINGS.bucket, Key="raw/b.csv", Body=b"")


def test_an_assumed_role_has_the_policies_of_the_role(enforcing_aws: LocalAws) -> None:
    iam, sts = enforcing_aws.client("iam"), enforcing_aws.client("sts")
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)["Role"]
    document = json.dumps(policy("CallerPolicy"))
    created = iam.create_policy(PolicyName="caller", PolicyDocument=document)["Policy"]
    iam.attach_role_policy(RoleName="worker", PolicyArn=created["Arn"])
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]
    s3 = enforcing_aws.client(
        "s3",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    s3.put_object(Bucket=SETTINGS.bucket, Key="reports/a.svg", Body=b"")
    with pytest.raises(
        ClientError, match="User: arn:aws:sts::123456789012:assumed-role/worker/session is not"
    ):
        s3.delete_object(Bucket=SETTINGS.bucket, Key="raw/b.csv")


def test_a_policy_that_cannot_be_evaluated_refuses_the_call(
    allow: Callable[..., None], enforcing_aws: LocalAws, key: dict[str, str]
) -> None:
    statement = {"Sid": "One", "Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    allow({"Version": "2012-10-17", "Statement": [statement]})
    with pytest.raises(ClientError, match=r"cannot evaluate the policies .* 'One' has NotAction"):
        enforcing_aws.client("glue", **key).get_database(Name="default")


def test_a_job_run_needs_the_permission_to_pass_its_role(
    allow: Callable[..., None], enforcing_aws: LocalAws, key: dict[str, str]
) -> None:
    serverless = enforcing_aws.client("emr-serverless")
    application_id = serverless.create_application(releaseLabel="emr-7.13.0", type="SPARK")["applicationId"]
    statement = {"Sid": "One", "Effect": "Allow", "Action": "emr-serverless:*", "Resource": "*"}
    allow({"Version": "2012-10-17", "Statement": [statement]})
    caller = enforcing_aws.client("emr-serverless", **key)
    assert caller.get_application(applicationId=application_id)
    role = "arn:aws:iam::123456789012:role/EMR_EC2_DefaultRole"
    driver = {"sparkSubmit": {"entryPoint": "s3://lake/job.py"}}
    with pytest.raises(ClientError, match=f"perform: iam:PassRole on resource: {role}") as refused:
        caller.start_job_run(applicationId=application_id, executionRoleArn=role, jobDriver=driver)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
