"""IAM's SimulatePrincipalPolicy, which moto does not have.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import BytesIO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Request

from localaws.iam import principals
from localaws.iam.permissions import Permission
from localaws.iam.policies import Decision, Statement, UnsupportedPolicy, evaluate, parse_policy
from localaws.protocol import JSON, AwsError
from localaws.query_protocol import QueryService

OPERATION = "SimulatePrincipalPolicy"
_DECISIONS = {
    Decision.ALLOWED: "allowed",
    Decision.EXPLICITLY_DENIED: "explicitDeny",
    Decision.IMPLICITLY_DENIED: "implicitDeny",
}
_MEMBERS = {
    "PolicySourceArn",
    "PolicyInputList",
    "ActionNames",
    "ResourceArns",
    "ContextEntries",
    "MaxItems",
    "Marker",
}
_TYPES = ("string", "boolean")
_PAGE_SIZE = 100


def with_simulation(moto: WSGIApplication) -> WSGIApplication:
    """Return the WSGI application ``moto`` of IAM that also simulates policies."""
    simulation = QueryService("iam", lambda _: SimulationApi())

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = Request(environ).get_data()
        environ["wsgi.input"] = BytesIO(body)  # is read again
        if Request(environ).values.get("Action") == OPERATION:
            environ["wsgi.input"] = BytesIO(body)
            return simulation.handle(Request(environ))(environ, start_response)
        environ["wsgi.input"] = BytesIO(body)
        return moto(environ, start_response)

    return app


class SimulationApi:
    def simulate_principal_policy(self, request: JSON) -> JSON:
        """Return one result for each action on each resource."""
        if unsupported := sorted(request.keys() - _MEMBERS):
            raise AwsError("InvalidInput", f"not supported by the local AWS: {unsupported[0]}", 501)
        context = _context(request.get("ContextEntries", []))
        try:
            principal = principals.of_arn(request["PolicySourceArn"])
            if principal is None:
                raise AwsError("NoSuchEntity", f"{request['PolicySourceArn']} does not exist.", 404)
            given = [parse_policy(json.loads(text)) for text in request.get("PolicyInputList", [])]
        except UnsupportedPolicy as error:
            raise AwsError("InvalidInput", f"not supported by the local AWS: {error}", 501) from None
        except ValueError:
            raise AwsError("InvalidInput", "A policy of PolicyInputList is not JSON.") from None
        statements = [*principal.statements, *(each for policy in given for each in policy)]
        results = [
            _result(statements, Permission(action, resource, context))
            for action in request["ActionNames"]
            for resource in request.get("ResourceArns") or ["*"]
        ]
        start, size = int(request.get("Marker") or 0), request.get("MaxItems", _PAGE_SIZE)
        more = start + size < len(results)
        page: JSON = {"EvaluationResults": results[start : start + size], "IsTruncated": more}
        return {**page, "Marker": str(start + size)} if more else page


def _result(statements: list[Statement], permission: Permission) -> JSON:
    known = {key.lower() for key in permission.context}
    missing = {
        condition.key
        for statement in statements
        if statement.covers(permission)
        for condition in statement.conditions
    } - known
    return {
        "EvalActionName": permission.action,
        "EvalResourceName": permission.resource,
        "EvalDecision": _DECISIONS[evaluate(statements, permission)],
        "MatchedStatements": [
            {"SourcePolicyId": statement.sid} for statement in statements if statement.applies_to(permission)
        ],
        "MissingContextValues": sorted(missing),
    }


def _context(entries: list[JSON]) -> dict[str, str]:
    """Return the context keys with their values, of which each must have one."""
    context = {}
    for entry in entries:
        name, values = entry.get("ContextKeyName", ""), entry.get("ContextKeyValues", [])
        if entry.get("ContextKeyType") not in _TYPES or len(values) != 1:
            reason = f"the context key {name}, other than one value of the types {' and '.join(_TYPES)}"
            raise AwsError("InvalidInput", f"not supported by the local AWS: {reason}", 501)
        context[name] = values[0]
    return context
