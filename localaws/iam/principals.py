"""The users, groups and roles of moto's IAM, with the statements of their policies."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localaws import ACCOUNT
from localaws.iam.policies import Statement, UnsupportedPolicy, parse_policy


@dataclass(frozen=True)
class Principal:
    arn: str
    statements: tuple[Statement, ...]


def of_access_key(access_key: str) -> Principal | None:
    """Return the user or the assumed role of the access key; None if IAM has none. Raises UnsupportedPolicy."""
    if "moto.iam.models" not in sys.modules:  # IAM has not been used yet
        return None
    backend = sys.modules["moto.iam.models"].iam_backends[ACCOUNT]["aws"]
    for user in backend.users.values():
        if any(key.access_key_id == access_key for key in user.access_keys):
            return Principal(user.arn, _statements(user, *backend.get_groups_for_user(user.name)))
    sts = sys.modules.get("moto.sts.models")
    for session in sts.sts_backends[ACCOUNT]["aws"].assumed_roles if sts else ():
        if session.access_key_id == access_key:
            if session.policy:
                raise UnsupportedPolicy("a policy of the session is not supported")
            roles = [role for role in backend.roles.values() if role.arn == session.role_arn]
            return Principal(session.arn, _statements(*roles))
    return None


def of_arn(arn: str) -> Principal | None:
    """Return the user, group or role with the ARN; None if there is none. Raises UnsupportedPolicy."""
    from moto.iam.models import iam_backends

    backend: Any = iam_backends[ACCOUNT]["aws"]
    for user in backend.users.values():
        if user.arn == arn:
            return Principal(arn, _statements(user, *backend.get_groups_for_user(user.name)))
    for entity in (*backend.groups.values(), *backend.roles.values()):
        if entity.arn == arn:
            return Principal(arn, _statements(entity))
    return None


def _statements(*entities: Any) -> tuple[Statement, ...]:
    """Return the statements of all inline and attached policies of a user with its groups, or of a role."""
    return tuple(statement for entity in entities for statement in _statements_of(entity))


def _statements_of(entity: Any) -> Iterator[Statement]:
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
