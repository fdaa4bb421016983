"""The IAM permissions that an API call needs: actions, resources and condition keys.

The actions, their resource types and condition keys are those of AWS's Service Authorization Reference, by page:
``list_amazonelasticmapreduce``, ``list_amazonemrserverless``, ``list_amazonathena``, ``list_awsglue``,
``list_amazons3``, ``list_amazonsns``, ``list_amazoncloudwatchlogs``, ``list_awsbudgetservice``,
``list_awscloudformation`` and ``list_awsidentityandaccessmanagementiam``, all at https://docs.aws.amazon.com/service-authorization/latest/reference/.
An operation of another service needs the action with its own name on all resources.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from localaws import ACCOUNT
from localaws.iam.permissions import Call, Permission, Resources, glue_permissions, object_arn

CLUSTER_MEMBERS = ("ClusterId", "JobFlowId", "ResourceId")

# The service with the role's permissions, which AWS checks as the condition key iam:PassedToService.
PASSED_TO = {"ServiceRole": "elasticmapreduce.amazonaws.com", "JobFlowRole": "ec2.amazonaws.com"}

SERVERLESS_TAGGED = {"CreateApplication": "/applications/*", "StartJobRun": "/jobruns/*"}
"""The operations of EMR Serverless that set tags, with the end of the resource's path, whose id is not known yet."""

S3_ACTIONS = {
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "ListParts": "ListMultipartUploadParts",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
"""S3's operations whose action has another name: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"""


def needed_permissions(call: Call, resources: Resources) -> list[Permission]:
    """Return the permissions that the call needs, each once; none if its members do not fit the operation."""
    found: list[Permission] = []
    with suppress(AttributeError, KeyError, TypeError):
        for permission in _permissions(call, resources):
            if permission not in found:
                found.append(permission)
    return found


def _permissions(call: Call, resources: Resources) -> Iterator[Permission]:
    match call.service:
        case "elasticmapreduce":
            yield from _emr(call, resources)
        case "emr-serverless":
            yield from _emr_serverless(call, resources)
        case "athena":
            yield from _athena(call, resources)
        case "s3":
            yield from _s3(call)
        case "glue":
            yield from _glue(call)
        case "logs":
            yield _logs(call)
        case "iam":
            yield from _iam(call)
        case "cloudformation":
            stack = call.members.get("StackName", "")
            prefix = f"arn:aws:cloudformation:{call.region}:{ACCOUNT}:stack/"
            arn = stack if stack.startswith("arn:") else f"{prefix}{stack}/*"
            yield Permission(f"cloudformation:{call.operation}", arn if stack else "*")
        case "budgets":
            changes = not call.operation.startswith("Describe")
            yield Permission(f"budgets:{'ModifyBudget' if changes else 'ViewBudget'}")
        case _:
            topic = call.members.get("TopicArn") or call.members.get("TargetArn")
            yield Permission(f"{call.service}:{call.operation}", topic or "*")


def _emr(call: Call, resources: Resources) -> Iterator[Permission]:
    action = f"elasticmapreduce:{call.operation}"
    prefix = f"arn:aws:elasticmapreduce:{call.region}:{ACCOUNT}:cluster/"
    members = call.members
    request_tags = {f"aws:RequestTag/{tag['Key']}": tag.get("Value", "") for tag in members.get("Tags", [])}
    if call.operation == "RunJobFlow":
        yield Permission(action, context=request_tags)
        if request_tags:
            # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-fine-grained-cluster-access.html
            yield Permission("elasticmapreduce:AddTags", f"{prefix}*", request_tags)
        roles = [
            ("ServiceRole", [members.get("ServiceRole", "")]),
            ("JobFlowRole", resources.roles(members.get("JobFlowRole", ""))),
        ]
        for member, names in roles:
            for name in filter(None, names):
                arn = name if name.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:role/{name}"
                yield Permission("iam:PassRole", arn, {"iam:PassedToService": PASSED_TO[member]})
        return
    clusters = [*filter(None, map(members.get, CLUSTER_MEMBERS)), *members.get("JobFlowIds", [])]
    if arn := members.get("TargetResourceArn") or resources.app_ui_target(
        members.get("PersistentAppUIId", "")
    ):
        clusters.append(arn.rpartition("/")[2])
    for cluster_id in clusters:
        tags = {f"aws:ResourceTag/{key}": value for key, value in resources.cluster_tags(cluster_id).items()}
        yield Permission(action, f"{prefix}{cluster_id}", request_tags | tags)
    if not clusters:
        yield Permission(action)


def _emr_serverless(call: Call, resources: Resources) -> Iterator[Permission]:
    action, members = f"emr-serverless:{call.operation}", call.members
    prefix = f"arn:aws:emr-serverless:{call.region}:{ACCOUNT}:"
    request_tags = {f"aws:RequestTag/{key}": value for key, value in members.get("tags", {}).items()}
    path = ""
    if "applicationId" in members:
        path = f"/applications/{members['applicationId']}"
        if "jobRunId" in members:
            path += f"/jobruns/{members['jobRunId']}"
    elif "resourceArn" in members:
        path = members["resourceArn"].split(":", 5)[5]
    tags = {f"aws:ResourceTag/{key}": value for key, value in resources.serverless_tags(path).items()}
    yield Permission(action, f"{prefix}{path}" if path else "*", request_tags | tags)
    if request_tags and call.operation in SERVERLESS_TAGGED:
        # https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/tag-basics.html
        created = f"{prefix}{path}{SERVERLESS_TAGGED[call.operation]}"
        yield Permission("emr-serverless:TagResource", created, request_tags)
    if call.operation == "StartJobRun":
        passed_to = {"iam:PassedToService": "emr-serverless.amazonaws.com"}
        yield Permission("iam:PassRole", members["executionRoleArn"], passed_to)


def _athena(call: Call, resources: Resources) -> Iterator[Permission]:
    action, members = f"athena:{call.operation}", call.members

    def in_workgroup(name: str) -> Permission:
        return Permission(action, f"arn:aws:athena:{call.region}:{ACCOUNT}:workgroup/{name}")

    if call.operation == "StartQueryExecution":
        yield in_workgroup(members.get("WorkGroup", "primary"))
        with suppress(ModuleNotFoundError):  # without the extra ``athena`` the call fails
            from localaws.iam.statements import statement_permissions

            yield from statement_permissions(call, resources)
        return
    executions = [*filter(None, [members.get("QueryExecutionId")]), *members.get("QueryExecutionIds", [])]
    for execution_id in executions:
        workgroup, result = resources.query(execution_id)
        yield in_workgroup(workgroup)
        if call.operation == "GetQueryResults" and result:
            # https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
            yield Permission("s3:GetObject", object_arn(result))
    if not executions:
        name = members.get("WorkGroup") or members.get("Name")
        yield in_workgroup(name) if name else Permission(action)


def _glue(call: Call) -> Iterator[Permission]:
    database = call.members.get("DatabaseName") or call.members.get("DatabaseInput", {}).get("Name", "")
    if "Database" in call.operation:
        database = call.members.get("Name") or database
        table = ""
    else:
        given = call.members.get("TableName") or call.members.get("TableInput", {}).get("Name")
        table = given or call.members.get("Name") or "*"
    yield from glue_permissions([call.operation], call.region, database or "*", table)


def _logs(call: Call) -> Permission:
    """A log stream has its own resource, which only the operations on a stream need."""
    if arn := call.members.get("resourceArn"):
        return Permission(f"logs:{call.operation}", arn)
    group, stream = call.members.get("logGroupName", "*"), call.members.get("logStreamName", "")
    resource = f"arn:aws:logs:{call.region}:{ACCOUNT}:log-group:{group}:log-stream:{stream}"
    return Permission(f"logs:{call.operation}", resource)


def _iam(call: Call) -> Iterator[Permission]:
    """Yield the permission on the role, instance profile or policy that the call names, and iam:PassRole."""
    members, prefix = call.members, f"arn:aws:iam::{ACCOUNT}:"
    role, profile = members.get("RoleName"), members.get("InstanceProfileName")
    if service := members.get("AWSServiceName"):
        arn = f"{prefix}role/aws-service-role/{service}/*"
    elif profile:
        arn = f"{prefix}instance-profile/{profile}"
    elif role:
        arn = f"{prefix}role/{role}"
    elif call.operation == "CreatePolicy":
        arn = f"{prefix}policy/{members.get('PolicyName')}"
    else:
        arn = members.get("PolicyArn") or members.get("PolicySourceArn") or "*"
    yield Permission(f"iam:{call.operation}", arn)
    if call.operation == "AddRoleToInstanceProfile":
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html
        yield Permission("iam:PassRole", f"{prefix}role/{role}", {"iam:PassedToService": "ec2.amazonaws.com"})


def _s3(call: Call) -> Iterator[Permission]:
    bucket, keys = call.members.get("Bucket", ""), call.members.get("Keys", [])
    if source := call.members.get("CopySource"):
        yield Permission("s3:GetObject", f"arn:aws:s3:::{source}")
    if call.operation in {"CopyObject", "UploadPartCopy"}:
        actions = ["PutObject"]
    else:
        actions = [S3_ACTIONS.get(call.operation, call.operation)]
    prefix = call.members.get("Prefix")
    context = {} if prefix is None else {"s3:prefix": prefix}
    for action in actions:
        if not bucket:
            yield Permission("s3:ListAllMyBuckets" if action == "ListBuckets" else f"s3:{action}")
        for key in keys:
            yield Permission(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}")
        if bucket and not keys:
            yield Permission(f"s3:{action}", f"arn:aws:s3:::{bucket}", context)
