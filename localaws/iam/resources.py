"""The resources of the running local AWS, as far as permissions name them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError

from localaws import ACCOUNT
from localaws.protocol import AwsError


class KnownResources:
    """The resources of the running local AWS: those of EMR, EMR Serverless and Athena, and moto's IAM and Glue."""

    def __init__(
        self,
        tags: Callable[[str], Mapping[str, str]],
        serverless_tags: Callable[[str], Mapping[str, str]],
        query: Callable[[str], tuple[str, str]],
        catalog_region: str,
        app_ui_target: Callable[[str], str],
    ) -> None:
        """``tags`` returns the tags of a cluster, ``serverless_tags`` those of a path of EMR Serverless, ``query`` the
        workgroup of a query and the URI of its result, ``app_ui_target`` the ARN of the cluster of a persistent
        application UI.
        """
        self._tags, self._serverless_tags = tags, serverless_tags
        self._query, self._catalog_region = query, catalog_region
        self.app_ui_target = app_ui_target

    def cluster_tags(self, cluster_id: str) -> Mapping[str, str]:
        return self._tags(cluster_id)

    def serverless_tags(self, path: str) -> Mapping[str, str]:
        return self._serverless_tags(path)

    def query(self, execution_id: str) -> tuple[str, str]:
        try:
            return self._query(execution_id)
        except (AwsError, BotoCoreError):
            return "", ""

    def roles(self, instance_profile: str) -> list[str]:
        """Return the ARNs of the profile's roles; without IAM setup, the role has the profile's name."""
        name = instance_profile.rpartition("/")[2]
        profiles = _moto("iam", "aws", "instance_profiles") or {}
        found = [profile for profile in profiles.values() if profile.name == name]
        return [role.arn for profile in found for role in profile.roles] or [name]

    def table_location(self, database: str, table: str) -> str:
        databases = _moto("glue", self._catalog_region, "databases") or {}
        found = getattr(databases.get(database), "tables", {}).get(table)
        return str(found.as_dict().get("StorageDescriptor", {}).get("Location", "")) if found else ""


def _moto(service: str, region: str, attribute: str) -> Any:
    """Return an attribute of moto's backend; None if the service has not been used yet."""
    models = sys.modules.get(f"moto.{service}.models")
    return getattr(getattr(models, f"{service}_backends")[ACCOUNT][region], attribute) if models else None
