"""What all resource types have in common: the schema of their properties, names, tags.

A type makes its resources by calls to the local AWS itself, so that a resource of a stack is the same as one that a
client makes. A property that is not in the schema is refused.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.cloudformation.errors import unsupported, validation_error
from localaws.cloudformation.intrinsics import Unknown
from localaws.protocol import CLOUDFORMATION_USER_AGENT

Properties = dict[str, Any]
TAGS = [{"Key": str, "Value": str}]
"""The schema of a list of tags."""
_MISSING = ("NoSuch", "NotFound", "not found", "does not exist")


class Json:
    """In a schema: any JSON object, such as a policy."""


class Aws:
    """boto3 clients of the local AWS at ``endpoint_url``, which call it with the access key of the stack's caller."""

    _lock = Lock()  # a session is not safe for threads, its clients are

    def __init__(self, endpoint_url: str, region: str, access_key: str, token: str | None) -> None:
        self.region = region
        self._options = {
            "endpoint_url": endpoint_url,
            "region_name": region,
            "aws_access_key_id": access_key,
            "aws_secret_access_key": "localaws",
            "aws_session_token": token,
            "config": Config(
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                user_agent=CLOUDFORMATION_USER_AGENT,
            ),
        }
        self._clients: dict[str, Any] = {}

    def __getitem__(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = _session().client(service, **self._options)
            return self._clients[service]


@cache
def _session() -> boto3.Session:
    """The session of all clients, which loads the description of each service only once."""
    return boto3.Session()


class ResourceType:
    """One type of resources; ``Ref`` of a resource is the id that ``create`` returns.

    ``schema`` has a type for each property; ``immutable`` properties can only be changed by a replacement.
    ``name_property`` is the property with the custom name, which must be unique; '' if there is none.
    """

    type_name: ClassVar[str]
    schema: ClassVar[Mapping[str, Any]]
    required: ClassVar[tuple[str, ...]] = ()
    immutable: ClassVar[tuple[str, ...]] = ()
    name_property: ClassVar[str] = ""
    attributes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, aws: Aws) -> None:
        self.aws = aws

    def create(self, properties: Properties, name: str) -> str:
        """Create the resource and return its id; ``name`` is a generated name. ``configure`` does the rest."""
        raise NotImplementedError

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        """Change the resource from the properties ``old``, {} after ``create``, to ``new``."""

    def delete(self, resource_id: str, properties: Properties) -> None:
        raise NotImplementedError

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        """Return the values of ``attributes``."""
        return {}

    @classmethod
    def conform(cls, logical_id: str, properties: Properties) -> Properties:
        """Return the properties with the types of the schema. Raises ValidationError."""
        _check_required(properties, cls.required, logical_id)
        conformed: Properties = _conform(properties, cls.schema, logical_id, f"{cls.type_name}")
        return conformed

    @classmethod
    def replaced_by(cls, old: Properties, new: Properties) -> bool:
        return any(old.get(name) != new.get(name) for name in cls.immutable)


def _conform(value: Any, schema: Any, logical_id: str, path: str) -> Any:
    if isinstance(value, Unknown):
        return value
    match schema, value:
        case dict(), dict():
            if unknown := sorted(set(value) - set(schema)):
                raise unsupported(
                    f"property {unknown[0]} of {path} (resource {logical_id}); supported: {', '.join(schema)}"
                )
            if schema is TAGS[0]:
                _check_required(value, tuple(schema), logical_id)
            return {k: _conform(v, schema[k], logical_id, f"{path}/{k}") for k, v in value.items()}
        case list(), list():
            return [_conform(item, schema[0], logical_id, path) for item in value]
        case type(), dict() if schema is Json:
            return value
        case type(), bool() | int() | float() | str():
            return _leaf(value, schema, logical_id, path)
    raise _wrong_type(logical_id, path, value, schema)


def _check_required(value: Properties, names: tuple[str, ...], logical_id: str) -> None:
    if missing := [name for name in names if name not in value]:
        raise validation_error(
            f"Properties validation failed for resource {logical_id} with message: "
            f"required key [{missing[0]}] not found"
        )


def _leaf(value: bool | float | str, schema: type, logical_id: str, path: str) -> Any:
    """CloudFormation converts between texts, numbers and booleans."""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    if schema is str:
        return text
    if schema is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if schema is int and text.removeprefix("-").isdecimal():
        return int(text)
    raise _wrong_type(logical_id, path, value, schema)


def _wrong_type(logical_id: str, path: str, value: Any, schema: Any) -> Exception:
    containers: dict[type, str] = {dict: "JSONObject", list: "JSONArray"}
    expected = containers.get(type(schema)) or schema.__name__
    return validation_error(
        f"Properties validation failed for resource {logical_id} with message: "
        f"#/{path.partition('/')[2]}: expected type: {expected}, found: {value!r}"
    )


def generated_name(stack: str, logical_id: str, max_length: int = 64) -> str:
    """Return ``<stack>-<logical id>-<random>``."""
    suffix = "".join(random.choices(string.ascii_uppercase + string.digits, k=12))
    return f"{stack}-{logical_id}"[: max_length - 13] + f"-{suffix}"


def tag_changes(old: Properties, new: Properties) -> tuple[list[dict[str, str]], list[str]]:
    """Return the tags to set and the keys to remove."""
    before = {tag["Key"]: tag["Value"] for tag in old.get("Tags", [])}
    after = {tag["Key"]: tag["Value"] for tag in new.get("Tags", [])}
    changed = [{"Key": k, "Value": v} for k, v in after.items() if before.get(k) != v]
    return changed, [key for key in before if key not in after]


def changed(old: Properties, new: Properties, name: str) -> bool:
    return bool(old.get(name) != new.get(name))


def added_and_removed(old: Properties, new: Properties, name: str) -> tuple[list[Any], list[Any]]:
    """Return the items of a list property that are only in ``new``, and only in ``old``."""
    before, after = old.get(name, []), new.get(name, [])
    return [i for i in after if i not in before], [i for i in before if i not in after]


def is_missing(error: ClientError) -> bool:
    """Return whether the error says that the resource does not exist."""
    text = f"{error.response['Error']['Code']} {error.response['Error'].get('Message', '')}"
    return any(phrase in text for phrase in _MISSING)


@contextmanager
def missing_ok() -> Iterator[None]:
    """Ignore the error of a removal that says that there is nothing to remove."""
    try:
        yield
    except ClientError as error:
        if not is_missing(error):
            raise


def policy(document: Any) -> str:
    return json.dumps(document)
