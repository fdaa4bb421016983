"""The roles, and what they and the caller may do.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-iam-roles.html
"""

from __future__ import annotations

from typing import Any

from emr_pipeline.cli.aws import Aws
from emr_pipeline.cli.checks.check import DEPLOY, EMR_TAG, Deployment, Failed, NotChecked, check, expect
from emr_pipeline.specs import EMR_SERVERLESS

SERVICE_POLICY = "AmazonEMRServicePolicy_v2"
SERVICES_WITH_OWN_ROLE = (
    "elasticmapreduce.amazonaws.com",
    "spot.amazonaws.com",
    "ops.emr-serverless.amazonaws.com",
)
"""The services whose service-linked role an account needs once; the caller's policy does not allow to create it."""

Wanted = tuple[list[str], str, dict[str, str]]
"""Actions, the resource and the values of context keys."""


@check("service role", "credentials")
def service_role(deployment: Deployment) -> str:
    name = _name(deployment.settings.service_role)
    role = deployment.get_role(name)
    _check_trust(role, "elasticmapreduce.amazonaws.com")
    attached = deployment.client("iam").list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    names = [policy["PolicyName"] for policy in attached]
    if SERVICE_POLICY not in names:
        fix = (
            f"`aws iam attach-role-policy --role-name {name} "
            f"--policy-arn arn:aws:iam::aws:policy/service-role/{SERVICE_POLICY}`"
        )
        raise Failed(f"{name} has {', '.join(names) or 'no managed policy'}, not {SERVICE_POLICY}", fix)
    return f"{name} with {SERVICE_POLICY}"


@check("instance profile", "credentials")
def instance_profile(deployment: Deployment) -> str:
    role = _node_role(deployment)
    _check_trust(role, "ec2.amazonaws.com")
    return f"{_name(deployment.settings.instance_profile)} with the role {role['RoleName']}"


@check("job role", "credentials")
def job_role(deployment: Deployment) -> str:
    settings = deployment.settings
    if not settings.job_role and settings.target == EMR_SERVERLESS:
        raise Failed("EMR_PIPELINE_JOB_ROLE is empty, and EMR_PIPELINE_TARGET is emr-serverless", DEPLOY)
    if not settings.job_role:
        raise NotChecked("EMR_PIPELINE_JOB_ROLE is empty: runs cannot use EMR Serverless")
    name = _name(settings.job_role)
    _check_trust(deployment.get_role(name), "emr-serverless.amazonaws.com")
    return name


@check("service-linked roles", "credentials")
def service_linked_roles(deployment: Deployment) -> str:
    if missing := services_without_role(deployment.aws):
        fix = f"`aws iam create-service-linked-role --aws-service-name {missing[0]}`, or {DEPLOY}"
        raise Failed(f"{missing[0]} has no service-linked role in the account", fix)
    return ", ".join(SERVICES_WITH_OWN_ROLE)


def services_without_role(aws: Aws) -> list[str]:
    """Return the services whose service-linked role does not exist."""
    iam = aws.client("iam")
    return [
        service
        for service in SERVICES_WITH_OWN_ROLE
        if not iam.list_roles(PathPrefix=f"/aws-service-role/{service}/")["Roles"]
    ]


@check("node permissions", "instance profile", "bucket")
def node_permissions(deployment: Deployment) -> str:
    bucket = f"arn:aws:s3:::{deployment.settings.bucket}"
    _simulate(
        deployment,
        _node_role(deployment)["Arn"],
        [
            (["s3:ListBucket"], bucket, {}),
            (["s3:GetObject"], f"{bucket}/jobs/bootstrap.sh", {}),
            (["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], f"{bucket}/processed/file", {}),
            (["s3:PutObject"], f"{bucket}/logs/file", {}),
            *_on_log_streams(deployment, "CreateLogStream", "PutLogEvents"),
        ],
        f"allow it to {_name(deployment.settings.instance_profile)}, or {DEPLOY}",
    )
    return "read and write the bucket"


@check("caller permissions", "service role", "instance profile", "bucket", "workgroup")
def caller_permissions(deployment: Deployment) -> str:
    settings, arn = deployment.settings, _caller(deployment)
    bucket, place = f"arn:aws:s3:::{settings.bucket}", f"{deployment.aws.region}:{deployment.aws.account}"
    queries = (
        "BatchGetQueryExecution",
        "GetQueryExecution",
        "GetQueryResults",
        "StartQueryExecution",
        "StopQueryExecution",
    )
    wanted: list[Wanted] = [
        *_on_clusters(deployment, place),
        *(_on_applications(deployment, place) if settings.job_role else []),
        (
            [f"athena:{action}" for action in queries],
            f"arn:aws:athena:{place}:workgroup/{settings.workgroup}",
            {},
        ),
        (["glue:GetTable"], f"arn:aws:glue:{place}:catalog", {}),
        (["s3:ListBucket"], bucket, {}),
        (["s3:GetObject"], f"{bucket}/raw/file", {}),
        (["s3:PutObject"], f"{bucket}/jobs/file", {}),
        *_on_log_streams(deployment, "GetLogEvents"),
    ]
    if settings.alert_topic_arn:
        wanted.append((["sns:Publish"], settings.alert_topic_arn, {}))
    fix = "attach the output CallerPolicy of the stack to the role of Airflow"
    return f"{_simulate(deployment, arn, wanted, fix)} actions are allowed to {arn}"


def _on_clusters(deployment: Deployment, place: str) -> list[Wanted]:
    """Return the actions on clusters of EMR on EC2; ``place`` is the region and the account."""
    tags = _tags_in_requests(deployment)
    create = ("RunJobFlow", "AddTags", "ListClusters")
    use = (
        "AddJobFlowSteps",
        "CancelSteps",
        "CreatePersistentAppUI",
        "DescribeCluster",
        "DescribePersistentAppUI",
        "DescribeStep",
        "GetPersistentAppUIPresignedURL",
        "ListInstances",
        "ListSteps",
        "TerminateJobFlows",
    )
    service_role = deployment.get_role(_name(deployment.settings.service_role))["Arn"]
    return [
        ([f"elasticmapreduce:{action}" for action in create], "*", tags),
        (
            [f"elasticmapreduce:{action}" for action in use],
            f"arn:aws:elasticmapreduce:{place}:cluster/j-EXAMPLE",
            tags,
        ),
        (["iam:PassRole"], service_role, {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}),
        (["iam:PassRole"], _node_role(deployment)["Arn"], {"iam:PassedToService": "ec2.amazonaws.com"}),
    ]


def _on_applications(deployment: Deployment, place: str) -> list[Wanted]:
    """Return the actions on applications of EMR Serverless."""
    tags, application = (
        _tags_in_requests(deployment),
        f"arn:aws:emr-serverless:{place}:/applications/EXAMPLE",
    )
    create = ("CreateApplication", "ListApplications", "TagResource")
    use = (
        "DeleteApplication",
        "GetApplication",
        "ListJobRuns",
        "StartApplication",
        "StartJobRun",
        "StopApplication",
    )
    return [
        ([f"emr-serverless:{action}" for action in create], "*", tags),
        ([f"emr-serverless:{action}" for action in use], application, tags),
        (
            [f"emr-serverless:{action}" for action in ("CancelJobRun", "GetDashboardForJobRun", "GetJobRun")],
            f"{application}/jobruns/EXAMPLE",
            tags,
        ),
        (
            ["iam:PassRole"],
            deployment.settings.job_role,
            {"iam:PassedToService": "emr-serverless.amazonaws.com"},
        ),
    ]


def _tags_in_requests(deployment: Deployment) -> dict[str, str]:
    """Return the context keys of the tags in a request, and of those of the cluster."""
    project = deployment.settings.project
    return {
        "aws:RequestTag/project": project,
        "aws:ResourceTag/project": project,
        f"aws:RequestTag/{EMR_TAG}": "true",
    }


def _on_log_streams(deployment: Deployment, *actions: str) -> list[Wanted]:
    """Return the actions on the streams of the log group; none if the setting is empty."""
    group, aws = deployment.settings.log_group, deployment.aws
    streams = f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{group}:log-stream:/steps/s-EXAMPLE/stdout"
    return [([f"logs:{action}" for action in actions], streams, {})] if group else []


def _caller(deployment: Deployment) -> str:
    """Return the ARN of the caller's user or role: a session of a role has another ARN."""
    arn = deployment.caller or deployment.aws.identity["Arn"]
    if ":assumed-role/" in arn:
        role: str = deployment.client("iam").get_role(RoleName=arn.split("/")[1])["Role"]["Arn"]
        return role
    if ":iam:" not in arn or arn.endswith(":root"):
        raise NotChecked(f"{arn} is not a user or role of IAM: name Airflow's role with --caller")
    return arn


def _node_role(deployment: Deployment) -> dict[str, Any]:
    name = _name(deployment.settings.instance_profile)
    with expect("NoSuchEntity", f"the instance profile {name} does not exist", DEPLOY):
        profile = deployment.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    if not profile["Roles"]:
        raise Failed(f"the instance profile {name} has no role", DEPLOY)
    role: dict[str, Any] = profile["Roles"][0]
    return role


def _check_trust(role: dict[str, Any], service: str) -> None:
    """Raise Failed if the service may not assume the role."""
    statements = role["AssumeRolePolicyDocument"].get("Statement", [])
    services: list[str] = []
    for statement in statements if isinstance(statements, list) else [statements]:
        found = statement.get("Principal", {}).get("Service", [])
        if statement.get("Effect") == "Allow":
            services += [found] if isinstance(found, str) else found
    if not any(found.removesuffix(".cn") == service for found in services):
        fix = f"add {service} to the trust policy of {role['RoleName']}, or {DEPLOY}"
        raise Failed(f"{service} may not assume {role['RoleName']}", fix)


def _simulate(deployment: Deployment, arn: str, wanted: list[Wanted], fix: str) -> int:
    """Return the number of actions, on resources and with context keys, that ``arn`` may do. Raises Failed."""
    pages = deployment.client("iam").get_paginator("simulate_principal_policy")
    results = [
        result
        for actions, resource, context in wanted
        for page in pages.paginate(
            PolicySourceArn=arn,
            ActionNames=actions,
            ResourceArns=[resource],
            ContextEntries=[
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in context.items()
            ],
        )
        for result in page["EvaluationResults"]
    ]
    if denied := [r["EvalActionName"] for r in results if r["EvalDecision"] != "allowed"]:
        raise Failed(f"{arn} may not do {', '.join(denied)}", fix)
    return len(results)


def _name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


CHECKS = (
    service_role,
    instance_profile,
    job_role,
    service_linked_roles,
    node_permissions,
    caller_permissions,
)
