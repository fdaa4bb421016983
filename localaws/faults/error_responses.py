"""Error responses of failing calls, with the codes and messages of the called service.

Sources: "Common errors" of the EMR, Athena and Glue API references, and Amazon S3's "Error responses".
"""

from __future__ import annotations

from werkzeug.wrappers import Response

from localaws.errors import json_error, s3_error
from localaws.faults.kinds import CallFault, Deny, QuotaExceeded, ServerError, Throttle
from localaws.operations import REST_JSON_SERVICES, Operation
from localaws.rest_protocol import rest_error

QUOTA_EXCEEDED = "ServiceQuotaExceededException"
_REST_STATUS = {"ThrottlingException": 429, "AccessDeniedException": 403}
_S3_ERRORS = {
    500: ("InternalError", "We encountered an internal error. Please try again."),
    503: ("ServiceUnavailable", "Service is unable to handle request."),
}


def error_response(operation: Operation, fault: CallFault) -> Response:
    if operation.service == "s3":
        return s3_error(*_s3_error_fields(fault))
    if operation.service in REST_JSON_SERVICES:
        status, code, message = _json_error_fields(operation, fault)
        return rest_error(_REST_STATUS.get(code, status), code, message)
    return json_error(*_json_error_fields(operation, fault))


def _s3_error_fields(fault: CallFault) -> tuple[int, str, str]:
    match fault:
        case Throttle():
            return 503, "SlowDown", "Please reduce your request rate."
        case Deny():
            return 403, "AccessDenied", "Access Denied"
        case ServerError(status=status):
            code, message = _S3_ERRORS[status]
            return status, code, message
    raise AssertionError(f"{fault} has no answer")


def _json_error_fields(operation: Operation, fault: CallFault) -> tuple[int, str, str]:
    match fault:
        case Throttle():
            own = [code for code in operation.errors if code == "TooManyRequestsException"]
            return 400, (own or ["ThrottlingException"])[0], "Rate exceeded"
        case Deny():
            why = f"because no identity-based policy allows the {operation} action"
            who = "User: arn:aws:iam::123456789012:user/local is not authorized to perform"
            return 400, "AccessDeniedException", f"{who}: {operation} {why}"
        case QuotaExceeded():
            return 402, QUOTA_EXCEEDED, "The request exceeds a service quota of the account."
        case ServerError(status=503):
            return (
                503,
                "ServiceUnavailable",
                "The request has failed due to a temporary failure of the server.",
            )
        case ServerError():
            own = [code for code in operation.errors if code.startswith("Internal")]
            return 500, (own or ["InternalFailure"])[0], "The request processing has failed."
    raise AssertionError(f"{fault} has no answer")
