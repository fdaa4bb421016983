"""Error responses of S3 and of the services with the AWS JSON 1.1 protocol.

Sources: Amazon S3's "Error responses", and https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from __future__ import annotations

import json
import uuid
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response


def s3_error(status: int, code: str, message: str) -> Response:
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Response(text, status, mimetype="application/xml")


def json_error(status: int, code: str, message: str) -> Response:
    body = json.dumps({"__type": code, "message": message, "Message": message})
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return Response(body, status, headers, content_type="application/x-amz-json-1.1")
