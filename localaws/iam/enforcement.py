"""Access control: calls of IAM users and roles are evaluated against their policies, and refused as AWS does it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from localaws.errors import json_error
from localaws.iam import principals
from localaws.iam.calls import access_key_of, call_of
from localaws.iam.needed_permissions import needed_permissions
from localaws.iam.permissions import Call, Permission, Resources
from localaws.iam.policies import Decision, UnsupportedPolicy, evaluate
from localaws.moto_services import access_denied
from localaws.protocol import OWN_USER_AGENT

ENFORCED_SERVICES = ("athena", "elasticmapreduce", "emr-serverless", "glue", "logs", "s3", "sns")
_JSON_SERVICES = ("athena", "elasticmapreduce", "glue", "logs")


class Enforcement:
    """The WSGI application around ``services`` that refuses calls without permission.

    Calls of the local AWS itself, and those with an access key that belongs to no user or role, are not refused.
    """

    def __init__(self, services: WSGIApplication, resources: Resources) -> None:
        self._services, self._resources = services, resources

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_USER_AGENT", "").startswith(OWN_USER_AGENT):
            return self._services(environ, start_response)
        request = Request(environ)
        call = call_of(request)
        if call is None or call.service not in ENFORCED_SERVICES:
            return self._services(environ, start_response)
        try:
            reason = self._denial(call, access_key_of(request))
        except UnsupportedPolicy as error:
            reason = f"The local AWS cannot evaluate the policies of this caller: {error}"
        if not reason:
            return self._services(environ, start_response)
        return _refusal(call, request, reason)(environ, start_response)

    def _denial(self, call: Call, access_key: str) -> str:
        """Return AWS's message for the first permission that is missing; '' if none is. Raises UnsupportedPolicy."""
        principal = principals.of_access_key(access_key)
        if principal is None:
            return ""
        for permission in needed_permissions(call, self._resources):
            decision = evaluate(principal.statements, permission)
            if decision is not Decision.ALLOWED:
                return _message(principal.arn, permission, decision)
        return ""


def _message(arn: str, permission: Permission, decision: Decision) -> str:
    action = permission.action
    what = f"User: {arn} is not authorized to perform: {action} on resource: {permission.resource}"
    if decision is Decision.EXPLICITLY_DENIED:
        return f"{what} with an explicit deny in an identity-based policy"
    return f"{what} because no identity-based policy allows the {action} action"


def _refusal(call: Call, request: Request, message: str) -> Response:
    if call.service in _JSON_SERVICES:
        return json_error(400, "AccessDeniedException", message)
    return access_denied(request, message, "AuthorizationError" if call.service == "sns" else "")
