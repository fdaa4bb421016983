"""The evaluation of identity-based IAM policies, for the part of the policy language that ``infra/`` uses.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an explicit Deny wins, then
an Allow, otherwise the request is denied. Whatever is not supported raises UnsupportedPolicy, so that no permission is
granted or denied by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from localaws.iam.permissions import Permission


class UnsupportedPolicy(ValueError):
    """The policy has an element, a condition operator or a value that cannot be evaluated."""


class Decision(Enum):
    ALLOWED = "Allowed"
    EXPLICITLY_DENIED = "ExplicitlyDenied"
    IMPLICITLY_DENIED = "ImplicitlyDenied"


@dataclass(frozen=True)
class Condition:
    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    sid: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()

    def applies_to(self, permission: Permission) -> bool:
        context = {key.lower(): value for key, value in permission.context.items()}
        return self.covers(permission) and all(_holds(condition, context) for condition in self.conditions)

    def covers(self, permission: Permission) -> bool:
        """Return whether the action and the resource match, without the conditions."""
        return any(_like(action.lower(), permission.action.lower()) for action in self.actions) and any(
            _arn_like(resource, permission.resource) for resource in self.resources
        )


def parse_policy(document: Mapping[str, Any]) -> list[Statement]:
    """Return the statements of a policy document. Raises UnsupportedPolicy."""
    return [_statement(statement) for statement in _list(document.get("Statement", []))]


def evaluate(statements: Iterable[Statement], permission: Permission) -> Decision:
    """Return whether the statements of all policies of a user or role allow the permission."""
    matching = [statement.allows for statement in statements if statement.applies_to(permission)]
    if not all(matching):
        return Decision.EXPLICITLY_DENIED
    return Decision.ALLOWED if matching else Decision.IMPLICITLY_DENIED


def _statement(statement: Mapping[str, Any]) -> Statement:
    sid = statement.get("Sid", "")
    if unknown := sorted(statement.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}):
        raise UnsupportedPolicy(f"statement {sid!r} has {unknown[0]}, which is not supported")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise UnsupportedPolicy(f"statement {sid!r} has the Effect {statement.get('Effect')!r}")
    conditions = [
        Condition(operator, key.lower(), _texts(sid, values))
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    ]
    for condition in conditions:
        if condition.operator not in _OPERATORS:
            raise UnsupportedPolicy(
                f"statement {sid!r} has the condition operator {condition.operator}, which is not supported"
            )
    return Statement(
        sid,
        statement["Effect"] == "Allow",
        _texts(sid, statement.get("Action")),
        _texts(sid, statement.get("Resource")),
        tuple(conditions),
    )


def _texts(sid: str, value: Any) -> tuple[str, ...]:
    texts = tuple("true" if item is True else "false" if item is False else item for item in _list(value))
    for text in texts:
        if not isinstance(text, str) or "${" in text:
            raise UnsupportedPolicy(f"statement {sid!r} has the value {text!r}, which is not supported")
    if not texts:
        raise UnsupportedPolicy(f"statement {sid!r} has an empty list")
    return texts


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _holds(condition: Condition, context: Mapping[str, str]) -> bool:
    """A key that the request does not have does not match: none of the operators is a negation."""
    actual = context.get(condition.key)
    matches = _OPERATORS[condition.operator]
    return actual is not None and any(matches(value, actual) for value in condition.values)


def _like(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)


def _arn_like(pattern: str, arn: str) -> bool:
    """Match each of the six parts of an ARN; a wildcard does not match across the colons between them."""
    if pattern == "*":
        return True
    parts, actual = pattern.split(":", 5), arn.split(":", 5)
    return len(parts) == len(actual) and all(map(_like, parts, actual))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": _like,
    "ArnLike": _arn_like,
    "ArnEquals": _arn_like,  # the two are the same
    "Bool": lambda value, actual: value.lower() == actual.lower(),
}
