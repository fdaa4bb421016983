"""The services that moto implements; all other operations are rejected.

An operation is passed on to moto only if moto really does what the operation says. Stored data can be read back, and a
message that is sent arrives. Operations that moto only simulates (a Glue job or crawler, a Lambda function) are
rejected. Rejections and unexpected errors in moto are returned in the called service's protocol.
Source of the protocols: https://smithy.io/2.0/aws/protocols/index.html
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from io import BytesIO
from threading import Lock
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from xml.sax.saxutils import escape

from botocore.validate import ParamValidator
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.wrappers import Request, Response

from localaws import ACCOUNT, events
from localaws.operations import s3_operation, service_model, signing_service
from localaws.stepfunctions.definition import unsupported

OWN_SERVICES = ("athena", "budgets", "cloudformation", "emr", "emr-serverless", "service-quotas")
"""The services of the local AWS that are not moto's."""
_TAGS = "TagResource UntagResource ListTagsForResource"
SUPPORTED_OPERATIONS: dict[str, frozenset[str]] = {
    service: frozenset(operations.split())
    for service, operations in {
        "s3": """
            PutObject GetObject HeadObject CopyObject DeleteObject DeleteObjects GetObjectAttributes
            ListObjects ListObjectsV2 ListObjectVersions
            CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload AbortMultipartUpload
            ListParts ListMultipartUploads
            PutObjectTagging GetObjectTagging DeleteObjectTagging PutObjectAcl GetObjectAcl
            PutObjectLockConfiguration GetObjectLockConfiguration PutObjectRetention GetObjectRetention
            PutObjectLegalHold GetObjectLegalHold
            CreateBucket HeadBucket ListBuckets GetBucketLocation DeleteBucket
            PutBucketAcl GetBucketAcl PutBucketCors GetBucketCors DeleteBucketCors
            PutBucketEncryption GetBucketEncryption DeleteBucketEncryption
            PutBucketLifecycleConfiguration GetBucketLifecycleConfiguration DeleteBucketLifecycle
            PutBucketLifecycle GetBucketLifecycle
            PutBucketNotificationConfiguration GetBucketNotificationConfiguration
            PutBucketNotification GetBucketNotification
            PutBucketOwnershipControls GetBucketOwnershipControls DeleteBucketOwnershipControls
            PutBucketPolicy GetBucketPolicy GetBucketPolicyStatus DeleteBucketPolicy
            PutPublicAccessBlock GetPublicAccessBlock DeletePublicAccessBlock
            PutBucketTagging GetBucketTagging DeleteBucketTagging
            PutBucketVersioning GetBucketVersioning
            PutBucketWebsite GetBucketWebsite DeleteBucketWebsite
            GetBucketLogging GetBucketReplication GetBucketAccelerateConfiguration
        """,
        "glue": """
            CreateDatabase GetDatabase GetDatabases UpdateDatabase DeleteDatabase
            CreateTable GetTable GetTables UpdateTable DeleteTable BatchDeleteTable
            GetTableVersion GetTableVersions DeleteTableVersion
            CreatePartition GetPartition GetPartitions UpdatePartition DeletePartition
            BatchCreatePartition BatchGetPartition BatchUpdatePartition BatchDeletePartition
            GetPartitionIndexes
        """,
        "sts": """
            GetCallerIdentity GetSessionToken GetFederationToken GetAccessKeyInfo
            AssumeRole AssumeRoleWithWebIdentity AssumeRoleWithSAML
        """,
        "iam": """
            CreateRole GetRole ListRoles UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy DeleteRole
            TagRole UntagRole ListRoleTags PutRolePermissionsBoundary DeleteRolePermissionsBoundary
            PutRolePolicy GetRolePolicy ListRolePolicies DeleteRolePolicy
            AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies
            CreateServiceLinkedRole DeleteServiceLinkedRole GetServiceLinkedRoleDeletionStatus
            CreateInstanceProfile GetInstanceProfile ListInstanceProfiles ListInstanceProfilesForRole
            DeleteInstanceProfile AddRoleToInstanceProfile RemoveRoleFromInstanceProfile
            TagInstanceProfile UntagInstanceProfile
            CreatePolicy GetPolicy ListPolicies DeletePolicy TagPolicy UntagPolicy ListPolicyTags
            CreatePolicyVersion GetPolicyVersion ListPolicyVersions SetDefaultPolicyVersion DeletePolicyVersion
            ListEntitiesForPolicy
            CreateUser GetUser ListUsers UpdateUser DeleteUser TagUser UntagUser ListUserTags
            PutUserPolicy GetUserPolicy ListUserPolicies DeleteUserPolicy
            AttachUserPolicy DetachUserPolicy ListAttachedUserPolicies
            CreateAccessKey ListAccessKeys UpdateAccessKey DeleteAccessKey
            CreateGroup GetGroup ListGroups UpdateGroup DeleteGroup ListGroupsForUser
            AddUserToGroup RemoveUserFromGroup PutGroupPolicy GetGroupPolicy ListGroupPolicies DeleteGroupPolicy
            AttachGroupPolicy DetachGroupPolicy ListAttachedGroupPolicies
            CreateAccountAlias ListAccountAliases DeleteAccountAlias
            SimulatePrincipalPolicy
        """,
        "sns": f"""
            CreateTopic ListTopics GetTopicAttributes SetTopicAttributes DeleteTopic
            Subscribe ConfirmSubscription Unsubscribe ListSubscriptions ListSubscriptionsByTopic
            GetSubscriptionAttributes SetSubscriptionAttributes Publish PublishBatch
            AddPermission RemovePermission {_TAGS}
        """,
        "logs": f"""
            CreateLogGroup DescribeLogGroups DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy
            CreateLogStream DescribeLogStreams DeleteLogStream
            PutLogEvents GetLogEvents FilterLogEvents
            TagLogGroup UntagLogGroup ListTagsLogGroup {_TAGS}
        """,
        "kms": """
            CreateKey DescribeKey ListKeys EnableKey DisableKey UpdateKeyDescription
            ScheduleKeyDeletion CancelKeyDeletion
            EnableKeyRotation DisableKeyRotation GetKeyRotationStatus
            PutKeyPolicy GetKeyPolicy ListKeyPolicies TagResource UntagResource ListResourceTags
            CreateAlias UpdateAlias DeleteAlias ListAliases
            Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateRandom
        """,
        "ec2": """
            DescribeRegions DescribeAvailabilityZones CreateTags DeleteTags DescribeTags
            CreateVpc DescribeVpcs DeleteVpc ModifyVpcAttribute DescribeVpcAttribute
            CreateSubnet DescribeSubnets DeleteSubnet ModifySubnetAttribute
            CreateRouteTable DescribeRouteTables DeleteRouteTable CreateRoute DeleteRoute
            AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation
            CreateInternetGateway DescribeInternetGateways DeleteInternetGateway
            AttachInternetGateway DetachInternetGateway
            CreateVpcEndpoint DescribeVpcEndpoints DeleteVpcEndpoints
            DescribeVpcEndpointServices DescribeManagedPrefixLists
            CreateSecurityGroup DescribeSecurityGroups DeleteSecurityGroup DescribeSecurityGroupRules
            AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress
            AuthorizeSecurityGroupEgress RevokeSecurityGroupEgress
            DescribeNetworkInterfaces DescribeInstanceTypes DescribeInstanceTypeOfferings
        """,
        "sqs": """
            CreateQueue GetQueueUrl ListQueues GetQueueAttributes SetQueueAttributes PurgeQueue DeleteQueue
            SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch
            ChangeMessageVisibility ChangeMessageVisibilityBatch ListDeadLetterSourceQueues
            TagQueue UntagQueue ListQueueTags AddPermission RemovePermission
        """,
        "secretsmanager": """
            CreateSecret GetSecretValue BatchGetSecretValue PutSecretValue DescribeSecret ListSecrets UpdateSecret
            DeleteSecret RestoreSecret ListSecretVersionIds UpdateSecretVersionStage GetRandomPassword
            TagResource UntagResource
        """,
        "ssm": """
            PutParameter GetParameter GetParameters GetParametersByPath GetParameterHistory DescribeParameters
            DeleteParameter DeleteParameters LabelParameterVersion UnlabelParameterVersion
            AddTagsToResource RemoveTagsFromResource ListTagsForResource
        """,
        "stepfunctions": """
            CreateStateMachine DescribeStateMachine ListStateMachines UpdateStateMachine DeleteStateMachine
            StartExecution DescribeExecution StopExecution ListExecutions GetExecutionHistory
            DescribeStateMachineForExecution ListTagsForResource TagResource UntagResource
        """,
        "events": f"""
            PutRule DescribeRule ListRules EnableRule DisableRule DeleteRule
            PutTargets ListTargetsByRule ListRuleNamesByTarget RemoveTargets {_TAGS}
        """,
    }.items()
}
# moto has one catalog and other log groups per region, but the local Athena and EMR have no regions: all clients share
# those of this one.
CATALOG_REGION = "us-east-1"
_CREDENTIAL_SCOPE = re.compile(r"(Credential=[^/,]*/[^/,]*/)[^/,]*(/(?:glue|logs)/)")
_UNSIGNED_OPERATIONS = {"AssumeRoleWithWebIdentity": "sts", "AssumeRoleWithSAML": "sts"}
_DEFINING = ("CreateStateMachine", "UpdateStateMachine")
_SNS_PROTOCOLS = ("sqs", "http", "https", "email")
_REST_XML_SERVICES = (
    "s3",
    "s3express",
    "route53",
    "cloudfront",
)  # signing names of the services that speak REST-XML
log = logging.getLogger(__name__)


class MotoServices:
    """The WSGI application that passes the supported operations on to moto."""

    def __init__(
        self,
        wrap: Callable[[str, WSGIApplication], WSGIApplication],
        changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``wrap`` is called once for each service, with its name and moto's application, at the first request.

        ``changed`` is called with the name of the service after a call that may have changed its state.
        """
        self._wrap, self._changed = wrap, changed
        self._applications: dict[str, WSGIApplication] = {}
        self._lock, self._table_updates = Lock(), Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        call = _ServiceRequest(request)
        if unsupported_reason := call.unsupported_reason():
            return call.unsupported(unsupported_reason)
        if call.service in {"glue", "logs"}:
            signature = request.headers.get("Authorization", "")
            request.environ["HTTP_AUTHORIZATION"] = _CREDENTIAL_SCOPE.sub(
                rf"\g<1>{CATALOG_REGION}\2", signature
            )
        try:
            application = self._application(call.service)
            with self._table_updates if call.updates_table else nullcontext():
                if conflict := call.version_conflict():
                    return call.error(400, "ConcurrentModificationException", conflict)
                response = Response.from_app(application, request.environ)
                call.remove_skipped_version(response)
            if not call.is_read_only:
                self._changed(call.service)
        except _MotoError as failure:
            if validation_report := call.validation_report():
                return call.error(400, call.invalid_code, validation_report)
            log.warning("moto cannot do %s", call, exc_info=failure)
            return call.unsupported(f"{call} with these parameters ({failure})")
        except Exception as error:
            log.exception("%s", call)
            return call.error(500, "InternalFailure", f"the local AWS failed: {error!r}")
        is_page = (
            response.status_code >= 400 and response.mimetype == "text/html" and request.method != "HEAD"
        )
        return call.unsupported(str(call)) if is_page else response

    def _application(self, service: str) -> WSGIApplication:
        with self._lock:
            if service not in self._applications:
                moto: Any = create_backend_app(service)  # type: ignore[arg-type]
                self._applications[service] = self._wrap(service, _ErrorBoundary(moto))
            return self._applications[service]


def access_denied(request: Request, message: str, code: str = "") -> Response:
    """Return a 403 response with ``message`` in the protocol of the called service."""
    call = _ServiceRequest(request)
    return call.error(403, code or call.denied_code, message)


class _MotoError(Exception):
    """moto raised an exception: it neither validates all that AWS validates, nor supports every request member."""


class _ErrorBoundary:
    """The WSGI application ``moto``, whose exceptions are raised as _MotoError."""

    def __init__(self, moto: WSGIApplication) -> None:
        self._moto = moto

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._moto(environ, start_response)
        except OSError:
            raise  # for example a full disk
        except Exception as error:
            raise _MotoError(repr(error)) from error


class _ServiceRequest:
    """The service and operation that a request calls, and error responses in its protocol."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._target, _, name = request.headers.get("X-Amz-Target", "").rpartition(".")
        self._body = b""
        signed_for = signing_service(request)
        form = request.mimetype == "application/x-www-form-urlencoded"
        if signed_for != "s3" and (self._target or form):
            self._body = request.get_data()
            request.environ["wsgi.input"] = BytesIO(self._body)  # moto reads it again
        self._form = {} if self._target or signed_for == "s3" else self._fields()
        self._action = name or self._form.get("Action", "")
        by_target = next(
            (
                s
                for s in SUPPORTED_OPERATIONS
                if self._target and service_model(s).metadata.get("targetPrefix") == self._target
            ),
            "",
        )
        self.service = (
            by_target or signed_for or _UNSIGNED_OPERATIONS.get(self._action, "" if self._target else "s3")
        )

    def _fields(self) -> dict[str, str]:
        text = self._body.decode(errors="replace") or self._request.query_string.decode()
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}

    def __str__(self) -> str:
        return f"{self.service or self._target} {self._operation}"

    @property
    def _operation(self) -> str:
        if self.service == "s3" and not self._is_s3_control:
            return self._request.args.get("x-id") or s3_operation(self._request) or ""
        return self._action or f"{self._request.method} {self._request.path}"

    @property
    def is_read_only(self) -> bool:
        return self._operation.startswith(("Get", "List", "Describe", "Head", "BatchGet", "Filter"))

    @property
    def updates_table(self) -> bool:
        return self.service == "glue" and self._operation == "UpdateTable"

    def version_conflict(self) -> str:
        """Return why an UpdateTable cannot have its VersionId, which moto ignores; '' if it can.

        It prevents lost updates of Iceberg tables. Source:
        https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
        """
        expected = self._members().get("VersionId") if self.updates_table else None
        if expected is None:
            return ""
        table = self._updated_table()
        current = table.as_dict()["VersionId"] if table else expected  # moto reports a missing table
        if not table or expected == current:
            return ""
        name = f"version {expected} of {table.name}"
        return f"Update table failed due to concurrent modifications: {name} is not {current}"

    def remove_skipped_version(self, response: Response) -> None:
        """Remove the version before an UpdateTable with SkipArchive, which moto ignores."""
        if self.updates_table and response.status_code == 200 and self._members().get("SkipArchive"):
            versions = self._updated_table().versions
            versions.pop([*versions][-2])

    def _updated_table(self) -> Any:
        """Return moto's table of an UpdateTable; None if it does not exist."""
        from moto.glue.models import glue_backends  # slow to import

        members = self._members()
        database = glue_backends[ACCOUNT][CATALOG_REGION].databases.get(members.get("DatabaseName", ""))
        return database.tables.get(members.get("TableInput", {}).get("Name")) if database else None

    @property
    def _is_s3_control(self) -> bool:
        return self._request.path.startswith("/v20180820/")

    def unsupported_reason(self) -> str:
        """Return why the operation is not supported; '' if it is."""
        if self.service == "s3" and not self._is_s3_control and not self._operation:
            return ""  # a preflight, a form, or no request to S3: moto responds
        if self._operation not in SUPPORTED_OPERATIONS.get(self.service, ()):
            known = ", ".join([*OWN_SERVICES, *SUPPORTED_OPERATIONS])
            return f"{self}. localaws/README.md lists the supported operations of {known}"
        if self.service == "sns":
            return self._unsupported_delivery()
        if self.service == "stepfunctions" and self._operation in _DEFINING:
            return self._unsupported_state_machine()
        if self.service == "events":
            return events.unsupported(self._operation, self._members())
        return ""

    def _members(self) -> dict[str, Any]:
        """Return the members of a JSON request; {} if it is not valid, to which moto responds."""
        try:
            members = json.loads(self._body or b"{}")
        except ValueError:
            return {}
        return members if isinstance(members, dict) else {}

    def _unsupported_state_machine(self) -> str:
        try:
            return unsupported(self._members(), SUPPORTED_OPERATIONS)
        except ModuleNotFoundError as missing:
            return f"Step Functions without the Python package {missing.name}: pip install 'localaws[stepfunctions]'"

    def _unsupported_delivery(self) -> str:
        protocol = self._form.get("Protocol", "").lower()
        if self._operation == "Subscribe" and protocol not in _SNS_PROTOCOLS:
            return f"an SNS subscription by {protocol or 'no protocol'}, only {', '.join(_SNS_PROTOCOLS)}"
        return "an SMS" if self._operation == "Publish" and "PhoneNumber" in self._form else ""

    def validation_report(self) -> str:
        """Return the errors of a JSON request according to the service's model; '' if there are none."""
        if not self._target:
            return ""
        try:
            members = json.loads(self._body or b"{}")
        except ValueError as error:
            return f"the body is not JSON: {error}"
        shape = service_model(self.service).operation_model(self._operation).input_shape
        return str(ParamValidator().validate(members, shape).generate_report()) if shape else ""

    # ---------------------------------------------------------------- errors
    @property
    def invalid_code(self) -> str:
        return "InvalidInputException" if self.service == "glue" else "ValidationException"

    @property
    def unsupported_code(self) -> str:
        if self._is_xml:
            return "NotImplemented"
        return "InvalidAction" if self._form.get("Action") else "UnknownOperationException"

    @property
    def denied_code(self) -> str:
        return "AccessDenied" if self._is_xml or self._form.get("Action") else "AccessDeniedException"

    @property
    def _is_xml(self) -> bool:
        return not self._target and self.service in _REST_XML_SERVICES

    def unsupported(self, what: str) -> Response:
        return self.error(501, self.unsupported_code, f"not supported by the local AWS: {what}")

    def error(self, status: int, code: str, message: str) -> Response:
        """Return the error response in the protocol of the called service."""
        request_id = str(uuid.uuid4())
        headers = {"x-amzn-RequestId": request_id}
        if self._request.headers.get("smithy-protocol") == "rpc-v2-cbor":
            body = _cbor({"__type": code, "message": message})
            return Response(
                body, status, {**headers, "smithy-protocol": "rpc-v2-cbor"}, content_type="application/cbor"
            )
        if self._is_xml or self._form.get("Action"):
            return Response(
                self._xml_error(code, message, request_id), status, headers, content_type="text/xml"
            )
        if not self._target:
            headers["x-amzn-ErrorType"] = code
        mimetype = self._request.mimetype if "json" in self._request.mimetype else "application/json"
        members = {"__type": code, "message": message, "Message": message}
        return Response(json.dumps(members), status, headers, content_type=mimetype)

    def _xml_error(self, code: str, message: str, request_id: str) -> str:
        fields = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        if self.service == "ec2":
            return f"<Response><Errors><Error>{fields}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        if self.service == "s3" and not self._is_s3_control:
            return f"<Error>{fields}<RequestId>{request_id}</RequestId></Error>"
        error = f"<Error><Type>Sender</Type>{fields}</Error>"
        return f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"


def _cbor(texts: dict[str, str]) -> bytes:
    """Encode a map of strings in CBOR (RFC 8949): major type 5, and 3 with a length of two bytes."""

    def text(value: str) -> bytes:
        encoded = value.encode()
        return b"\x79" + len(encoded).to_bytes(2, "big") + encoded

    return bytes([0xA0 | len(texts)]) + b"".join(text(part) for item in texts.items() for part in item)
