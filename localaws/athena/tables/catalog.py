"""The Glue Data Catalog: databases, tables and partitions, read and written with Glue's API.

Names are in lower case, as in Glue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported

if TYPE_CHECKING:  # pyiceberg is slow to import
    from pyiceberg.io import FileIO

    from localaws.athena.tables.iceberg import IcebergCatalog

GlueTable = dict[str, Any]
_BATCH = 100  # the limit of BatchCreatePartition


_INPUT_MEMBERS = {
    *(
        "Name",
        "Description",
        "Owner",
        "Retention",
        "StorageDescriptor",
        "PartitionKeys",
        "TableType",
        "Parameters",
    ),
    *("ViewOriginalText", "ViewExpandedText"),
}


def table_input(table: GlueTable) -> dict[str, Any]:
    """Return the TableInput that creates an equal table."""
    return {name: value for name, value in table.items() if name in _INPUT_MEMBERS}


class AlreadyExists(Exception):
    """The database, table or partition exists already."""


@dataclass(frozen=True)
class TableColumn:
    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class Table:
    database: str
    name: str
    columns: tuple[TableColumn, ...]
    partition_keys: tuple[TableColumn, ...]
    location: str
    serde: str
    glue: GlueTable

    @property
    def is_iceberg(self) -> bool:
        return self.properties.get("table_type", "").upper() == "ICEBERG"

    @property
    def storage(self) -> dict[str, Any]:
        """Glue's StorageDescriptor."""
        return dict(self.glue.get("StorageDescriptor", {}))

    @property
    def serde_properties(self) -> dict[str, str]:
        return dict(self.storage.get("SerdeInfo", {}).get("Parameters", {}))

    @property
    def properties(self) -> dict[str, str]:
        """TBLPROPERTIES."""
        return dict(self.glue.get("Parameters", {}))

    @property
    def null_for_invalid_data(self) -> bool:
        """Whether a value that cannot be parsed is NULL instead of an error of the query."""
        given = self.serde_properties | self.properties
        return given.get("use.null.for.invalid.data", "").lower() == "true"

    @property
    def header_lines(self) -> int:
        """The number of lines at the beginning of each text file that are not data."""
        name = "skip.header.line.count"
        text = self.properties.get(name, self.serde_properties.get(name, "0"))
        if not text.strip().isdecimal():
            raise QueryFailed(
                f"HIVE_INVALID_METADATA: Invalid value for '{name}' property: {text}", DATA_ERROR
            )
        return int(text)


@dataclass(frozen=True)
class Partition:
    """``values`` are in the order of the partition keys. ``types`` are the column types of this partition."""

    values: tuple[str, ...]
    location: str
    types: dict[str, str]


class Catalog:
    def __init__(self, glue: Any, files: Callable[[], FileIO] | None = None) -> None:
        """``files`` returns the files of Iceberg tables; without it, these tables cannot be used."""
        self._glue, self._files = glue, files

    @cached_property
    def iceberg(self) -> IcebergCatalog:
        from localaws.athena.tables.iceberg import IcebergCatalog  # slow to import

        if self._files is None:
            raise not_supported("Iceberg tables without files")
        return IcebergCatalog(self._glue, self._files())

    # ---------------------------------------------------------------- databases
    def databases(self) -> list[dict[str, Any]]:
        pages = self._glue.get_paginator("get_databases").paginate()
        return sorted((db for page in pages for db in page["DatabaseList"]), key=lambda db: str(db["Name"]))

    def database(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._glue.get_database(Name=name.lower())["Database"]
        except self._glue.exceptions.EntityNotFoundException:
            return None
        return found

    def create_database(self, definition: dict[str, Any]) -> None:
        try:
            self._glue.create_database(DatabaseInput=definition)
        except self._glue.exceptions.AlreadyExistsException as error:
            raise AlreadyExists(definition["Name"]) from error

    def drop_database(self, name: str) -> None:
        for table in self.tables(name):
            self.drop_table(name, table["Name"])
        self._glue.delete_database(Name=name)

    def update_database(self, definition: dict[str, Any]) -> None:
        self._glue.update_database(Name=definition["Name"], DatabaseInput=definition)

    # ---------------------------------------------------------------- tables
    def tables(self, database: str) -> list[GlueTable]:
        pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=database.lower())
        return sorted((table for page in pages for table in page["TableList"]), key=lambda t: str(t["Name"]))

    def table(self, database: str, name: str) -> Table | None:
        """Return None if the table or its database does not exist."""
        try:
            glue = self._glue.get_table(DatabaseName=database.lower(), Name=name.lower())["Table"]
        except self._glue.exceptions.EntityNotFoundException:
            return None
        return self.as_table(glue)

    @staticmethod
    def as_table(glue: GlueTable) -> Table:
        storage = glue.get("StorageDescriptor", {})
        return Table(
            database=glue["DatabaseName"].lower(),
            name=glue["Name"],
            columns=_columns(storage.get("Columns", [])),
            partition_keys=_columns(glue.get("PartitionKeys", [])),
            location=storage.get("Location", ""),
            serde=storage.get("SerdeInfo", {}).get("SerializationLibrary", ""),
            glue=glue,
        )

    def create_table(self, database: str, definition: dict[str, Any]) -> None:
        try:
            self._glue.create_table(DatabaseName=database, TableInput=definition)
        except self._glue.exceptions.AlreadyExistsException as error:
            raise AlreadyExists(definition["Name"]) from error

    def update_table(self, database: str, definition: dict[str, Any]) -> None:
        self._glue.update_table(DatabaseName=database, TableInput=definition)

    def drop_table(self, database: str, name: str) -> None:
        self._glue.delete_table(DatabaseName=database, Name=name)

    # ---------------------------------------------------------------- partitions
    def partitions(self, table: Table) -> Iterator[Partition]:
        pages = self._glue.get_paginator("get_partitions").paginate(
            DatabaseName=table.database, TableName=table.name
        )
        for page in pages:
            for found in page["Partitions"]:
                storage = found.get("StorageDescriptor", {})
                types = {column["Name"].lower(): column["Type"] for column in storage.get("Columns", [])}
                yield Partition(tuple(found["Values"]), storage.get("Location", ""), types)

    def add_partitions(self, table: Table, partitions: Sequence[Partition]) -> None:
        """Register new partitions. Raises AlreadyExists if one of them exists."""
        template = {key: value for key, value in table.glue["StorageDescriptor"].items() if key != "Location"}
        inputs = [
            {"Values": list(p.values), "StorageDescriptor": {**template, "Location": p.location}}
            for p in partitions
        ]
        for start in range(0, len(inputs), _BATCH):
            answer = self._glue.batch_create_partition(
                DatabaseName=table.database,
                TableName=table.name,
                PartitionInputList=inputs[start : start + _BATCH],
            )
            for failure in answer.get("Errors", []):
                detail = failure["ErrorDetail"]
                if detail["ErrorCode"] == "AlreadyExistsException":
                    raise AlreadyExists(", ".join(failure["PartitionValues"]))
                raise ClientError(
                    {"Error": {"Code": detail["ErrorCode"], "Message": detail.get("ErrorMessage", "")}},
                    "BatchCreatePartition",
                )

    def update_partition(self, table: Table, partition: Partition) -> None:
        """Change the location of a partition."""
        storage = {**table.glue["StorageDescriptor"], "Location": partition.location}
        self._glue.update_partition(
            DatabaseName=table.database,
            TableName=table.name,
            PartitionValueList=list(partition.values),
            PartitionInput={"Values": list(partition.values), "StorageDescriptor": storage},
        )

    def drop_partition(self, table: Table, values: Sequence[str]) -> None:
        self._glue.delete_partition(
            DatabaseName=table.database, TableName=table.name, PartitionValues=list(values)
        )


def _columns(glue_columns: list[dict[str, Any]]) -> tuple[TableColumn, ...]:
    """Glue also has the dropped columns of an Iceberg table."""
    return tuple(
        TableColumn(c["Name"].lower(), c.get("Type", "string"), c.get("Comment", ""))
        for c in glue_columns
        if c.get("Parameters", {}).get("iceberg.field.current") != "false"
    )
