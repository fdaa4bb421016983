"""Glue: databases of the catalog."""

from __future__ import annotations

from typing import ClassVar

from localaws.cloudformation.resources.base import Json, Properties, ResourceType


class Database(ResourceType):
    type_name = "AWS::Glue::Database"
    schema: ClassVar = {
        "CatalogId": str,
        "DatabaseInput": {"Name": str, "Description": str, "LocationUri": str, "Parameters": Json},
    }
    required = ("CatalogId", "DatabaseInput")
    immutable = ("CatalogId",)

    def create(self, properties: Properties, name: str) -> str:
        given = properties["DatabaseInput"]
        database: str = given.get("Name") or name.lower()
        self.aws["glue"].create_database(
            CatalogId=properties["CatalogId"], DatabaseInput={**given, "Name": database}
        )
        return database

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        if old:
            self.aws["glue"].update_database(
                CatalogId=new["CatalogId"],
                Name=resource_id,
                DatabaseInput={**new["DatabaseInput"], "Name": resource_id},
            )

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["glue"].delete_database(CatalogId=properties["CatalogId"], Name=resource_id)

    @classmethod
    def replaced_by(cls, old: Properties, new: Properties) -> bool:
        return super().replaced_by(old, new) or old["DatabaseInput"].get("Name") != new["DatabaseInput"].get(
            "Name"
        )
