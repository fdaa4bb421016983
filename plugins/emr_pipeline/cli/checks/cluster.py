"""What the request of a cluster names: release, security configuration, nodes; and what the nodes install."""

from __future__ import annotations

import json
from typing import Any

from emr_pipeline.cli.checks.check import DEPLOY, Deployment, Failed, NotChecked, check, expect
from emr_pipeline.cli.checks.network import has_internet
from emr_pipeline.cli.wheels import ARCHITECTURES
from emr_pipeline.specs import INSTANCE_TYPES

ON_DEMAND_QUOTA, SPOT_QUOTA = "L-1216C47A", "L-34B43A08"
"""vCPUs of standard instances, which include Graviton (M6g, M7g):
https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html"""


@check("release label", "credentials")
def release_label(deployment: Deployment) -> str:
    label, emr, labels, token = deployment.cluster.release_label, deployment.client("emr"), set[str](), ""
    while True:
        page = emr.list_release_labels(**({"NextToken": token} if token else {}))
        labels |= set(page["ReleaseLabels"])
        if not (token := page.get("NextToken", "")):
            break
    if label not in labels:
        newest = ", ".join(sorted(labels, reverse=True)[:3])
        fix = f"choose another one in the trigger form, such as {newest}"
        raise Failed(f"{label} is not available in {deployment.aws.region}", fix)
    return label


@check("security configuration", "credentials")
def security_configuration(deployment: Deployment) -> str:
    _encryption(deployment)
    return deployment.settings.security_configuration


@check("certificate", "security configuration", "bucket")
def certificate(deployment: Deployment) -> str:
    encryption = _encryption(deployment)
    if not encryption.get("EnableInTransitEncryption"):
        raise NotChecked("encryption in transit is off")
    uri = encryption["InTransitEncryptionConfiguration"]["TLSCertificateConfiguration"].get("S3Object", "")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    with expect("404", f"{uri} does not exist", "run `emr-pipeline deploy --renew-certificate`"):
        deployment.client("s3").head_object(Bucket=bucket, Key=key)
    return str(uri)


def _encryption(deployment: Deployment) -> dict[str, Any]:
    """Return the encryption settings of the security configuration."""
    name = deployment.settings.security_configuration
    if not name:
        raise NotChecked(
            "EMR_PIPELINE_SECURITY_CONFIGURATION is empty: disks and connections are not encrypted"
        )
    with expect("does not exist", f"the security configuration {name} does not exist", DEPLOY):
        found = deployment.client("emr").describe_security_configuration(Name=name)
    encryption: dict[str, Any] = json.loads(found["SecurityConfiguration"]).get("EncryptionConfiguration", {})
    return encryption


@check("block public access", "credentials")
def block_public_access(deployment: Deployment) -> str:
    """Security Hub's control EMR.2."""
    found = deployment.client("emr").get_block_public_access_configuration()["BlockPublicAccessConfiguration"]
    if not found["BlockPublicSecurityGroupRules"]:
        fix = "turn on EMR's block public access for this region in the EMR console"
        raise Failed("EMR starts clusters with open security groups", fix)
    return "on"


@check("node types", "credentials")
def node_types(deployment: Deployment) -> str:
    architecture = deployment.settings.architecture
    wanted = INSTANCE_TYPES[architecture]
    offered = deployment.client("ec2").describe_instance_type_offerings(
        LocationType="region", Filters=[{"Name": "instance-type", "Values": list(wanted)}]
    )["InstanceTypeOfferings"]
    if missing := sorted(set(wanted) - {each["InstanceType"] for each in offered}):
        others = " or ".join(set(INSTANCE_TYPES) - {architecture})
        fix = f"set EMR_PIPELINE_ARCHITECTURE to {others}, or name the types in ClusterSpec"
        raise Failed(f"{deployment.aws.region} has no {', '.join(missing)}", fix)
    return f"{architecture}: {', '.join(wanted)}"


@check("On-Demand quota", "credentials")
def on_demand_quota(deployment: Deployment) -> str:
    cluster = deployment.cluster
    nodes = 1 + cluster.core_nodes - round(cluster.core_nodes * cluster.spot_share)
    return _check_quota(deployment, ON_DEMAND_QUOTA, nodes)


@check("Spot quota", "credentials")
def spot_quota(deployment: Deployment) -> str:
    cluster = deployment.cluster
    nodes = round(cluster.core_nodes * cluster.spot_share) + cluster.task_nodes
    if not nodes:
        raise NotChecked("the cluster has no Spot nodes: use --spot-share or --task-nodes")
    return _check_quota(deployment, SPOT_QUOTA, nodes)


def _check_quota(deployment: Deployment, code: str, nodes: int) -> str:
    types = list(INSTANCE_TYPES[deployment.settings.architecture])
    found = deployment.client("ec2").describe_instance_types(InstanceTypes=types)["InstanceTypes"]
    wanted = nodes * max(each["VCpuInfo"]["DefaultVCpus"] for each in found)
    response = deployment.client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=code)
    quota = int(response["Quota"]["Value"])
    if wanted > quota:
        fix = (
            f"`aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {code} "
            f"--desired-value {wanted}`, or choose fewer nodes"
        )
        raise Failed(f"{nodes} nodes need {wanted} vCPUs, the quota is {quota}", fix)
    return f"{wanted} of {quota} vCPUs; other instances of the account are not counted"


@check("numpy", "bucket")
def numpy(deployment: Deployment) -> str:
    found = deployment.client("s3").list_objects_v2(Bucket=deployment.settings.bucket, Prefix="wheels/numpy-")
    wheels = [item["Key"] for item in found.get("Contents", [])]
    missing = [a for a in ARCHITECTURES if not any(key.endswith(f"{a}.whl") for key in wheels)]
    if not missing:
        return f"wheels in {deployment.settings.s3('wheels')}"
    if all(has_internet(deployment, subnet) for subnet in deployment.subnets):
        return "PyPI"
    fix = f"{DEPLOY} --wheels FOLDER" if wheels else DEPLOY
    raise Failed(f"{deployment.settings.s3('wheels')} has no wheel for {' and '.join(missing)}", fix)


CHECKS = (
    release_label,
    security_configuration,
    certificate,
    block_public_access,
    node_types,
    on_demand_quota,
    spot_quota,
    numpy,
)
