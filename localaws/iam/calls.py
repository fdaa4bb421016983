"""The API call that a signed HTTP request makes, and who makes it."""

from __future__ import annotations

import json
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

from werkzeug.wrappers import Request

from localaws.iam.permissions import Call
from localaws.operations import (
    REST_JSON_SERVICES,
    SERVICES,
    operation_of,
    signing_credential,
    signing_service,
)
from localaws.protocol import AwsError
from localaws.rest_protocol import rest_members

_KEY = "{*}Object/{*}Key"


def access_key_of(request: Request) -> str:
    """Return the access key that the request is signed with; '' if it is not signed."""
    return _credential(request)[0]


def _credential(request: Request) -> tuple[str, str]:
    """Return the access key and the region of the signature, in the header or in the query."""
    return signing_credential(request) or ("", "us-east-1")


def call_of(request: Request) -> Call | None:
    """Return the call that a signed request makes; None if it is not one. The request's body can still be read."""
    _, region = _credential(request)
    service = signing_service(request)
    if service == "s3":
        operation = operation_of(request)
        return Call("s3", operation.name, region, _s3_members(request)) if operation else None
    body = request.get_data()
    request.environ["wsgi.input"] = BytesIO(body)  # the service reads it again
    if operation := operation_of(request):
        members: Any = {}
        with suppress(ValueError, AwsError):
            if service in REST_JSON_SERVICES:
                members = rest_members(SERVICES[service], operation.name, request)
            else:
                members = json.loads(body or b"{}")
        return Call(operation.service, operation.name, region, members if isinstance(members, dict) else {})
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    name = form.pop("Action", "") or request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    return Call(service, name, region, form) if service and service not in SERVICES and name else None


def _s3_members(request: Request) -> dict[str, Any]:
    from localaws.s3.addressing import bucket_and_key  # moto's S3 is slow to import

    bucket, key = bucket_and_key(request)
    keys = [key] if key else []
    if request.method == "POST" and "delete" in request.args:
        body = request.get_data()
        request.environ["wsgi.input"] = BytesIO(body)
        with suppress(ElementTree.ParseError):
            keys = [found.text or "" for found in ElementTree.fromstring(body).iterfind(_KEY)]
    members: dict[str, Any] = {"Bucket": bucket, "Keys": keys}
    if not key and "prefix" in request.args:
        members["Prefix"] = request.args["prefix"]
    if source := request.headers.get("x-amz-copy-source"):
        members["CopySource"] = source.lstrip("/").partition("?")[0]
    return members
