"""The permissions that recorded runs need, and those that the policies in ``infra/emr.yaml`` grant.

The file ``needed_permissions.json`` has the permissions of the recorded runs. Names that differ between two runs of the
same kind, such as ids, are replaced, and objects of one folder have one name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint.decode

from localaws.iam.permissions import Permission

JSON = dict[str, Any]
ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_suffix(".json")
ACCOUNT = "123456789012"
REGION = "eu-central-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/KEY"
CONTEXT_KEYS = ("iam:PassedToService", "s3:prefix", "aws:RequestTag/", "aws:ResourceTag/")

ROLES = ("CallerPolicy", "JobRole", "NodeRole")
"""The logical ids of the policies that are tested."""

VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "Project": "sales-segmentation",
    "Bucket": "beverage-lake",
    "Database": "beverage_analytics",
    "WorkGroup": "primary",
    "AlertTopic": TOPIC,
    "KeyArn": KEY,
    "LogGroup": "/emr-pipeline/sales-segmentation",
    "ServiceRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/EMR_DefaultRole",
    "JobRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/spark-jobs",
    "NodeRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/EMR_EC2_DefaultRole",
}
"""The parameters and attributes of the stack with the names of the recorded runs, which are the default settings."""

_REPLACED = {
    r"\bj-[A-Z0-9]{8,}": "j-CLUSTER",
    r"\bs-[A-Z0-9]{8,}": "s-STEP",
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "QUERY",
    r"\bjobs/[0-9a-f]{12}": "jobs/VERSION",
    r"\brun_date=[0-9-]{10}": "run_date=DATE",
    r"\bapplication_\d+_\d+": "APPLICATION",
    r"/applications/[0-9a-z]{16}": "/applications/APPLICATION",
    r"/jobruns/[0-9a-z]{16}": "/jobruns/JOB_RUN",
    r"/jobs/[0-9a-z]{16}/": "/jobs/JOB_RUN/",
    r"^raw/.+": "raw/INPUT",
    r":us-east-1:": f":{REGION}:",
    r"(:s3:::[^/]+/(?:.+/)?)[^/]+$": r"\1file",
}


@dataclass(frozen=True, order=True)
class Needed:
    """A permission that a role needs; ``role`` is the logical id of its policy or role in the template."""

    role: str
    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()

    @property
    def permission(self) -> Permission:
        return Permission(self.action, self.resource, dict(self.context))

    def __str__(self) -> str:
        return f"{self.role} {self.action} {self.resource} {dict(self.context) or ''}".rstrip()


def needed(calls: Iterable[JSON]) -> dict[Needed, set[str]]:
    """Return the permissions that the recorded calls of Airflow need, each with the classes that made the calls.

    A class is an operator. Triggers, pages, alerts and boto3 resources do not have one in their user agent.
    """
    found: dict[Needed, set[str]] = {}
    for call in calls:
        if (
            "AmPP/" not in call["user_agent"]
        ):  # the Amazon provider package of Airflow; others only prepare the run
            continue
        caller = re.search(r"Caller/(\S+Operator)\b", call["user_agent"])
        for role, permission in _of_call(call):
            text = {key: value for key, value in permission.context.items() if key.startswith(CONTEXT_KEYS)}
            context = {key: _replace(value) for key, value in text.items() if not key.endswith("/run_id")}
            one = Needed(
                role, permission.action, _replace(permission.resource), tuple(sorted(context.items()))
            )
            found.setdefault(one, set()).add(caller[1] if caller else "Unknown")
    return found


def read_calls(*files: Path) -> list[JSON]:
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def recorded() -> dict[Needed, list[str]]:
    """Return the permissions in the file, each with the runs and classes that need it."""
    return {
        Needed(one["role"], one["action"], one["resource"], tuple(sorted(one["context"].items()))): one["by"]
        for one in json.loads(FILE.read_text())
    }


def write(permissions: Mapping[Needed, Iterable[str]]) -> None:
    lines = [
        json.dumps(
            {
                "role": one.role,
                "action": one.action,
                "resource": one.resource,
                "context": dict(one.context),
                "by": sorted(by),
            }
        )
        for one, by in sorted(permissions.items())
    ]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def _replace(text: str) -> str:
    for pattern, replacement in _REPLACED.items():
        text = re.sub(pattern, replacement, text)
    return text


def _of_call(call: JSON) -> Iterator[tuple[str, Permission]]:
    """Yield the permissions of the caller and, for clusters and steps, those of the role that runs the jobs."""
    own = [Permission(one["action"], one["resource"], one["context"]) for one in call["permissions"]]
    for permission in own:
        yield from (("CallerPolicy", one) for one in (permission, *of_key(permission)))
    request, role = call["request"], "NodeRole"
    if call["operation"] == "RunJobFlow":
        nodes = list(_of_nodes(request))
    elif call["operation"] == "AddJobFlowSteps":
        arguments = [step["HadoopJarStep"]["Args"] for step in request["Steps"]]
        nodes = [permission for args in arguments for permission in _of_step(args)]
    elif call["operation"] == "CreateApplication":
        role, nodes = "JobRole", list(_of_application(request["monitoringConfiguration"]))
    elif call["operation"] == "StartJobRun":
        role, driver = "JobRole", request["jobDriver"]["sparkSubmit"]
        parameters = driver.get("sparkSubmitParameters", "").split()
        nodes = list(_of_step([*parameters, driver["entryPoint"], *driver["entryPointArguments"]]))
    else:
        nodes = []
    for permission in nodes:
        yield from ((role, one) for one in (permission, *of_key(permission)))


def of_key(permission: Permission) -> Iterator[Permission]:
    """Yield what the default encryption of the bucket and the topic needs.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html (uploads in parts need both),
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    match permission.action:
        case "s3:GetObject":
            yield Permission("kms:Decrypt", KEY)
        case "s3:PutObject" | "sns:Publish":
            yield Permission("kms:GenerateDataKey", KEY)
            yield Permission("kms:Decrypt", KEY)


def _of_nodes(request: JSON) -> Iterator[Permission]:
    """Yield what the nodes of a cluster need before its steps: bootstrap actions and logs.

    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-iam-role-for-ec2.html
    """
    for action in request["BootstrapActions"]:
        script = action["ScriptBootstrapAction"]
        yield from _reads(script["Path"])
        for argument in script["Args"]:
            if argument.startswith("s3://"):
                yield from _reads(f"{argument}/file")
    yield from _writes(f"{request['LogUri'].rstrip('/')}/file")
    live_logs = request.get("MonitoringConfiguration", {}).get("CloudWatchLogConfiguration")
    if live_logs:
        # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-logging-cw.html
        yield from _writes_streams(live_logs["LogGroupName"], "PutRetentionPolicy")


def _of_application(monitoring: JSON) -> Iterator[Permission]:
    """Yield what the role of the jobs needs for the logs of an application.

    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html
    """
    yield from _writes(f"{monitoring['s3MonitoringConfiguration']['logUri'].rstrip('/')}/file")
    if live_logs := monitoring.get("cloudWatchLoggingConfiguration"):
        yield from _writes_streams(live_logs["logGroupName"])


def _writes_streams(group: str, *others: str) -> Iterator[Permission]:
    streams = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:STREAM"
    for action in ("CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents", *others):
        yield Permission(f"logs:{action}", streams)
    yield Permission("logs:DescribeLogGroups")


READ_FLAGS = ("--input", "--py-files")
"""The flags of the jobs whose files are only read; the script itself has no flag."""


def _of_step(arguments: list[str]) -> Iterator[Permission]:
    """Yield what Spark needs for the files that the arguments of a step name."""
    for flag, argument in zip(["", *arguments], arguments, strict=False):
        if not argument.startswith("s3://"):
            continue
        if flag in READ_FLAGS or argument.endswith(".py"):
            yield from _reads(argument)
        else:
            yield from _reads(f"{argument}/file")
            yield from _writes(f"{argument}/file")


def _reads(uri: str) -> Iterator[Permission]:
    """https://hadoop.apache.org/docs/stable/hadoop-aws/tools/hadoop-aws/assumed_roles.html"""
    yield from _on_bucket(uri, "GetBucketLocation", "ListBucket")
    yield Permission("s3:GetObject", uri.replace("s3://", "arn:aws:s3:::"))


def _writes(uri: str) -> Iterator[Permission]:
    """The same page: objects are uploaded in parts, and the files of an earlier run of the date are deleted."""
    yield from _on_bucket(uri, "ListBucketMultipartUploads")
    for action in ("PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"):
        yield Permission(f"s3:{action}", uri.replace("s3://", "arn:aws:s3:::"))


def _on_bucket(uri: str, *actions: str) -> Iterator[Permission]:
    bucket = uri.removeprefix("s3://").partition("/")[0]
    yield from (Permission(f"s3:{action}", f"arn:aws:s3:::{bucket}") for action in actions)


@cache
def _resources() -> JSON:
    decoded, problems = cfnlint.decode.decode(str(ROOT / "infra/emr.yaml"))
    assert not problems
    resources: JSON = json.loads(json.dumps(decoded))["Resources"]
    return resources


def policy(role: str) -> JSON:
    """Return the policy document of one of ``ROLES`` with the names of the recorded runs."""
    properties = _resources()[role]["Properties"]
    document = properties.get("PolicyDocument") or properties["Policies"][0]["PolicyDocument"]
    resolved: JSON = _resolve(document)
    return resolved


def _resolve(value: Any) -> Any:
    match value:
        case {"Ref": name}:
            return VALUES[name]
        case {"Fn::GetAtt": path}:
            return VALUES[".".join(path)]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: VALUES[found[1]], text)
        case dict():
            return {key: _resolve(child) for key, child in value.items()}
        case list():
            return [_resolve(child) for child in value]
    return value


@dataclass(frozen=True)
class Grant:
    """An action or a resource of a statement that allows something; ``element`` is ``Action`` or ``Resource``."""

    role: str
    sid: str
    element: str
    value: str

    def __str__(self) -> str:
        return f"{self.role}.{self.sid}.{self.value}"

    def without(self) -> JSON:
        """Return the policy document without this grant."""
        statements = []
        for statement in policy(self.role)["Statement"]:
            rest = [value for value in _list(statement[self.element]) if value != self.value]
            if statement["Sid"] != self.sid:
                statements.append(statement)
            elif rest:
                statements.append({**statement, self.element: rest})
        return {"Version": "2012-10-17", "Statement": statements}


def grants() -> list[Grant]:
    """Return each action and each resource of the statements that allow something."""
    return [
        Grant(role, statement["Sid"], element, value)
        for role in ROLES
        for statement in policy(role)["Statement"]
        if statement["Effect"] == "Allow"
        for element in ("Action", "Resource")
        for value in _list(statement[element])
    ]


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
