"""The bucket, the Athena workgroup, the Glue database and the topic."""

from __future__ import annotations

from typing import Any

from emr_pipeline.cli.checks.check import DEPLOY, Deployment, Failed, NotChecked, check, expect


@check("bucket", "credentials")
def bucket(deployment: Deployment) -> str:
    name, region = deployment.settings.bucket, deployment.aws.region
    s3 = deployment.client("s3")
    with expect("404", f"s3://{name} does not exist", DEPLOY):
        s3.head_bucket(Bucket=name)
    # AWS reports us-east-1 as no location.
    found = s3.get_bucket_location(Bucket=name)["LocationConstraint"] or "us-east-1"
    if found != region:
        fix = f"set AWS_DEFAULT_REGION={found}, or use a bucket in {region}"
        raise Failed(f"s3://{name} is in {found}, not in {region}", fix)
    return f"s3://{name} in {region}"


@check("bucket public access", "bucket")
def bucket_public_access(deployment: Deployment) -> str:
    name = deployment.settings.bucket
    fix = f"`aws s3api put-public-access-block --bucket {name}` with all four settings, or {DEPLOY}"
    with expect("NoSuchPublicAccessBlock", f"s3://{name} does not block public access", fix):
        block = deployment.client("s3").get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    if off := [setting for setting, on in block.items() if not on]:
        raise Failed(f"{', '.join(off)} of s3://{name} is off", fix)
    return "blocked"


@check("bucket encryption", "bucket")
def bucket_encryption(deployment: Deployment) -> str:
    name, fix = (
        deployment.settings.bucket,
        f"set a KMS key as the default encryption of the bucket, or {DEPLOY}",
    )
    with expect("EncryptionConfigurationNotFound", f"s3://{name} has no default encryption", fix):
        found = deployment.client("s3").get_bucket_encryption(Bucket=name)[
            "ServerSideEncryptionConfiguration"
        ]
    default = found["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    if default["SSEAlgorithm"] != "aws:kms":
        raise Failed(f"s3://{name} is encrypted with {default['SSEAlgorithm']}, not with a KMS key", fix)
    return str(default.get("KMSMasterKeyID", "the key aws/s3"))


def _workgroup(deployment: Deployment) -> dict[str, Any]:
    name = deployment.settings.workgroup
    with expect("is not found", f"the workgroup {name} does not exist", DEPLOY):
        group: dict[str, Any] = deployment.client("athena").get_work_group(WorkGroup=name)["WorkGroup"]
    return group


@check("workgroup", "credentials")
def workgroup(deployment: Deployment) -> str:
    group = _workgroup(deployment)
    if group["State"] != "ENABLED":
        fix = f"`aws athena update-work-group --work-group {group['Name']} --state ENABLED`"
        raise Failed(f"the workgroup {group['Name']} is {group['State']}", fix)
    return str(group["Name"])


@check("workgroup results", "workgroup", "bucket")
def workgroup_results(deployment: Deployment) -> str:
    configuration = _workgroup(deployment)["Configuration"]
    found, wanted = configuration["ResultConfiguration"].get("OutputLocation", ""), deployment.settings.s3("")
    if configuration["EnforceWorkGroupConfiguration"] and not found.startswith(wanted):
        raise Failed(
            f"results are written to {found or 'no folder'}", f"set a folder of {wanted}, or {DEPLOY}"
        )
    return found or "chosen by the DAG"


@check("workgroup limit", "workgroup")
def workgroup_limit(deployment: Deployment) -> str:
    limit = _workgroup(deployment)["Configuration"].get("BytesScannedCutoffPerQuery")
    if not limit:
        fix = f"set BytesScannedCutoffPerQuery, or {DEPLOY}"
        raise Failed("a query may scan, and cost, without limit", fix)
    return f"{limit / 1e9:g} GB per query"


@check("database", "credentials")
def database(deployment: Deployment) -> str:
    name = deployment.settings.database
    with expect("EntityNotFound", f"the Glue database {name} does not exist", DEPLOY):
        deployment.client("glue").get_database(Name=name)
    return name


@check("alert topic", "credentials")
def alert_topic(deployment: Deployment) -> str:
    arn = deployment.settings.alert_topic_arn
    if not arn:
        raise NotChecked("EMR_PIPELINE_ALERT_TOPIC_ARN is empty: alerts are only logged")
    with expect("NotFound", f"the topic {arn} does not exist", DEPLOY):
        attributes = deployment.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    pending = int(attributes.get("SubscriptionsPending", 0))
    if pending and not int(attributes.get("SubscriptionsConfirmed", 0)):
        raise Failed("no subscription is confirmed", "click the link in the e-mail that AWS has sent")
    return f"{attributes.get('SubscriptionsConfirmed', 0)} confirmed subscriptions"


@check("log group", "credentials")
def log_group(deployment: Deployment) -> str:
    name = deployment.settings.log_group
    if not name:
        raise NotChecked("EMR_PIPELINE_LOG_GROUP is empty: tasks do not show the logs of running steps")
    found = deployment.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    group = next((each for each in found if each["logGroupName"] == name), None)
    if group is None:
        raise Failed(f"the log group {name} does not exist", f"{DEPLOY} with --parameter LiveLogs=true")
    if "retentionInDays" not in group:
        command = f"aws logs put-retention-policy --log-group-name {name} --retention-in-days 30"
        raise Failed(f"the log group {name} keeps its logs forever", f"`{command}`")
    return f"{name}, kept for {group['retentionInDays']} days"


CHECKS = (
    bucket,
    bucket_public_access,
    bucket_encryption,
    workgroup,
    workgroup_results,
    workgroup_limit,
    database,
    alert_topic,
    log_group,
)
