"""Access control: calls of IAM users and roles are evaluated against their policies, and refused as AWS does it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from localaws import ACCOUNT
from localaws.errors import json_error
from localaws.iam.calls import access_key_of, call_of
from localaws.iam.permissions import Call, Permission, Resources, needed_permissions
from localaws.iam.policies import Decision, Statement, UnsupportedPolicy, evaluate, parse_policy
from localaws.moto_services import access_denied
from localaws.protocol import OWN_USER_AGENT

ENFORCED_SERVICES = ("athena", "elasticmapreduce", "glue", "s3", "sns")
_JSON_SERVICES = ("athena", "elasticmapreduce", "glue")


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
        principal = _principal(access_key)
        if principal is None:
            return ""
        for permission in needed_permissions(call, self._resources):
            decision = evaluate(principal.statements, permission)
            if decision is not Decision.ALLOWED:
                return _message(principal.arn, permission, decision)
        return ""


@dataclass(frozen=True)
class Principal:
    arn: str
    statements: tuple[Statement, ...]


def _principal(access_key: str) -> Principal | None:
    """Return the user or the assumed role of the access key. Raises UnsupportedPolicy."""
    if "moto.iam.models" not in sys.modules:  # IAM has not been used yet
        return None
    backend = sys.modules["moto.iam.models"].iam_backends[ACCOUNT]["aws"]
    for user in backend.users.values():
        if any(key.access_key_id == access_key for key in user.access_keys):
            groups = backend.get_groups_for_user(user.name)
            return Principal(user.arn, tuple(_statements(user, *groups)))
    sts = sys.modules.get("moto.sts.models")
    for session in sts.sts_backends[ACCOUNT]["aws"].assumed_roles if sts else ():
        if session.access_key_id == access_key:
            if session.policy:
                raise UnsupportedPolicy("a policy of the session is not supported")
            roles = [role for role in backend.roles.values() if role.arn == session.role_arn]
            return Principal(session.arn, tuple(_statements(*roles)))
    return None


def _statements(*entities: Any) -> Iterator[Statement]:
    """Yield the statements of all inline and attached policies of a user with its groups, or of a role."""
    for entity in entities:
        if getattr(entity, "permissions_boundary_arn", None):
            raise UnsupportedPolicy(f"the permissions boundary of {entity.arn} is not supported")
        attached = [
            version.document
            for policy in entity.managed_policies.values()
            for version in policy.versions
            if version.is_default
        ]
        for document in [*entity.policies.values(), *attached]:
            yield from parse_policy(json.loads(document) if isinstance(document, str) else document)


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
