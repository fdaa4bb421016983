"""AWS's JSON protocol, both ways, driven by botocore's own service models.

A service is an object with one method for each operation it supports, named as the operation in
snake_case: it takes the request's members as a dict and returns the response's members as a dict.
What the model does not allow never reaches it, and what the model does not know never leaves it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import Shape
from botocore.validate import ParamValidator

JSON = dict[str, Any]


class AwsError(Exception):
    """An error the caller sees as AWS words it: ``code`` is the exception's name, ``members`` its other fields."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.members = code, message, status, members

    def body(self) -> JSON:
        return {"__type": self.code, "message": self.message, "Message": self.message, **self.members}


class JsonService:
    """One AWS service that speaks JSON: ``X-Amz-Target: <prefix>.<Operation>`` and a JSON body."""

    def __init__(self, name: str, api: object, invalid_request: str = "ValidationException") -> None:
        """``invalid_request`` is the error code the service uses for a request its model refuses."""
        self._model = botocore.session.get_session().get_service_model(name)
        self._api = api
        self._invalid_request = invalid_request
        self.target_prefix: str = self._model.metadata["targetPrefix"]

    def handle(self, target: str, body: bytes) -> tuple[int, JSON]:
        """Return the HTTP status and the response's members."""
        try:
            return 200, self._call(target.rpartition(".")[2], body)
        except AwsError as error:
            return error.status, error.body()

    def _call(self, operation: str, body: bytes) -> JSON:
        if operation not in self._model.operation_names:
            raise AwsError("UnknownOperationException", f"{self.target_prefix} has no operation {operation}")
        method = getattr(self._api, xform_name(operation), None)
        if method is None:
            raise AwsError("UnknownOperationException", f"not supported by the local AWS: {operation}", 501)
        shapes = self._model.operation_model(operation)
        try:
            request = json.loads(body or b"{}")
        except ValueError as error:
            raise AwsError("SerializationException", f"the body is not JSON: {error}") from None
        response = method(self._checked(request, shapes.input_shape))
        return to_wire(response or {}, shapes.output_shape) if shapes.output_shape else {}

    def _checked(self, request: JSON, shape: Shape) -> JSON:
        report = ParamValidator().validate(request, shape)
        problems = [report.generate_report()] if report.has_errors() else list(_violations(request, shape, ""))
        if problems:
            raise AwsError(self._invalid_request, "; ".join(problems))
        return from_wire(request, shape)


def _violations(value: Any, shape: Shape, path: str) -> list[str]:
    """What botocore leaves to the service: unknown members, enums, patterns and maximum lengths."""
    if value is None:
        return []
    if shape.type_name == "structure":
        unknown = [f"unknown member {path}.{name}" for name in value if name not in shape.members]
        known = [(name, item) for name, item in value.items() if name in shape.members]
        return unknown + [v for name, item in known for v in _violations(item, shape.members[name], f"{path}.{name}")]
    if shape.type_name == "list":
        return [v for i, item in enumerate(value) for v in _violations(item, shape.member, f"{path}[{i}]")]
    if shape.type_name == "map":
        return [v for key, item in value.items() for v in _violations(item, shape.value, f"{path}.{key}")]
    if shape.type_name != "string":
        return []
    found = []
    if shape.enum and value not in shape.enum:
        found.append(f"{path} is {value!r}, must be one of {', '.join(shape.enum)}")
    if len(value) > shape.metadata.get("max", len(value)):
        found.append(f"{path} is longer than {shape.metadata['max']} characters")
    if (pattern := shape.metadata.get("pattern")) and "\\p{" not in pattern and "\\u" not in pattern:
        # Java's character classes and escapes above mean something else to Python's re.
        if re.fullmatch(pattern, value, re.DOTALL) is None:
            found.append(f"{path} is {value!r}, which does not match {pattern}")
    return found


def from_wire(value: Any, shape: Shape) -> Any:
    """Turn a request's JSON into Python: epoch seconds become aware datetimes."""
    if shape.type_name == "structure":
        return {n: from_wire(v, shape.members[n]) for n, v in value.items() if v is not None}
    if shape.type_name == "list":
        return [from_wire(v, shape.member) for v in value]
    if shape.type_name == "map":
        return {k: from_wire(v, shape.value) for k, v in value.items()}
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(float(value), UTC)
    return value


def to_wire(value: Any, shape: Shape) -> Any:
    """Turn a response into JSON: datetimes become epoch seconds, None is left out, and a member that the
    service model does not have is our own mistake (KeyError)."""
    if shape.type_name == "structure":
        assert isinstance(value, Mapping), f"{shape.name} must be a mapping, not {value!r}"
        return {n: to_wire(v, shape.members[n]) for n, v in value.items() if v is not None}
    if shape.type_name == "list":
        return [to_wire(v, shape.member) for v in value]
    if shape.type_name == "map":
        return {k: to_wire(v, shape.value) for k, v in value.items()}
    if shape.type_name == "timestamp":
        return value.timestamp()
    return value
