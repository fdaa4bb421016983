"""The errors of EMR, with EMR's codes and messages.

The older operations (RunJobFlow, AddJobFlowSteps, TerminateJobFlows, Set...) return ValidationException,
the newer ones (Describe..., List..., tags, policies) return InvalidRequestException.
"""

from __future__ import annotations

from localaws.protocol import AwsError


def validation_error(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def invalid_request(message: str, error_code: str | None = None) -> AwsError:
    return AwsError("InvalidRequestException", message, ErrorCode=error_code)


def no_such_cluster(cluster_id: str) -> AwsError:
    return invalid_request(f"Cluster id '{cluster_id}' is not valid.", "NoSuchCluster")


def no_such_job_flow() -> AwsError:
    return validation_error("Specified job flow ID does not exist.")


def shutting_down() -> AwsError:
    return validation_error("A job flow that is shutting down, terminated, or finished may not be modified.")


def not_supported(what: str) -> AwsError:
    return validation_error(f"not supported by the local EMR: {what}")
