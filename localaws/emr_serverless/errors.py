"""The errors of EMR Serverless, with its codes, status codes and, as far as they are known, its messages."""

from __future__ import annotations

from localaws.protocol import AwsError


def validation_error(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def not_found(kind: str, identity: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"{kind} {identity} does not exist", 404)


def conflict(message: str) -> AwsError:
    return AwsError("ConflictException", message, 409)


def not_supported(what: str) -> AwsError:
    return validation_error(f"not supported by the local EMR Serverless: {what}")
