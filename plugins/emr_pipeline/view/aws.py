"""AWS as the pages see it: through Airflow's connection, and with words for what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from airflow.providers.amazon.aws.hooks.emr import EmrHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.settings import Settings, SettingsError
from emr_pipeline.view.pages import Problem

CLIENT_CONFIG = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 2})
"""Somebody waits for the page."""

HOOK_SECONDS = 60
"""How long a hook is kept: making its client takes longer than a request, yet a changed connection must be seen."""

GONE = ("NoSuchKey", "NoSuchBucket", "404", "InvalidRequestException")
"""Error codes for what is not there; the last is EMR's for an id that it does not know."""


def settings() -> Settings:
    """Return the settings; raise Problem with the variable that is missing where the API server runs."""
    try:
        return Settings.from_environment()
    except SettingsError as error:
        raise Problem(
            "The pipeline's settings are incomplete",
            f"{error}. The API server needs the same EMR_PIPELINE_ variables as the workers.",
            HTTPStatus.SERVICE_UNAVAILABLE,
        ) from None


def s3(settings: Settings) -> S3Hook:
    hook: S3Hook = _hook(S3Hook, settings.aws_conn_id, _period())
    return hook


def emr(settings: Settings) -> Any:
    return _hook(EmrHook, settings.aws_conn_id, _period()).conn


def _period() -> int:
    return int(time.monotonic() // HOOK_SECONDS)


@lru_cache(maxsize=2)
def _hook(kind: Callable[..., Any], aws_conn_id: str, period: int) -> Any:
    return kind(aws_conn_id=aws_conn_id, config=CLIENT_CONFIG)


@contextmanager
def explained(settings: Settings, subject: str, if_gone: str) -> Iterator[None]:
    """Turn what AWS, or the way to it, refuses into a Problem that names ``subject``."""
    asked = f"Airflow's connection {settings.aws_conn_id} was asked for {subject}"
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            raise Problem("It is no longer there", f"There is no {subject}. {if_gone}", 404) from error
        raise Problem("AWS refused", f"{asked}: {error}", 502) from error
    except BotoCoreError as error:
        raise Problem("AWS cannot be reached", f"{asked}: {error}", 502) from error
