"""Functions, conditions and parameters, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.cloudformation.intrinsics import Scope, Unknown, is_unknown
from localaws.cloudformation.template import Template
from localaws.protocol import AwsError


def attribute(name: str, attribute: str) -> str:
    return Unknown(f"{name}?") if name == "New" else f"{name}-{attribute or 'id'}"


SCOPE = Scope(
    names={"AWS::Region": "eu-central-1", "Project": "p", "Names": ["a", "b"], "Cidr": "10.67.0.0/24"},
    mappings={"Sizes": {"eu-central-1": {"small": 1}}},
    conditions={"Yes": {"Fn::Equals": [{"Ref": "Project"}, "p"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]}},
    zones=lambda region: [f"{region}a", f"{region}b"],
    attribute=attribute,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Bucket"}, "Bucket-id"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "Bucket-Arn"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "Bucket-Arn"),
        (
            {"Fn::Sub": "${Project}:${Bucket.Arn}/*:${!aws:username}:$$${Project}"},
            "p:Bucket-Arn/*:${aws:username}:$$p",
        ),
        ({"Fn::Sub": ["${Project}-${Suffix}", {"Suffix": {"Fn::If": ["No", 1, 2]}}]}, "p-2"),
        ({"Fn::Join": [",", {"Ref": "Names"}]}, "a,b"),
        ({"Fn::Select": [1, {"Fn::Split": ["-", "x-y"]}]}, "y"),
        ({"Fn::Cidr": [{"Ref": "Cidr"}, 2, 7]}, ["10.67.0.0/25", "10.67.0.128/25"]),
        ({"Fn::GetAZs": ""}, ["eu-central-1a", "eu-central-1b"]),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, 1),
        ({"a": {"Fn::If": ["Yes", {"Ref": "AWS::NoValue"}, "b"]}, "c": [{"Ref": "AWS::NoValue"}]}, {"c": []}),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}},) * 2,
    ],
)
def test_functions_return_what_is_documented(value: Any, expected: Any) -> None:
    assert SCOPE.resolve(value) == expected


def test_a_text_with_an_unknown_value_is_unknown() -> None:
    assert is_unknown(SCOPE.resolve({"a": [{"Fn::Sub": "x-${New}"}]}))
    assert is_unknown(SCOPE.resolve({"Fn::Select": [0, {"Fn::Cidr": [{"Ref": "New"}, 2, 7]}]}))
    assert not is_unknown(SCOPE.resolve({"Fn::Sub": "x-${Old}"}))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::ImportValue": "x"}, "not supported by the local AWS: the function Fn::ImportValue"),
        ({"Fn::If": ["Maybe", 1, 2]}, "Unresolved condition dependency Maybe"),
        ({"Fn::Select": [2, ["a"]]}, "cannot select nonexistent value at index 2"),
        ({"Fn::Cidr": ["10.0.0.0/28", 4, 7]}, "Fn::Cidr of 10.0.0.0/28"),
        ({"Fn::Join": "x"}, "the arguments of Fn::Join are not valid: x"),
        ({"Ref": "AWS::NotificationARNs"}, "the pseudo parameter AWS::NotificationARNs"),
    ],
)
def test_invalid_functions_are_refused(value: Any, message: str) -> None:
    with pytest.raises(AwsError, match="ValidationError") as refused:
        SCOPE.resolve(value)
    assert message in refused.value.message


def test_a_condition_cannot_refer_to_a_resource() -> None:
    with pytest.raises(AwsError, match="Cannot reference resources in the Conditions block"):
        SCOPE.holds({"Fn::Equals": [{"Ref": "Bucket"}, "x"]})


TEMPLATE = """
Parameters:
  Name: {Type: String, AllowedPattern: "[a-z]+", ConstraintDescription: only a-z}
  Days: {Type: Number, Default: 5, MinValue: 1}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: 2012-10-17}, RoleName: !Sub "${Name}-role"}
"""


def test_yaml_has_short_forms_and_dates_are_texts() -> None:
    assert Template.parse(TEMPLATE).resources["Role"]["Properties"] == {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17"},
        "RoleName": {"Fn::Sub": "${Name}-role"},
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Parameters: [Name] must have values"),
        ({"Name": "a", "Other": "b"}, "Parameters: [Other] do not exist in the template"),
        ({"Name": "A"}, "Parameter 'Name' failed to satisfy constraint: only a-z"),
        (
            {"Name": "a", "Days": "0"},
            "Parameter 'Days' failed to satisfy constraint: Member must have value >= 1",
        ),
        ({"Name": "a", "Days": "many"}, "Member must be a number"),
    ],
)
def test_parameters_that_violate_a_constraint_are_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(AwsError) as refused:
        Template.parse(TEMPLATE).parameter_values(given)
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a: [", "YAML not well-formed"),
        ("Description: x", "At least one Resources member must be defined"),
        ("Resources: {A: {Properties: {}}}", "must contain a Type member"),
        ("Resources: {A: {Type: T, DependsOn: B}}", "Unresolved resource dependencies [B]"),
        (
            "{Parameters: [], Resources: {A: {Type: T}}, Outputs: {B: {}}}",
            "Every Outputs member must contain",
        ),
        ("{Transform: AWS::Serverless-2016-10-31, Resources: {A: {Type: T}}}", "template sections Transform"),
        ("{Outputs: {A: {Value: x, Export: {Name: y}}}, Resources: {A: {Type: T}}}", "output A Export"),
        ("Resources: {A: {Type: T, DeletionPolicy: Snapshot}}", "DeletionPolicy Snapshot of resource A"),
        ("{Parameters: {V: {Type: 'AWS::EC2::VPC::Id'}}, Resources: {A: {Type: T}}}", "parameter V of type"),
    ],
)
def test_parts_of_a_template_that_are_not_supported_are_refused(body: str, message: str) -> None:
    with pytest.raises(AwsError, match="ValidationError") as refused:
        Template.parse(body)
    assert message in refused.value.message
