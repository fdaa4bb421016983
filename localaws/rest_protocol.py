"""The REST JSON protocol: an operation is a method and a path; its members are in the path, the query and the body.

Source: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from __future__ import annotations

import json
import logging
import uuid
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from botocore.model import Shape
from werkzeug.wrappers import Request, Response

from localaws.operations import raw_path, rest_operation, rest_routes, service_model
from localaws.protocol import JSON, AwsError, Service, parse_body

log = logging.getLogger(__name__)


class RestJsonService(Service):
    """One AWS service with the REST JSON protocol."""

    def handle(self, request: Request) -> Response:
        """Return the response. An unexpected exception becomes an internal error."""
        try:
            return json_response(200, self._call(request))
        except AwsError as error:
            return rest_error(error.status, error.code, error.message)
        except Exception as error:
            log.exception("%s %s", request.method, request.path)
            return rest_error(500, "InternalServerException", f"the local AWS failed: {error!r}")

    def _call(self, request: Request) -> JSON:
        operation = rest_operation(self._model.service_name, request)
        if operation is None:
            message = f"{self._model.service_name} has no operation {request.method} {request.path}"
            raise AwsError("UnknownOperationException", message, 404)
        return self.call(operation, rest_members(self._model.service_name, operation, request))


def rest_members(service: str, operation: str, request: Request) -> JSON:
    """Return the members of a request, as they would be in a JSON body. Raises AwsError for an invalid body."""
    body = parse_body(request.get_data())
    if not isinstance(body, dict):
        raise AwsError("SerializationException", "the body is not a JSON object")
    shape = service_model(service).operation_model(operation).input_shape
    _, pattern = rest_routes(service)[operation]
    match = pattern.fullmatch(raw_path(request))
    assert match
    labels = {name: unquote(value) for name, value in match.groupdict().items()}
    query: JSON = {}
    for member, member_shape in shape.members.items() if shape else ():
        name = member_shape.serialization.get("name", member)
        if member_shape.serialization.get("location") == "querystring" and name in request.args:
            query[member] = _query_value(request.args.getlist(name), member_shape)
    return {**body, **labels, **query}


def json_response(status: int, members: JSON) -> Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return Response(json.dumps(members), status, headers, content_type="application/json")


def rest_error(status: int, code: str, message: str) -> Response:
    response = json_response(status, {"message": message})
    response.headers["x-amzn-ErrorType"] = code
    return response


def _query_value(texts: list[str], shape: Shape) -> Any:
    """Convert the values of a parameter to JSON; a text that cannot be converted fails the validation later."""
    if shape.type_name == "list":
        return [_query_value([text], shape.member) for text in texts]
    text = texts[-1]
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    with suppress(ValueError, OverflowError):
        if shape.type_name in {"integer", "long"}:
            return int(text)
        if shape.type_name == "timestamp":
            return datetime.fromisoformat(text).timestamp()
    return text
