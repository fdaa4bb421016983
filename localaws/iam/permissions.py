"""A permission of IAM, the API call that needs it, and the resources that both name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from localaws import ACCOUNT
from localaws.protocol import JSON


@dataclass(frozen=True)
class Permission:
    """An action on a resource; ``context`` has the values of the condition keys."""

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """An API call. ``service`` is the prefix of its IAM actions; ``members`` of a call to S3: Bucket, Keys, Prefix."""

    service: str
    operation: str
    region: str
    members: JSON


class Resources(Protocol):
    """What is known of the resources that a call names; empty for those that do not exist."""

    def cluster_tags(self, cluster_id: str) -> Mapping[str, str]: ...

    def serverless_tags(self, path: str) -> Mapping[str, str]:
        """Return the tags of ``/applications/<id>`` or ``/applications/<id>/jobruns/<id>``."""

    def roles(self, instance_profile: str) -> list[str]: ...

    def query(self, execution_id: str) -> tuple[str, str]:
        """Return the workgroup of a query and the S3 URI of its result."""

    def table_location(self, database: str, table: str) -> str: ...

    def app_ui_target(self, app_ui_id: str) -> str:
        """Return the ARN of the cluster of a persistent application UI."""


def glue_permissions(
    operations: list[str], region: str, database: str, table: str = ""
) -> Iterator[Permission]:
    """Yield the permissions on a table (or database) and its ancestors, which Glue checks too.

    https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
    """
    prefix = f"arn:aws:glue:{region}:{ACCOUNT}:"
    arns = [f"{prefix}catalog", f"{prefix}database/{database}"]
    if table:
        arns.append(f"{prefix}table/{database}/{table}")
    for operation in operations:
        yield from (Permission(f"glue:{operation}", arn) for arn in arns)


def object_arn(uri: str) -> str:
    """Return the ARN of the object at an S3 URI."""
    return re.sub(r"^s3[an]?://", "arn:aws:s3:::", uri)


def bucket_arn(uri: str) -> str:
    return f"arn:aws:s3:::{urlsplit(uri).netloc}"
