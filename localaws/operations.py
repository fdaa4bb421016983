"""The service and the operation that a request calls, found by botocore's service models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore.session
from botocore.model import OperationModel, ServiceModel
from werkzeug.wrappers import Request

# The service's prefix in IAM actions -> its name in botocore.
SERVICES = {"elasticmapreduce": "emr", "athena": "athena", "glue": "glue", "s3": "s3"}
_CLUSTER_MEMBERS = frozenset({"ClusterId", "JobFlowId", "JobFlowIds", "ResourceId"})
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
    service, _, operation = name.partition(":")
    if service != "elasticmapreduce":
        return False
    shape = _model(service).operation_model(operation).input_shape
    return operation == "RunJobFlow" or bool(shape and _CLUSTER_MEMBERS & set(shape.members))


def operation_of(request: Request) -> Operation | None:
    """Return the operation that a signed request calls; None if it is not for one of the four services."""
    prefix, _, name = request.headers.get("X-Amz-Target", "").partition(".")
    for service in SERVICES:
        model = _model(service)
        if prefix and model.metadata.get("targetPrefix") == prefix:
            return Operation(service, name) if name in model.operation_names else None
    if prefix or signing_service(request) != "s3":
        return None
    found = s3_operation(request)
    return Operation("s3", found) if found else None


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
    """Return botocore's model of the service with botocore's name ``name``."""
    return botocore.session.get_session().get_service_model(name)
