"""The policies of ``infra/emr.yaml`` allow what the recorded runs need, and nothing else without a reason.

``make permissions`` records the runs again and evaluates the same with another evaluator.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from emr_pipeline.cli.checks import roles
from emr_pipeline.cli.checks.check import Check
from emr_pipeline.settings import Settings
from localaws.iam.policies import Decision, evaluate, parse_policy
from tests.infra.needed_permissions import (
    ACCOUNT,
    REGION,
    ROLES,
    ROOT,
    TOPIC,
    VALUES,
    Grant,
    Needed,
    grants,
    policy,
    recorded,
)

PAGE = ROOT / "docs/permissions.md"

BY_EMR = "EMR's agent on the nodes encrypts the disks: emr-encryption-enable in the EMR Management Guide"
UNUSED = {
    ("NodeRole", "UseKey", "kms:Encrypt"): BY_EMR,
    ("NodeRole", "UseKey", "kms:ReEncrypt*"): BY_EMR,
    ("NodeRole", "UseKey", "kms:DescribeKey"): BY_EMR,
}
"""The grants that no recorded run needs, each with its reason."""


def denied(role: str, document: dict[str, object]) -> list[Needed]:
    statements = parse_policy(document)
    mine = [one for one in recorded() if one.role == role]
    return [one for one in mine if evaluate(statements, one.permission) is not Decision.ALLOWED]


def is_unused(grant: Grant) -> bool:
    return (grant.role, grant.sid, grant.value) in UNUSED


@pytest.mark.parametrize("role", ROLES)
def test_nothing_that_the_runs_need_is_missing(role: str) -> None:
    assert [str(one) for one in denied(role, policy(role))] == []


@pytest.mark.parametrize("grant", [one for one in grants() if not is_unused(one)], ids=str)
def test_without_one_grant_a_run_is_denied(grant: Grant) -> None:
    assert denied(grant.role, grant.without())


def test_the_grants_with_a_reason_exist_and_are_unused() -> None:
    assert {(one.role, one.sid, one.value) for one in grants() if is_unused(one)} == UNUSED.keys()
    for grant in filter(is_unused, grants()):
        assert not denied(grant.role, grant.without()), grant


@pytest.mark.parametrize("role", ["CallerPolicy", "JobRole"])
def test_certificates_are_denied_to_all_but_the_nodes(role: str) -> None:
    secret = Needed(role, "s3:GetObject", "arn:aws:s3:::beverage-lake/certificates/emr.zip")
    assert evaluate(parse_policy(policy(role)), secret.permission) is Decision.EXPLICITLY_DENIED


@pytest.mark.parametrize(
    ("role", "title"),
    [
        ("CallerPolicy", "What Airflow needs"),
        ("JobRole", "What jobs on EMR Serverless need"),
        ("NodeRole", "What the nodes need"),
    ],
)
def test_the_page_lists_all_actions(role: str, title: str) -> None:
    section = PAGE.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    listed = re.findall(r"`([a-z0-9-]+:[A-Z]\w+\*?)`", section)
    assert set(listed) == {
        grant.value for grant in grants() if (grant.role, grant.element) == (role, "Action")
    }


@pytest.mark.parametrize(
    ("check", "role"), [(roles.caller_permissions, "CallerPolicy"), (roles.node_permissions, "NodeRole")]
)
def test_doctor_finds_all_that_it_checks_in_the_policies(
    check: Check, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Needed] = []

    def simulate(_: object, __: str, wanted: list[tuple[list[str], str, dict[str, str]]], ___: str) -> int:
        for actions, resource, context in wanted:
            given = tuple(sorted(context.items()))
            checked.extend(Needed(role, action, resource, given) for action in actions)
        return len(checked)

    monkeypatch.setattr(roles, "_simulate", simulate)
    names = {name: VALUES[name.capitalize()] for name in ("bucket", "project", "database")}
    settings = Settings(
        **names, alert_topic_arn=TOPIC, job_role=VALUES["JobRole.Arn"], log_group=VALUES["LogGroup"]
    )
    profile = {"InstanceProfile": {"Roles": [{"Arn": VALUES["NodeRole.Arn"]}]}}
    iam = SimpleNamespace(get_instance_profile=lambda **_: profile)
    deployment = SimpleNamespace(
        settings=settings,
        aws=SimpleNamespace(region=REGION, account=ACCOUNT),
        caller=f"arn:aws:iam::{ACCOUNT}:role/airflow",
        client=lambda _: iam,
        get_role=lambda _: {"Arn": VALUES["ServiceRole.Arn"]},
    )
    check.function(deployment)  # type: ignore[arg-type]
    statements = parse_policy(policy(role))
    denied = [str(one) for one in checked if evaluate(statements, one.permission) is not Decision.ALLOWED]
    assert checked
    assert denied == []
