"""Policies are evaluated as AWS does it; ``make permissions`` evaluates the same cases with another evaluator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localaws.iam.permissions import Permission
from localaws.iam.policies import UnsupportedPolicy, evaluate, parse_policy

CASES = json.loads(Path(__file__).with_name("policy_cases.json").read_text())


@pytest.mark.parametrize(("action", "resource", "context", "decision"), CASES["cases"])
def test_the_decision_of_each_case(
    action: str, resource: str, context: dict[str, str], decision: str
) -> None:
    found = evaluate(parse_policy(CASES["policy"]), Permission(action, resource, context))
    assert found.value == decision


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"NotAction": "s3:*"}, "NotAction, which is not supported"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "condition operator IpAddress"),
        ({"Resource": "arn:aws:s3:::${aws:username}/*"}, "which is not supported"),
        ({"Effect": "Maybe"}, "the Effect 'Maybe'"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(changes: dict[str, Any], message: str) -> None:
    statement = {"Sid": "One", "Effect": "Allow", "Action": "s3:*", "Resource": "*"} | changes
    with pytest.raises(UnsupportedPolicy, match=message):
        parse_policy({"Statement": statement})
