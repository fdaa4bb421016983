"""The AWS query protocol: the operation and its members are fields of a form, the response is XML.

moto's parser and serializer convert them by botocore's service model. A service is an object as for JsonService.
Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore import xform_name
from botocore.validate import ParamValidator
from moto.core.parse import QueryParser
from moto.core.serialize import QuerySerializer
from moto.core.utils import get_service_model
from werkzeug.wrappers import Request, Response

from localaws.operations import signing_credential
from localaws.protocol import AwsError, violations

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    region: str
    access_key: str
    token: str | None


class QueryService:
    """One AWS service with the query protocol; ``api`` returns the object with its operations for one caller."""

    def __init__(self, name: str, api: Callable[[Caller], object]) -> None:
        self._model: Any = get_service_model(name)
        self._api = api

    def handle(self, request: Request) -> Response:
        """Return the response. An unexpected exception becomes an internal error."""
        action = request.values.get("Action", "")
        try:
            return self._call(action, request)
        except AwsError as error:
            return _error(error)
        except Exception as error:
            log.exception("%s", action)
            return _error(AwsError("InternalFailure", f"the local AWS failed: {error!r}", 500))

    def _call(self, action: str, request: Request) -> Response:
        if action not in self._model.operation_names:
            raise AwsError("InvalidAction", f"{self._model.service_name} has no operation {action}")
        method = getattr(self._api(_caller(request)), xform_name(action), None)
        if method is None:
            raise AwsError("InvalidAction", f"not supported by the local AWS: {action}", 501)
        operation = self._model.operation_model(action)
        fields: Any = {"values": request.values}
        members = QueryParser(operation).parse(fields)
        report = ParamValidator().validate(members, operation.input_shape)
        if problems := [report.generate_report()] if report.has_errors() else []:
            raise AwsError("ValidationError", "; ".join(problems))
        if problems := violations(members, operation.input_shape, ""):
            raise AwsError("ValidationError", "; ".join(problems))
        answer = QuerySerializer(operation).serialize(method(members) or {})
        return Response(answer["body"], answer["status_code"], answer["headers"])


def _caller(request: Request) -> Caller:
    access_key, region = signing_credential(request) or ("local", "us-east-1")
    return Caller(region, access_key, request.headers.get("X-Amz-Security-Token"))


def _error(error: AwsError) -> Response:
    details = f"<Type>Sender</Type><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    text = f"<ErrorResponse><Error>{details}</Error><RequestId>{uuid4()}</RequestId></ErrorResponse>"
    return Response(text, error.status, content_type="text/xml")
