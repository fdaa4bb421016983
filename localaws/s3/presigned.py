"""Validation and expiry of presigned S3 URLs.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html for version 4,
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html for version 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

MAX_EXPIRES_SECONDS = 604_800  # a week
_CLOCK_SKEW = timedelta(minutes=15)
_REQUIRED = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")
Error = tuple[HTTPStatus, str, str]


def signature_error(query: Mapping[str, str], now: datetime) -> Error | None:
    """Return status, code and message of S3's error if the signature parameters are invalid or expired at ``now``.

    The signature itself is not verified: the local AWS accepts any credentials.
    """
    if "X-Amz-Algorithm" in query or "X-Amz-Signature" in query:
        return _version_4(query, now)
    if "Signature" in query and "AWSAccessKeyId" in query:
        return _version_2(query, now)
    return None


def _version_4(query: Mapping[str, str], now: datetime) -> Error | None:  # noqa: PLR0911 - one for each rule
    if any(f"X-Amz-{name}" not in query for name in _REQUIRED):
        names = ", ".join(f"X-Amz-{name}" for name in _REQUIRED)
        return _malformed(f"Query-string authentication version 4 requires the parameters {names}.")
    try:
        seconds = int(query["X-Amz-Expires"])
    except ValueError:
        return _malformed("X-Amz-Expires should be a number")
    if seconds < 0:
        return _malformed("X-Amz-Expires must be non-negative")
    if seconds > MAX_EXPIRES_SECONDS:
        return _malformed(
            f"X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be "
            f"less than {MAX_EXPIRES_SECONDS} seconds"
        )
    try:
        signed = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return _malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    if signed > now + _CLOCK_SKEW:
        return _denied("Request is not yet valid")
    return _denied("Request has expired") if (now - signed).total_seconds() > seconds else None


def _version_2(query: Mapping[str, str], now: datetime) -> Error | None:
    expires = query.get("Expires", "")
    if not expires.isdecimal():
        return _denied(f"Invalid date (should be seconds since epoch): {expires}")
    return _denied("Request has expired") if now.timestamp() > int(expires) else None


def _malformed(message: str) -> Error:
    return HTTPStatus.BAD_REQUEST, "AuthorizationQueryParametersError", message


def _denied(message: str) -> Error:
    return HTTPStatus.FORBIDDEN, "AccessDenied", message
