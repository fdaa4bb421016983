"""The record of API calls, one JSON object in each line, with the IAM permissions that each call needs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from xml.etree import ElementTree

from botocore.exceptions import BotoCoreError
from werkzeug.wrappers import Request

from localaws.emr.roles import ACCOUNT
from localaws.iam.permissions import Call, permissions
from localaws.operations import SERVICES, operation_of, signing_service
from localaws.protocol import OWN_USER_AGENT, AwsError

_CREDENTIAL = re.compile(r"Credential=([^/,]*)/[^/,]*/([^/,]*)/")
_KEY = "{*}Object/{*}Key"


class Recording:
    """The WSGI application around ``services`` that writes each call to ``file``, except the local AWS's own."""

    def __init__(self, services: WSGIApplication, file: Path, resources: KnownResources) -> None:
        self._services, self._resources = services, resources
        self._lock = Lock()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("a", encoding="utf-8", buffering=1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ.get("HTTP_USER_AGENT", "").startswith(OWN_USER_AGENT):
            # Before the call, because the call may delete what it names.
            self._write(Request(environ))
        return self._services(environ, start_response)

    def _write(self, request: Request) -> None:
        call = call_of(request)
        if call is None:
            return
        try:
            needed = permissions(call, self._resources)
        except (AttributeError, KeyError, TypeError):  # the members do not fit the operation: the call fails
            needed = []
        credential = _CREDENTIAL.search(request.headers.get("Authorization", ""))
        line = {
            "time": datetime.now(UTC).isoformat(),
            "service": call.service,
            "operation": call.operation,
            "access_key": credential[1] if credential else "",
            "user_agent": request.headers.get("User-Agent", ""),
            "permissions": [asdict(permission) for permission in needed],
            "request": call.members,
        }
        with self._lock:
            self._file.write(json.dumps(line) + "\n")


def call_of(request: Request) -> Call | None:
    """Return the call that a signed request makes; None if it is not one. The request's body can still be read."""
    credential = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    region = credential[2] if credential else "us-east-1"
    service = signing_service(request)
    if service == "s3":
        operation = operation_of(request)
        return Call("s3", operation.name, region, _s3_members(request)) if operation else None
    body = request.get_data()
    request.environ["wsgi.input"] = BytesIO(body)  # the service reads it again
    if operation := operation_of(request):
        members: Any = {}
        with suppress(ValueError):
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


class KnownResources:
    """The resources of the running local AWS: EMR's clusters, Athena's queries, and moto's IAM and Glue."""

    def __init__(
        self,
        tags: Callable[[str], Mapping[str, str]],
        query: Callable[[str], tuple[str, str]],
        catalog_region: str,
    ) -> None:
        """``tags`` returns the tags of a cluster, ``query`` the workgroup of a query and the URI of its result."""
        self._tags, self._query, self._catalog_region = tags, query, catalog_region

    def cluster_tags(self, cluster_id: str) -> Mapping[str, str]:
        return self._tags(cluster_id)

    def query(self, execution_id: str) -> tuple[str, str]:
        try:
            return self._query(execution_id)
        except (AwsError, BotoCoreError):
            return "", ""

    def roles(self, instance_profile: str) -> list[str]:
        """Return the ARNs of the profile's roles; without IAM setup, the role has the profile's name."""
        name = instance_profile.rpartition("/")[2]
        profiles = _moto("iam", "aws", "instance_profiles") or {}
        found = [profile for profile in profiles.values() if profile.name == name]
        return [role.arn for profile in found for role in profile.roles] or [name]

    def table_location(self, database: str, table: str) -> str:
        databases = _moto("glue", self._catalog_region, "databases") or {}
        found = getattr(databases.get(database), "tables", {}).get(table)
        return str(found.as_dict().get("StorageDescriptor", {}).get("Location", "")) if found else ""


def _moto(service: str, region: str, attribute: str) -> Any:
    """Return an attribute of moto's backend; None if the service has not been used yet."""
    models = sys.modules.get(f"moto.{service}.models")
    return getattr(getattr(models, f"{service}_backends")[ACCOUNT][region], attribute) if models else None
