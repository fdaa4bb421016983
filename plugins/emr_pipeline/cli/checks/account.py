"""The credentials."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.cli.checks.check import Deployment, Failed, check


@check("credentials")
def credentials(deployment: Deployment) -> str:
    try:
        return f"{deployment.aws.identity['Arn']} in {deployment.aws}"
    except (BotoCoreError, ClientError) as error:
        raise Failed(str(error), "log in, for example with `aws sso login`, or set AWS_PROFILE") from None


CHECKS = (credentials,)
