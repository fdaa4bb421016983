"""The boto3 clients of an Airflow connection, for the targets."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from botocore.config import Config


class HookClients:
    """Clients with the arguments of the hooks: ``aws_conn_id``, ``region_name``, ``verify``, ``config``."""

    def __init__(self, **connection: Any) -> None:
        self._connection = connection

    def client(self, service: str, *, retries: bool = True) -> Any:
        config = {} if retries else {"config": Config(retries={"total_max_attempts": 1})}
        return AwsBaseHook(client_type=service, **self._connection | config).conn

    @cached_property
    def s3(self) -> S3Hook:
        return S3Hook(**self._connection)
