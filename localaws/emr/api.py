"""EMR's API operations: one method each, from the request's members to the response's members.

Operations without a method are rejected as "not supported by the local AWS". Source of the behaviour:
https://docs.aws.amazon.com/emr/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from localaws.emr import serializers
from localaws.emr.app_uis import AppUis
from localaws.emr.cluster_operations import ClusterOperations
from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.errors import invalid_request
from localaws.emr.instance_operations import InstanceOperations
from localaws.emr.model import Cluster
from localaws.emr.operations import paged
from localaws.emr.request import RoleCheck
from localaws.emr.security import BLOCK_PUBLIC_ACCESS, SecurityConfigurations, block_public_access
from localaws.emr.step_operations import StepOperations
from localaws.protocol import JSON
from localaws.spark.releases import (
    SPARK_BY_RELEASE,
    applications,
    label_error,
    supported_instance_types,
)


class EmrApi(ClusterOperations, StepOperations, InstanceOperations):
    """The base classes have the operations on clusters, steps and instances; this one those of the account."""

    def __init__(
        self,
        registry: ClusterRegistry,
        phase: timedelta,
        check_roles: RoleCheck,
        launch: Callable[[Cluster], None],
        app_uis: AppUis,
    ) -> None:
        """``phase`` is the duration of STARTING and of BOOTSTRAPPING; ``launch`` starts running a new cluster."""
        self._registry, self._phase, self._check_roles, self._launch = registry, phase, check_roles, launch
        self._app_uis = app_uis
        self.security = SecurityConfigurations()
        self.public_access = block_public_access(BLOCK_PUBLIC_ACCESS, registry.clock())

    # Application UIs

    def create_persistent_app_ui(self, request: JSON) -> JSON:
        arn = request["TargetResourceArn"]
        self._cluster(arn.removeprefix(serializers.ARN))
        app_ui = self._app_uis.create(arn, request.get("Tags", []), self._registry.clock())
        return {"PersistentAppUIId": app_ui.id, "RuntimeRoleEnabledCluster": False}

    def describe_persistent_app_ui(self, request: JSON) -> JSON:
        return {"PersistentAppUI": self._app_uis.describe(request["PersistentAppUIId"])}

    def get_persistent_app_ui_presigned_url(self, request: JSON) -> JSON:
        kind = request.get("PersistentAppUIType", "SHS")
        return self._app_uis.presigned_url(request["PersistentAppUIId"], kind, request.get("ApplicationId"))

    # Releases

    def list_release_labels(self, request: JSON) -> JSON:
        prefix = request.get("Filters", {}).get("Prefix", "")
        return {"ReleaseLabels": [label for label in SPARK_BY_RELEASE if label.startswith(prefix)]}

    def describe_release_label(self, request: JSON) -> JSON:
        label = request.get("ReleaseLabel", "")
        if error := label_error(label):
            raise invalid_request(error)
        return {"ReleaseLabel": label, "Applications": applications(label)}

    def list_supported_instance_types(self, request: JSON) -> JSON:
        if error := label_error(request["ReleaseLabel"]):
            raise invalid_request(error)
        page, marker = paged(supported_instance_types(request["ReleaseLabel"]), request.get("Marker"))
        return {"SupportedInstanceTypes": [each.members for each in page], "Marker": marker}

    # Security configurations

    def create_security_configuration(self, request: JSON) -> JSON:
        now = self._registry.clock()
        self.security.create(request["Name"], request["SecurityConfiguration"], now)
        return {"Name": request["Name"], "CreationDateTime": now}

    def describe_security_configuration(self, request: JSON) -> JSON:
        found = self.security.get(request["Name"])
        return {
            "Name": found.name,
            "SecurityConfiguration": found.content,
            "CreationDateTime": found.created,
        }

    def list_security_configurations(self, request: JSON) -> JSON:
        page, marker = paged(list(self.security), request.get("Marker"))
        return {
            "SecurityConfigurations": [{"Name": s.name, "CreationDateTime": s.created} for s in page],
            "Marker": marker,
        }

    def delete_security_configuration(self, request: JSON) -> None:
        self.security.delete(request["Name"])

    def get_block_public_access_configuration(self, request: JSON) -> JSON:
        return self.public_access

    def put_block_public_access_configuration(self, request: JSON) -> None:
        self.public_access = block_public_access(
            request["BlockPublicAccessConfiguration"], self._registry.clock()
        )
