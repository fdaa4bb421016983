"""The AWS JSON protocol, validated and converted by botocore's service models.

A service is an object with one method for each supported operation. The method has the operation's name in snake_case,
takes the request's members as a dict and returns the response's members as a dict. Requests that do not fit the model
are rejected before the method is called; a response that does not fit the model is an error.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import Shape
from botocore.validate import ParamValidator

JSON = dict[str, Any]
# The user agent of the local AWS's own API calls; planned faults do not apply to them.
OWN_USER_AGENT = "localaws"
# Those of CloudFormation, which on AWS calls with the permissions of the stack's caller.
CLOUDFORMATION_USER_AGENT = f"{OWN_USER_AGENT} cloudformation"
log = logging.getLogger(__name__)
_BITS = {"integer": 32, "long": 64}
_YEAR_10000 = 253_402_300_800  # in seconds since the epoch; no datetime is as late


class AwsError(Exception):
    """An AWS error response: ``code`` is its type, ``members`` are its other fields."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.members = code, message, status, members

    def body(self) -> JSON:
        members = {name: value for name, value in self.members.items() if value is not None}
        return {"__type": self.code, "message": self.message, "Message": self.message, **members}


class Service:
    """One AWS service: validates the members of a request, calls the method of ``api``, converts the response."""

    def __init__(self, name: str, api: object, invalid_request: str = "ValidationException") -> None:
        """``name`` is botocore's; ``invalid_request`` is the error code for requests that do not fit the model."""
        self._model = botocore.session.get_session().get_service_model(name)
        self._api = api
        self._invalid_request = invalid_request

    def call(self, operation: str, request: Any) -> JSON:
        """Return the members of the response, as they are in its JSON body. Raises AwsError."""
        method = getattr(self._api, xform_name(operation), None)
        if method is None:
            raise AwsError("UnknownOperationException", f"not supported by the local AWS: {operation}", 501)
        shapes = self._model.operation_model(operation)
        members = self._validate(request, shapes.input_shape) if shapes.input_shape else {}
        response = method(members)
        return serialize(response or {}, shapes.output_shape) if shapes.output_shape else {}

    def _validate(self, request: Any, shape: Shape) -> JSON:
        report = _Validator().validate(request, shape)
        problems = [report.generate_report()] if report.has_errors() else violations(request, shape, "")
        if problems:
            raise AwsError(self._invalid_request, "; ".join(problems))
        members: JSON = deserialize(request, shape)
        return members


class JsonService(Service):
    """The AWS JSON protocol: ``X-Amz-Target: <prefix>.<Operation>`` and a JSON body."""

    def __init__(self, name: str, api: object, invalid_request: str = "ValidationException") -> None:
        super().__init__(name, api, invalid_request)
        self.target_prefix: str = self._model.metadata["targetPrefix"]

    def handle(self, target: str, body: bytes) -> tuple[int, JSON]:
        """Return the HTTP status and the response's members. An unexpected exception becomes an internal error."""
        operation = target.rpartition(".")[2]
        try:
            if operation not in self._model.operation_names:
                raise AwsError(
                    "UnknownOperationException", f"{self.target_prefix} has no operation {operation}"
                )
            return 200, self.call(operation, parse_body(body))
        except AwsError as error:
            return error.status, error.body()
        except Exception as error:
            log.exception("%s", target)
            return 500, AwsError("InternalServerException", f"the local AWS failed: {error!r}").body()


class _Validator(ParamValidator):  # type: ignore[misc]  # botocore is untyped
    """botocore's validator, for values as they are in the JSON body."""

    def _validate_timestamp(self, value: Any, shape: Shape, errors: Any, name: str) -> None:
        """botocore accepts dates as text; the JSON protocol only allows seconds since the epoch."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _YEAR_10000:
            errors.report(name, "invalid type", param=value, valid_types=["seconds since the epoch"])


def parse_body(body: bytes) -> Any:
    """Parse a JSON body. Raises AwsError for invalid JSON, infinite numbers, invalid Unicode or too deep nesting."""
    try:
        request = _without_nulls(json.loads(body or b"{}", parse_constant=_finite, parse_float=_finite))
        json.dumps(request, ensure_ascii=False).encode()  # fails for half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", f"the body is not JSON: {error}") from None
    return request


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def _without_nulls(value: Any) -> Any:
    """Remove null members: for AWS a null is the same as a missing member."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def violations(value: Any, shape: Shape, path: str) -> list[str]:
    """Return violations that botocore does not check: enums, string patterns and maximum lengths, number ranges."""
    if shape.type_name == "structure":
        return [v for n, item in value.items() for v in violations(item, shape.members[n], f"{path}.{n}")]
    if shape.type_name == "list":
        return [v for i, item in enumerate(value) for v in violations(item, shape.member, f"{path}[{i}]")]
    if shape.type_name == "map":
        return [v for key, item in value.items() for v in violations(item, shape.value, f"{path}.{key}")]
    if shape.type_name in _BITS:
        return _number_violations(value, shape, path)
    return _text_violations(value, shape, path) if shape.type_name == "string" else []


def _number_violations(value: int, shape: Shape, path: str) -> list[str]:
    limit = 2 ** (_BITS[shape.type_name] - 1)
    if isinstance(value, bool) or not -limit <= value < limit:
        return [f"{path} is {str(value)[:30]}, which is not a valid {shape.type_name}"]
    if value > shape.metadata.get("max", value):
        return [f"{path} is {value}, must be at most {shape.metadata['max']}"]
    return []


def _text_violations(value: str, shape: Shape, path: str) -> list[str]:
    found = []
    if shape.enum and value not in shape.enum:
        found.append(f"{path} is {value!r}, must be one of {', '.join(shape.enum)}")
    if len(value) > shape.metadata.get("max", len(value)):
        found.append(f"{path} is longer than {shape.metadata['max']} characters")
    pattern = shape.metadata.get("pattern", "")
    # Java's character classes and escapes have another meaning in Python's re, and flags may be anywhere.
    is_supported = pattern and not any(java in pattern for java in ("\\p{", "\\u", "(?i)"))
    if is_supported and re.fullmatch(pattern, value, re.DOTALL) is None:
        found.append(f"{path} is {value!r}, which does not match {pattern}")
    return found


def deserialize(value: Any, shape: Shape) -> Any:
    """Convert a request's JSON into Python values: epoch seconds become aware datetimes."""
    if shape.type_name == "structure":
        return {n: deserialize(v, shape.members[n]) for n, v in value.items()}
    if shape.type_name == "list":
        return [deserialize(v, shape.member) for v in value]
    if shape.type_name == "map":
        return {k: deserialize(v, shape.value) for k, v in value.items()}
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(float(value), UTC)
    return value


def serialize(value: Any, shape: Shape) -> Any:
    """Convert a response into JSON: datetimes become epoch seconds, None is omitted.

    Raises KeyError for a member that the service model does not have.
    """
    if shape.type_name == "structure":
        assert isinstance(value, Mapping), f"{shape.name} must be a mapping, not {value!r}"
        return {n: serialize(v, shape.members[n]) for n, v in value.items() if v is not None}
    if shape.type_name == "list":
        return [serialize(v, shape.member) for v in value]
    if shape.type_name == "map":
        return {k: serialize(v, shape.value) for k, v in value.items()}
    if shape.type_name == "timestamp":
        return value.timestamp()
    return value
