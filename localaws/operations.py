"""The service and the operation that a request calls, found by botocore's service models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.loaders import create_loader
from botocore.model import OperationModel, ServiceModel
from werkzeug.wrappers import Request

# The service's prefix in IAM actions -> its name in botocore.
SERVICES = {
    "elasticmapreduce": "emr",
    "emr-serverless": "emr-serverless",
    "athena": "athena",
    "glue": "glue",
    "logs": "logs",
    "s3": "s3",
}
REST_JSON_SERVICES = frozenset({"emr-serverless"})
_TARGET_MEMBERS = {
    "elasticmapreduce": frozenset({"ClusterId", "JobFlowId", "JobFlowIds", "ResourceId"}),
    "emr-serverless": frozenset({"applicationId", "resourceArn"}),
}
_CREDENTIAL = re.compile(r"Credential=([^/,]*)/[^/,]*/([^/,]*)/")
_CREDENTIAL_SCOPE = re.compile(r"Credential=[^,]*/([\w.-]+)/aws4_request")


@dataclass(frozen=True)
class Operation:
    service: str
    name: str

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"

    @property
    def errors(self) -> list[str]:
        """The error codes that the service's model lists for the operation."""
        return [shape.name for shape in _model(self.service).operation_model(self.name).error_shapes]


def qualified_names(operation: str) -> list[str]:
    """Return each ``service:Operation`` that matches ``operation``, which may omit the service."""
    service, _, name = operation.rpartition(":")
    services = [service] if service else SERVICES
    return [f"{s}:{name}" for s in services if s in SERVICES and name in _model(s).operation_names]


def targets_cluster(name: str) -> bool:
    """Return whether an operation names a cluster or an application."""
    service, _, operation = name.partition(":")
    if service not in _TARGET_MEMBERS:
        return False
    shape = _model(service).operation_model(operation).input_shape
    is_creation = operation in {"RunJobFlow", "CreateApplication"}
    return is_creation or bool(shape and _TARGET_MEMBERS[service] & set(shape.members))


def operation_of(request: Request) -> Operation | None:
    """Return the operation that a signed request calls; None if it is not for one of SERVICES."""
    prefix, _, name = request.headers.get("X-Amz-Target", "").partition(".")
    for service in SERVICES:
        model = _model(service)
        if prefix and model.metadata.get("targetPrefix") == prefix:
            return Operation(service, name) if name in model.operation_names else None
    service = "" if prefix else signing_service(request)
    if service in REST_JSON_SERVICES:
        found = rest_operation(SERVICES[service], request)
    else:
        found = s3_operation(request) if service == "s3" else None
    return Operation(service, found) if found else None


def rest_operation(service: str, request: Request) -> str | None:
    """Return the operation of the service (botocore's name) that has the request's method and path."""
    for name, (method, pattern) in rest_routes(service).items():
        if method == request.method and pattern.fullmatch(raw_path(request)):
            return name
    return None


@cache
def rest_routes(service: str) -> dict[str, tuple[str, re.Pattern[str]]]:
    """Return the method and the pattern of the path of each operation."""
    model = service_model(service)
    return {name: _rest_route(model.operation_model(name)) for name in model.operation_names}


def _rest_route(operation: OperationModel) -> tuple[str, re.Pattern[str]]:
    path = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.http["requestUri"])
    return operation.http["method"], re.compile(path)


def raw_path(request: Request) -> str:
    """Return the path before it is unquoted: a label may contain an escaped slash, such as that of an ARN."""
    raw: str = request.environ.get("RAW_URI") or request.path
    return raw.partition("?")[0]


def s3_target(request: Request) -> str:
    """Return ``bucket/key?query``, unquoted."""
    from localaws.s3.addressing import bucket_and_key  # moto's S3 is slow to import

    bucket, key = bucket_and_key(request)
    return f"{bucket}/{key}?{unquote(request.query_string.decode())}"


def signing_service(request: Request) -> str:
    """Return the service in the credential scope of the signature (header or query); '' if there is no signature."""
    match = _CREDENTIAL_SCOPE.search(_signature(request))
    return match[1] if match else ""


def signing_credential(request: Request) -> tuple[str, str] | None:
    """Return the access key and the region of the signature (header or query); None if there is no signature."""
    match = _CREDENTIAL.search(_signature(request))
    return (match[1], match[2]) if match else None


def _signature(request: Request) -> str:
    return request.headers.get("Authorization") or f"Credential={request.args.get('X-Amz-Credential')}"


def s3_operation(request: Request) -> str | None:
    """Return the most specific operation whose method, path and required parameters the request has."""
    from localaws.s3.addressing import bucket_and_key

    parts = tuple(map(bool, bucket_and_key(request)))
    given = {(name.lower(), value) for name, value in (*request.args.items(multi=True), *request.headers)}
    names = {name for name, _ in given}
    matching = [
        (len(rule.required) + len(rule.query), name)
        for name, rule in _s3_rules().items()
        if (rule.method, rule.parts) == (request.method, parts)
        and rule.required <= names
        and rule.query <= given
    ]
    return max(matching, key=lambda match: match[0])[1] if matching else None


@dataclass(frozen=True)
class _Rule:
    """An operation's request: ``parts`` are whether its path has a bucket and a key."""

    method: str
    parts: tuple[bool, bool]
    query: frozenset[tuple[str, str]]
    required: frozenset[str]


@cache
def _s3_rules() -> dict[str, _Rule]:
    model = _model("s3")
    operations: Iterable[OperationModel] = map(model.operation_model, model.operation_names)
    # These two, for directory buckets and for Lambda, match the same requests as ListBuckets and others.
    return {
        operation.name: _rule(operation)
        for operation in operations
        if operation.name not in {"ListDirectoryBuckets", "WriteGetObjectResponse"}
    }


def _rule(operation: OperationModel) -> _Rule:
    uri = urlsplit(operation.http["requestUri"])
    shape = operation.input_shape
    required = {
        shape.members[name].serialization["name"].lower()
        for name in (shape.required_members if shape else [])
        if shape.members[name].serialization.get("location") in {"querystring", "header"}
    }
    query = {(name.lower(), value) for name, value in parse_qsl(uri.query, keep_blank_values=True)}
    return _Rule(
        method=operation.http["method"],
        parts=("{Bucket}" in uri.path, "{Key+}" in uri.path),
        query=frozenset(query),
        required=frozenset(required),
    )


def _model(service: str) -> ServiceModel:
    return service_model(SERVICES[service])


@cache
def service_model(name: str) -> ServiceModel:
    """Return botocore's model of the service with botocore's name ``name``.

    It is read by a loader of its own: clients of S3 remove the bucket from the paths of the model that their
    session has loaded.
    """
    return ServiceModel(create_loader().load_service_model(name, "service-2"), name)
