"""``infra/deployer-policy.json`` allows the calls of deploy, doctor, undeploy and CloudFormation."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from emr_pipeline.cli import stacks
from emr_pipeline.cli.app import main
from localaws.iam.permissions import Permission
from localaws.iam.policies import Decision, evaluate, parse_policy
from localaws.testing import LocalAws
from tests.infra.needed_permissions import ROOT, of_key, read_calls

POLICY = json.loads((ROOT / "infra/deployer-policy.json").read_text())
PAGE = (ROOT / "docs/permissions.md").read_text()
ROLE = "sales-segmentation-airflow"
MAX_CHARACTERS = 6144
"""Of a managed policy, without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

READ = "CloudFormation reads the resources of a stack, and the types of its templates declare it"
CHANGE = "an update of the stack with other options changes it"
UNUSED = {
    "athena:ListTagsForResource": READ,
    "budgets:ViewBudget": READ,
    "kms:GetKeyPolicy": READ,
    "kms:GetKeyRotationStatus": READ,
    "kms:List*": READ,
    "logs:ListTagsForResource": READ,
    "sns:List*": READ,
    "emr-serverless:GetApplication": "undeploy reads the tags of live applications",
    "kms:PutKeyPolicy": CHANGE,
    "ec2:AuthorizeSecurityGroupEgress": "AWS::EC2::SecurityGroup declares it",
    "ec2:RevokeSecurityGroupEgress": "undeploy revokes the rules that EMR has added to the security groups",
    "route53:AssociateVPCWithHostedZone": "private DNS names of interface endpoints, by the AWS PrivateLink Guide",
}
"""The actions that no recorded call needs, each with its reason."""


@pytest.fixture(scope="module")
def needed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Permission]]:
    """The permissions of a deployment, its check, a change and its removal."""
    folder = tmp_path_factory.mktemp("deployer")
    for architecture in ("x86_64", "aarch64"):
        name = f"numpy-2.4.6-cp311-cp311-manylinux_2_27_{architecture}.manylinux_2_28_{architecture}.whl"
        with zipfile.ZipFile(folder / name, "w") as wheel:
            wheel.writestr("numpy/__init__.py", "")
    calls = folder / "calls.jsonl"
    with (
        LocalAws("--record-calls", str(calls), "--cluster-seconds", "0", region="eu-central-1") as aws,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        patch.setattr(stacks, "POLL_SECONDS", 0.1)
        patch.chdir(ROOT)
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        aws.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)
        before = len(read_calls(calls))
        settings = ("--settings", str(folder / "settings"))
        options = ("--alert-email", "me@example.com", "--monthly-budget", "100", "--caller-role", ROLE)
        assert main(["deploy", "--yes", "--wheels", str(folder), *options, *settings]) == 0
        # The subscription of the e-mail address is not confirmed, which is a failed check.
        caller = f"arn:aws:iam::123456789012:role/{ROLE}"
        assert main(["doctor", "--spot-share", "0.5", "--caller", caller, *settings]) == 1
        assert main(["deploy", "--yes", "--parameter", "QueryLimitGb=20", *settings]) == 0
        assert main(["undeploy", "--yes", *settings]) == 0
        recorded = [one for call in read_calls(calls)[before:] for one in call["permissions"]]
        own = [Permission(one["action"], one["resource"], one["context"]) for one in recorded]
        yield [each for one in own for each in (one, *of_key(one))]


def denied(document: Any, needed: list[Permission]) -> set[str]:
    statements = parse_policy(document)
    return {
        f"{one.action} {one.resource}" for one in needed if evaluate(statements, one) is not Decision.ALLOWED
    }


def actions(document: Any) -> list[str]:
    return [
        action
        for statement in document["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]


def without(action: str) -> Any:
    statements = [
        {**each, "Action": [one for one in actions({"Statement": [each]}) if one != action]}
        for each in POLICY["Statement"]
    ]
    return {**POLICY, "Statement": [each for each in statements if each["Action"]]}


def test_nothing_that_the_commands_call_is_missing(needed: list[Permission]) -> None:
    assert denied(POLICY, needed) == set()


def test_without_one_action_a_command_is_denied(needed: list[Permission]) -> None:
    unused = {action for action in actions(POLICY) if not denied(without(action), needed)}
    assert unused == UNUSED.keys()


def test_it_fits_into_a_managed_policy() -> None:
    assert len(json.dumps(POLICY, separators=(",", ":"))) <= MAX_CHARACTERS


def test_the_page_names_each_statement() -> None:
    section = PAGE.partition("## What the person who deploys needs\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [
        each["Sid"] for each in POLICY["Statement"]
    ]
