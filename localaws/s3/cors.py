"""The CORS rules of a bucket, applied as S3 applies them.

The first rule that matches the origin, the method and the headers of a request adds its headers to the response. If no
rule matches, a preflight is rejected, and other responses have no CORS headers. See
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from localaws.errors import s3_error

_REQUESTED_METHOD = "Access-Control-Request-Method"
_REQUESTED_HEADERS = "Access-Control-Request-Headers"
_NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method "
    "/ Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)


class Rule(Protocol):
    """A rule of PutBucketCors, as moto stores it."""

    allowed_methods: Sequence[str]
    allowed_origins: Sequence[str]
    allowed_headers: Sequence[str] | None
    exposed_headers: Sequence[str] | None
    max_age_seconds: str | None


def strip_cors_headers(app: WSGIApplication) -> WSGIApplication:
    """Return the application without the CORS headers of its responses: moto allows all origins everything."""

    def without_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start_without_cors(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            kept = [header for header in headers if not header[0].lower().startswith("access-control-")]
            return start_response(status, kept, exc_info)

        return app(environ, start_without_cors)

    return without_headers


def preflight_response(request: Request, rules: Sequence[Rule] | None) -> Response:
    """Return the response to OPTIONS by the bucket's rules; ``rules`` is None if the bucket does not exist."""
    if "Origin" not in request.headers:
        return s3_error(400, "BadRequest", "Insufficient information. Origin request header needed.")
    if rules is None:
        return s3_error(403, "AccessForbidden", "CORSResponse: Bucket not found")
    if not rules:
        return s3_error(403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
    if _REQUESTED_METHOD not in request.headers:
        return s3_error(400, "BadRequest", "Invalid Access-Control-Request-Method: null")
    headers = cors_headers(request, rules)
    return (
        Response(status=200, headers=headers) if headers else s3_error(403, "AccessForbidden", _NOT_ALLOWED)
    )


def cors_headers(request: Request, rules: Sequence[Rule]) -> dict[str, str]:
    """Return the CORS headers of the first matching rule; none if there is no Origin header or no such rule."""
    origin = request.headers.get("Origin")
    method = request.headers.get(_REQUESTED_METHOD, request.method)
    requested = [name.strip().lower() for name in request.headers.get(_REQUESTED_HEADERS, "").split(",")]
    requested = [name for name in requested if name]
    for rule in rules:
        if origin and _matches_rule(rule, origin, method, requested):
            return _headers(rule, origin, requested)
    return {}


def _matches_rule(rule: Rule, origin: str, method: str, requested: Sequence[str]) -> bool:
    allowed = [name.lower() for name in rule.allowed_headers or ()]
    return (
        method in rule.allowed_methods
        and _matches(rule.allowed_origins, origin)
        and all(_matches(allowed, name) for name in requested)
    )


def _matches(patterns: Sequence[str], text: str) -> bool:
    """Return whether one of the patterns (``*`` matches any characters) matches the whole text."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) for pattern in patterns
    )


def _headers(rule: Rule, origin: str, requested: Sequence[str]) -> dict[str, str]:
    any_origin = "*" in rule.allowed_origins
    headers = {
        "Access-Control-Allow-Origin": "*" if any_origin else origin,
        "Access-Control-Allow-Credentials": "" if any_origin else "true",
        "Access-Control-Allow-Methods": ", ".join(rule.allowed_methods),
        "Access-Control-Allow-Headers": ", ".join(requested),
        "Access-Control-Expose-Headers": ", ".join(rule.exposed_headers or ()),
        "Access-Control-Max-Age": rule.max_age_seconds or "",
        "Vary": f"Origin, {_REQUESTED_HEADERS}, {_REQUESTED_METHOD}",
    }
    return {name: value for name, value in headers.items() if value}
