"""The AWS clients of the pages, which use Airflow's connection, and messages for their errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http import HTTPStatus

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.hook_clients import HookClients
from emr_pipeline.settings import Settings, SettingsError
from emr_pipeline.targets.registry import target_class
from emr_pipeline.targets.target import Target
from emr_pipeline.view.pages import Problem

CLIENT_CONFIG = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 2})
"""Short timeouts, because a user waits for the page."""

HOOK_SECONDS = 60
"""How long a hook or a target is cached: a new client takes longer than a request, but a changed connection must take
effect."""

NOT_FOUND = ("NoSuchKey", "NoSuchBucket", "404", "InvalidRequestException", "ResourceNotFoundException")
"""Error codes for a resource that does not exist; the last two are EMR's and EMR Serverless's for an unknown id."""


def settings() -> Settings:
    """Return the settings; raise Problem for a variable that is missing in the environment of the API server."""
    try:
        return Settings.from_environment()
    except SettingsError as error:
        raise Problem(
            "The settings are incomplete",
            f"{error}. The API server needs the same EMR_PIPELINE_ variables as the workers.",
            HTTPStatus.SERVICE_UNAVAILABLE,
        ) from None


def s3(settings: Settings) -> S3Hook:
    return _s3(settings.aws_conn_id, _period())


def target(settings: Settings, name: str) -> Target:
    return _target(name, settings.aws_conn_id, _period())


def _period() -> int:
    return int(time.monotonic() // HOOK_SECONDS)


@lru_cache(maxsize=2)
def _target(name: str, aws_conn_id: str, period: int) -> Target:
    return target_class(name)(HookClients(aws_conn_id=aws_conn_id, config=CLIENT_CONFIG))


@lru_cache(maxsize=1)
def _s3(aws_conn_id: str, period: int) -> S3Hook:
    return HookClients(aws_conn_id=aws_conn_id, config=CLIENT_CONFIG).s3


def is_not_found(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in NOT_FOUND


@contextmanager
def errors_as_problems(settings: Settings, resource: str, if_not_found: str) -> Iterator[None]:
    """Turn an error of AWS, or of the connection to it, into a Problem that names the ``resource``."""
    request = f"The request for {resource} with Airflow's connection {settings.aws_conn_id} failed"
    try:
        yield
    except ClientError as error:
        if is_not_found(error):
            raise Problem("Not found", f"There is no {resource}. {if_not_found}", 404) from error
        raise Problem("AWS returned an error", f"{request}: {error}", 502) from error
    except BotoCoreError as error:
        raise Problem("AWS cannot be reached", f"{request}: {error}", 502) from error
