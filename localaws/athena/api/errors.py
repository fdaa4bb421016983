"""Errors of Athena's API: InvalidRequestException for requests, MetadataException for what is not in the catalog."""

from __future__ import annotations

from uuid import uuid4

from localaws.protocol import JSON, AwsError


def invalid_request(message: str, code: str | None = None) -> AwsError:
    members: JSON = {"AthenaErrorCode": code} if code else {}
    return AwsError("InvalidRequestException", message, **members)


def unsupported_request(what: str) -> AwsError:
    return invalid_request(f"not supported by the local Athena: {what}")


def entity_not_found(message: str) -> AwsError:
    """Return the error for a database or table that is not in the Glue catalog.

    Clients read the error of Glue from the end of the message: https://github.com/DyfanJones/noctua/issues/205.
    """
    of_glue = "Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException"
    return AwsError("MetadataException", f"{message} ({of_glue}; Request ID: {uuid4()}; Proxy: null)")
