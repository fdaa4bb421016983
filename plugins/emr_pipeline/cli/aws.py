"""Clients of the account that boto3 finds: profile, keys or role, region and endpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config

from emr_pipeline.cli.console import CommandError

WITHOUT_RETRIES = Config(retries={"total_max_attempts": 1})


class S3Objects:
    """The methods of S3Hook that ``logs.Objects`` has."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def list_keys(self, bucket_name: str, prefix: str) -> list[str]:
        return [found.key for found in self._s3.Bucket(bucket_name).objects.filter(Prefix=prefix)]

    def get_key(self, key: str, bucket_name: str) -> Any:
        return self._s3.Object(bucket_name, key)


class Aws:
    """The account, and its boto3 clients.

    ``variables`` has AWS_DEFAULT_REGION if the settings file has it. Raises CommandError if no region is set.
    """

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        region = variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
        self._session = boto3.Session(region_name=region)
        if not self._session.region_name:
            raise CommandError(
                "No AWS region is set: set AWS_DEFAULT_REGION, or a region in your AWS profile"
            )
        self.region: str = self._session.region_name
        self.client = cache(self._client)

    def _client(self, service: str, *, retries: bool = True) -> Any:
        return self._session.client(service, config=None if retries else WITHOUT_RETRIES)

    @cached_property
    def s3(self) -> S3Objects:
        return S3Objects(self._session.resource("s3"))

    @cached_property
    def identity(self) -> dict[str, str]:
        """The response of GetCallerIdentity."""
        identity: dict[str, str] = self.client("sts").get_caller_identity()
        return identity

    @property
    def account(self) -> str:
        return self.identity["Account"]

    @property
    def endpoint(self) -> str:
        """The address of a local AWS; '' on AWS."""
        return os.environ.get("AWS_ENDPOINT_URL", "")

    def __str__(self) -> str:
        return f"account {self.account}, region {self.region}" + (
            f", {self.endpoint}" if self.endpoint else ""
        )
