"""``emr-pipeline undeploy``: delete the AWS resources; the data stays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emr_pipeline.cli import console, settings_file
from emr_pipeline.cli.aws import Aws
from emr_pipeline.cli.console import CommandError
from emr_pipeline.cli.deploy import STACKS, Project, Templates, change_table, default_project, stack_name
from emr_pipeline.cli.stacks import Change, Stack
from emr_pipeline.settings import PREFIX
from emr_pipeline.targets.emr_ec2.cluster import LIVE_STATES
from emr_pipeline.targets.emr_serverless.target import EmrServerless

RETAINED = ("AWS::S3::Bucket", "AWS::KMS::Key")
"""The types of the resources that the templates retain."""

EMR_OWN_PORT = 9443
"""The port of the one rule between the security groups that belongs to the template."""


def undeploy(
    project: Project = "",
    templates: Templates = Path("infra"),
    settings: console.SettingsFile = console.DEFAULT_SETTINGS_FILE,
    yes: console.Yes = False,
    json_output: console.Json = False,
) -> None:
    """Delete the stacks and the settings file. The bucket with all data and its key are kept.

    It does nothing while a cluster or an application of the project is alive.
    """
    aws, output = Aws(), console.console(json_output)
    project = project or default_project(aws, templates)
    names = [stack_name(project, name) for name in reversed(STACKS)]
    stacks = [stack for name in names if (stack := Stack(aws.client("cloudformation"), name)).describe()]
    _refuse_while_alive(aws, project)
    resources = {stack.name: stack.resources() for stack in stacks}
    outputs = Stack(aws.client("cloudformation"), stack_name(project, "storage")).outputs
    kept = [f"{name} {outputs[name]['OutputValue']}" for name in ("Bucket", "KeyArn") if name in outputs]
    output.print(f"Project {project} in {aws}")
    for name, found in resources.items():
        output.print(change_table(name, list(map(_change, found))))
    if not stacks:
        output.print(f"There is no stack of {project}: nothing to delete")
    else:
        console.confirm(f"Delete {' and '.join(resources)}?", yes=yes)
    for stack in stacks:
        _revoke_rules_of_emr(aws, stack)
        stack.delete(lambda line: output.print(f"  {line}"))
    for each in kept:
        output.print(f"Kept: {each}")
    if stacks and settings_file.variables(settings).get(f"{PREFIX}PROJECT") == project:
        settings.unlink(missing_ok=True)
    if json_output:
        console.print_json({"deleted": list(resources), "kept": kept})


def _refuse_while_alive(aws: Aws, project: str) -> None:
    """Raise CommandError if a cluster or an application of the project is alive."""
    if alive := live_clusters(aws, project):
        raise CommandError(
            f"Clusters of {project} are alive: {', '.join(alive)}. Wait for their runs, or terminate them with "
            f"`aws emr terminate-clusters --cluster-ids {' '.join(alive)}`",
            exit_code=1,
        )
    if alive := live_applications(aws, project):
        raise CommandError(
            f"Applications of {project} on EMR Serverless are alive: {', '.join(alive)}. Wait for their runs, or "
            "cancel their job runs in EMR Studio and stop them with `aws emr-serverless stop-application "
            f"--application-id {alive[0]}`",
            exit_code=1,
        )


def _change(resource: Mapping[str, Any]) -> Change:
    type_name = resource["ResourceType"]
    return Change("kept" if type_name in RETAINED else "removed", resource["LogicalResourceId"], type_name)


def live_clusters(aws: Aws, project: str) -> list[str]:
    """Return the ids of the clusters with the tag ``project`` that have not ended."""
    emr = aws.client("emr")
    states = [*LIVE_STATES, "TERMINATING"]
    pages = emr.get_paginator("list_clusters").paginate(ClusterStates=states)
    ids = [cluster["Id"] for page in pages for cluster in page["Clusters"]]
    tag = {"Key": "project", "Value": project}
    return [each for each in ids if tag in emr.describe_cluster(ClusterId=each)["Cluster"]["Tags"]]


def live_applications(aws: Aws, project: str) -> list[str]:
    """Return the ids of the applications of EMR Serverless with the tag ``project`` that have not stopped."""
    emr = EmrServerless(aws)
    ids = [application.cluster_id for application in emr.live_clusters()]
    return [each for each in ids if emr.tags(each).get("project") == project]


def _revoke_rules_of_emr(aws: Aws, stack: Stack) -> None:
    """Revoke the rules that EMR added: a group that another one refers to cannot be deleted.

    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-man-sec-groups.html
    """
    ec2 = aws.client("ec2")
    groups = [
        r["PhysicalResourceId"] for r in stack.resources() if r["ResourceType"] == "AWS::EC2::SecurityGroup"
    ]
    if not groups:
        return
    for group in ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"]:
        for rules, revoke in (
            (group["IpPermissions"], ec2.revoke_security_group_ingress),
            (group["IpPermissionsEgress"], ec2.revoke_security_group_egress),
        ):
            own = [r for r in rules if r["UserIdGroupPairs"] and r.get("FromPort") != EMR_OWN_PORT]
            if own:
                revoke(GroupId=group["GroupId"], IpPermissions=own)
