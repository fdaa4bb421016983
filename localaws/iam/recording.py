"""The record of API calls, one JSON object in each line, with the IAM permissions that each call needs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Request

from localaws.iam.calls import access_key_of, call_of
from localaws.iam.needed_permissions import needed_permissions
from localaws.iam.permissions import Resources
from localaws.protocol import CLOUDFORMATION_USER_AGENT, OWN_USER_AGENT


class Recording:
    """The WSGI application around ``services`` that writes each call to ``file``.

    The local AWS's own calls are not written, except those of CloudFormation for the caller of a stack.
    """

    def __init__(self, services: WSGIApplication, file: Path, resources: Resources) -> None:
        self._services, self._resources = services, resources
        self._lock = Lock()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("a", encoding="utf-8", buffering=1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        agent = environ.get("HTTP_USER_AGENT", "")
        if agent.startswith(CLOUDFORMATION_USER_AGENT) or not agent.startswith(OWN_USER_AGENT):
            # Before the call, because the call may delete what it names.
            self._write(Request(environ))
        return self._services(environ, start_response)

    def _write(self, request: Request) -> None:
        call = call_of(request)
        if call is None:
            return
        line = {
            "time": datetime.now(UTC).isoformat(),
            "service": call.service,
            "operation": call.operation,
            "access_key": access_key_of(request),
            "user_agent": request.headers.get("User-Agent", ""),
            "permissions": [asdict(permission) for permission in needed_permissions(call, self._resources)],
            "request": call.members,
        }
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
