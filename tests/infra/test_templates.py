"""The CloudFormation templates are valid and keep the rules of ``infra/rules``; each rule can fail."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cfnlint.api
import cfnlint.decode
import pytest
from cfn_guard_rs import run_checks

INFRA = Path(__file__).parents[2] / "infra"
STACKS = ("storage", "emr", "state-machine")

Template = dict[str, Any]


def with_values(value: Any) -> Any:
    """Return a template without intrinsic functions: every condition holds, a reference is the name it refers to."""
    match value:
        case {"Fn::If": [_, chosen, _]}:
            plain = with_values(chosen)
        case {"Fn::GetAtt": path}:
            plain = ".".join(path)
        case {"Ref": str(text)} | {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), _]}:
            plain = text
        case dict():
            plain = {key: with_values(child) for key, child in value.items()}
        case list():
            plain = [with_values(child) for child in value]
        case _:
            plain = value
    return plain


def template(stack: str) -> Template:
    decoded, problems = cfnlint.decode.decode(str(INFRA / f"{stack}.yaml"))
    assert not problems
    result: Template = with_values(json.loads(json.dumps(decoded)))
    return result


def rules(stack: str) -> dict[str, str]:
    """Return the rules of a stack by name, each with the definitions that stand above all of them."""
    definitions, *texts = re.split(r"(?m)^(?=rule )", (INFRA / f"rules/{stack}.guard").read_text())
    return {text.split()[1]: definitions + text for text in texts}


def holds(stack: str, rule: str, changed: Template) -> bool:
    return bool(run_checks(changed, rules(stack)[rule]).status == "PASS")


@pytest.mark.parametrize("stack", STACKS)
def test_a_template_is_valid(stack: str) -> None:
    path = INFRA / f"{stack}.yaml"
    assert not cfnlint.api.lint(path.read_text(), regions=["eu-central-1", "us-east-1"])


@pytest.mark.parametrize(("stack", "rule"), [(stack, rule) for stack in STACKS for rule in rules(stack)])
def test_a_template_keeps_each_rule(stack: str, rule: str) -> None:
    assert holds(stack, rule, template(stack))


def properties(changed: Template, resource: str) -> Any:
    return changed["Resources"][resource]["Properties"]


def statement(changed: Template, sid: str) -> Any:
    document = properties(changed, "CallerPolicy")["PolicyDocument"]
    return next(each for each in document["Statement"] if each["Sid"] == sid)


def inline(changed: Template, role: str) -> Any:
    return properties(changed, role)["Policies"][0]["PolicyDocument"]["Statement"]


def encryption(changed: Template) -> Any:
    return properties(changed, "SecurityConfiguration")["SecurityConfiguration"]["EncryptionConfiguration"]


def workgroup(changed: Template) -> Any:
    return properties(changed, "WorkGroup")["WorkGroupConfiguration"]


VIOLATIONS: dict[tuple[str, str], Callable[[Template], Any]] = {
    ("storage", "s3_8_block_public_access"): lambda t: properties(t, "Bucket").pop(
        "PublicAccessBlockConfiguration"
    ),
    ("storage", "s3_5_tls_only"): lambda t: t["Resources"].pop("BucketPolicy"),
    ("storage", "s3_17_encrypted_with_a_kms_key"): lambda t: properties(t, "Bucket").pop("BucketEncryption"),
    ("storage", "s3_14_versioned"): lambda t: properties(t, "Bucket").pop("VersioningConfiguration"),
    ("storage", "s3_13_lifecycle"): lambda t: properties(t, "Bucket")["LifecycleConfiguration"]["Rules"].pop(
        2
    ),
    ("storage", "s3_12_no_acls"): lambda t: properties(t, "Bucket").pop("OwnershipControls"),
    ("storage", "data_is_kept"): lambda t: t["Resources"]["Bucket"].update(DeletionPolicy="Delete"),
    ("storage", "athena_1_encrypted_and_enforced"): lambda t: workgroup(t).update(
        EnforceWorkGroupConfiguration=False
    ),
    ("storage", "kms_4_rotation"): lambda t: properties(t, "Key").update(EnableKeyRotation=False),
    ("storage", "sns_1_encrypted"): lambda t: properties(t, "Alerts").pop("KmsMasterKeyId"),
    ("emr", "emr_3_encrypted_at_rest"): lambda t: encryption(t).update(EnableAtRestEncryption=False),
    ("emr", "emr_4_encrypted_in_transit"): lambda t: encryption(t).update(EnableInTransitEncryption=False),
    ("emr", "ct_emr_pr_imdsv2"): lambda t: properties(t, "SecurityConfiguration")["SecurityConfiguration"][
        "InstanceMetadataServiceConfiguration"
    ].update(MinimumInstanceMetadataServiceVersion=1),
    ("emr", "emr_1_no_public_addresses"): lambda t: properties(t, "SubnetB").update(MapPublicIpOnLaunch=True),
    ("emr", "emr_2_no_open_ports"): lambda t: properties(t, "ServiceFromPrimary").update(CidrIp="0.0.0.0/0"),
    ("emr", "tagged_for_the_managed_policy"): lambda t: properties(t, "CoreSecurityGroup")["Tags"].pop(),
    ("emr", "service_role_has_the_second_version"): lambda t: properties(t, "NodeRole").update(
        ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AmazonElasticMapReduceforEC2Role"]
    ),
    ("emr", "roles_are_passed_to_one_service"): lambda t: statement(t, "PassNodeRole").pop("Condition"),
    ("emr", "clusters_are_changed_by_tag_only"): lambda t: statement(t, "UseOwnClusters").pop("Condition"),
    ("emr", "no_wildcard_actions"): lambda t: statement(t, "RunQueries")["Action"].append("athena:*"),
    ("state-machine", "reaper_runs_after_each_unsuccessful_end"): lambda t: properties(t, "ReaperRule")[
        "EventPattern"
    ]["detail"]["status"].remove("ABORTED"),
    ("state-machine", "clusters_are_ended_by_tag_only"): lambda t: inline(t, "ReaperRole")[1].pop(
        "Condition"
    ),
    ("state-machine", "roles_are_assumed_in_this_account_only"): lambda t: properties(t, "RuleRole")[
        "AssumeRolePolicyDocument"
    ]["Statement"][0].pop("Condition"),
    ("state-machine", "no_wildcard_actions"): lambda t: inline(t, "Role")[0].update(Action="athena:*"),
}


@pytest.mark.parametrize(("stack", "rule"), VIOLATIONS)
def test_a_template_that_breaks_a_rule_is_found(stack: str, rule: str) -> None:
    changed = copy.deepcopy(template(stack))
    VIOLATIONS[stack, rule](changed)
    assert not holds(stack, rule, changed)


def test_each_rule_has_a_violation() -> None:
    assert VIOLATIONS.keys() == {(stack, rule) for stack in STACKS for rule in rules(stack)}


def test_the_parameters_of_the_emr_stack_are_outputs_of_the_storage_stack() -> None:
    storage, emr = template("storage"), template("emr")
    outputs = storage["Outputs"].keys()
    assert outputs <= emr["Parameters"].keys()


def test_the_state_machine_takes_its_names_from_the_other_stacks() -> None:
    storage, emr, machine = map(template, STACKS)
    known = storage["Outputs"].keys() | emr["Outputs"].keys()
    parameters = machine["Parameters"].keys()
    assert parameters - known == {"Project", "CodeVersion", "DefinitionVersion"}
    definition = (INFRA / "state-machine.asl.json").read_text()
    substitutions = properties(machine, "StateMachine")["DefinitionSubstitutions"].keys()
    assert {*re.findall(r"\$\{(\w+)\}", definition)} == substitutions
