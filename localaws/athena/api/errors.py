"""Errors of Athena's API: InvalidRequestException for requests that are wrong or not supported."""

from __future__ import annotations

from localaws.protocol import JSON, AwsError


def invalid_request(message: str, code: str | None = None) -> AwsError:
    members: JSON = {"AthenaErrorCode": code} if code else {}
    return AwsError("InvalidRequestException", message, **members)


def unsupported_request(what: str) -> AwsError:
    return invalid_request(f"not supported by the local Athena: {what}")
