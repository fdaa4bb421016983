"""Error responses of CloudFormation.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from localaws.protocol import AwsError


def validation_error(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def format_error(message: str) -> AwsError:
    return validation_error(f"Template format error: {message}")


def unsupported(what: str) -> AwsError:
    return validation_error(f"not supported by the local AWS: {what}")
