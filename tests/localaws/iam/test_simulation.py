"""SimulatePrincipalPolicy evaluates the policies of users, groups and roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from tests.localaws.iam.test_policies import CASES

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
DECISIONS = {
    "Allowed": "allowed",
    "ExplicitlyDenied": "explicitDeny",
    "ImplicitlyDenied": "implicitDeny",
}


@pytest.fixture(scope="module")
def arn(local_aws: LocalAws) -> Iterator[str]:
    """A role with the policy of the cases. It is deleted, because EMR checks the roles of requests if IAM has any."""
    iam = local_aws.client("iam")
    role = iam.create_role(RoleName="simulated", AssumeRolePolicyDocument=TRUST)["Role"]
    iam.put_role_policy(RoleName="simulated", PolicyName="cases", PolicyDocument=json.dumps(CASES["policy"]))
    yield str(role["Arn"])
    iam.delete_role_policy(RoleName="simulated", PolicyName="cases")
    iam.delete_role(RoleName="simulated")


def entries(context: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in context.items()
    ]


@pytest.mark.parametrize(("action", "resource", "context", "decision"), CASES["cases"])
def test_the_decision_of_each_case(
    local_aws: LocalAws, arn: str, action: str, resource: str, context: dict[str, str], decision: str
) -> None:
    [result] = local_aws.client("iam").simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries(context)
    )["EvaluationResults"]
    assert (result["EvalActionName"], result["EvalResourceName"]) == (action, resource)
    assert result["EvalDecision"] == DECISIONS[decision]


def test_a_user_has_the_policies_of_its_groups_and_those_of_the_request(local_aws: LocalAws) -> None:
    iam = local_aws.client("iam")
    user = iam.create_user(UserName="simulated")["User"]["Arn"]
    group = iam.create_group(GroupName="simulated")["Group"]["Arn"]
    iam.add_user_to_group(GroupName="simulated", UserName="simulated")
    iam.attach_group_policy(GroupName="simulated", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    more = {"Statement": {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}}
    actions = ["s3:GetObject", "s3:PutObject", "sns:Publish"]
    for source, policies, allowed in (
        (group, [], ["s3:GetObject"]),
        (user, [], ["s3:GetObject"]),
        (user, [json.dumps(more)], ["s3:GetObject", "sns:Publish"]),
    ):
        pages = iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=source,
            ActionNames=actions,
            PolicyInputList=policies,
            PaginationConfig={"PageSize": 2},
        )
        results = [result for page in pages for result in page["EvaluationResults"]]
        assert [result["EvalActionName"] for result in results] == actions
        assert [r["EvalActionName"] for r in results if r["EvalDecision"] == "allowed"] == allowed


def test_condition_keys_that_the_request_does_not_have_are_listed(local_aws: LocalAws, arn: str) -> None:
    [result] = local_aws.client("iam").simulate_principal_policy(
        PolicySourceArn=arn,
        ActionNames=["elasticmapreduce:DescribeCluster"],
        ResourceArns=["arn:aws:elasticmapreduce:eu-central-1:123456789012:cluster/j-CLUSTER"],
        ContextEntries=entries({"aws:ResourceTag/project": "sales"}),
    )["EvaluationResults"]
    assert result["MissingContextValues"] == ["aws:resourcetag/stage"]


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"PolicySourceArn": "arn:aws:iam::123456789012:role/none"}, "NoSuchEntity", "does not exist"),
        ({"PolicyInputList": ["no JSON"]}, "InvalidInput", "is not JSON"),
        ({"CallerArn": "arn:aws:iam::123456789012:user/a"}, "InvalidInput", "local AWS: CallerArn"),
        (
            {"PolicyInputList": ['{"Statement": {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}}']},
            "InvalidInput",
            "NotAction",
        ),
        (
            {
                "ContextEntries": [
                    {
                        "ContextKeyName": "aws:TagKeys",
                        "ContextKeyValues": ["1", "2"],
                        "ContextKeyType": "stringList",
                    }
                ]
            },
            "InvalidInput",
            "the context key aws:TagKeys",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    local_aws: LocalAws, arn: str, changes: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ClientError, match=message) as refused:
        local_aws.client("iam").simulate_principal_policy(
            **{"PolicySourceArn": arn, "ActionNames": ["s3:GetObject"], **changes}
        )
    assert refused.value.response["Error"]["Code"] == code
