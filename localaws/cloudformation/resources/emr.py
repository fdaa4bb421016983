"""EMR: security configurations."""

from __future__ import annotations

import json
from typing import ClassVar

from localaws.cloudformation.resources.base import Json, Properties, ResourceType


class SecurityConfiguration(ResourceType):
    type_name = "AWS::EMR::SecurityConfiguration"
    schema: ClassVar = {"Name": str, "SecurityConfiguration": Json}
    required = ("SecurityConfiguration",)
    immutable = ("Name", "SecurityConfiguration")
    name_property = "Name"

    def create(self, properties: Properties, name: str) -> str:
        created = self.aws["emr"].create_security_configuration(
            Name=properties.get("Name") or name,
            SecurityConfiguration=json.dumps(properties["SecurityConfiguration"]),
        )
        return str(created["Name"])

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["emr"].delete_security_configuration(Name=resource_id)
