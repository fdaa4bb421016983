"""DDL of Iceberg tables.

Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html,
https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-managing-tables.html
"""

from __future__ import annotations

from functools import singledispatchmethod
from typing import cast

from pyiceberg.exceptions import TableAlreadyExistsError
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table as IcebergTable
from pyiceberg.transforms import BucketTransform, IdentityTransform, TruncateTransform

from localaws.athena.ddl import commands
from localaws.athena.ddl.parser import backquoted, hive_string
from localaws.athena.errors import QueryFailed, ddl_failed, not_supported
from localaws.athena.results.result import Result, ResultColumn
from localaws.athena.tables.catalog import Catalog, Table
from localaws.athena.tables.iceberg import LocalFiles
from localaws.athena.tables.iceberg_layout import (
    PROPERTIES,
    declared_type,
    new_properties,
    new_schema,
    partition_spec,
)
from localaws.athena.tables.iceberg_types import hive_name


class IcebergDdl:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create(self, command: commands.CreateIcebergTable, database: str) -> Result:
        """Athena creates tables of the format version 2."""
        if command.location is None:
            raise QueryFailed(
                "FAILED: SemanticException table location must be set: add LOCATION 's3://bucket/folder/'"
            )
        if command.if_not_exists and self._catalog.table(database, command.name.table):
            return Result()
        schema = new_schema([(c.name, declared_type(c.type), c.comment) for c in command.columns])
        comment = {} if command.comment is None else {"comment": command.comment}
        try:
            self._catalog.iceberg.create_table(
                (database, command.name.table),
                schema,
                command.location,
                partition_spec(schema, command.partitioning),
                properties={**new_properties(command.properties), **comment, "format-version": "2"},
            )
        except TableAlreadyExistsError:
            message = f"AlreadyExistsException(message:Table {command.name.table} already exists.)"
            raise ddl_failed(message) from None
        return Result()

    @singledispatchmethod
    def run(self, command: commands.Command, table: Table) -> Result:
        """Run a command on an Iceberg table. Raises QueryFailed."""
        raise not_supported(f"{type(command).__name__} of an Iceberg table")

    @run.register
    def _(self, command: commands.DropTable, table: Table) -> Result:
        """Also removes the files of the table: Athena manages Iceberg tables."""
        files = cast(LocalFiles, self._catalog.iceberg.files)
        self._catalog.drop_table(table.database, table.name)
        for folder in ("data", "metadata"):
            for uri in files.below(f"{table.location.rstrip('/')}/{folder}"):
                files.delete(uri)
        return Result()

    @run.register
    def _(self, command: commands.ShowTableProperties, table: Table) -> Result:
        found = {"table_type": "iceberg", **_properties(self._iceberg(table))}
        columns = (ResultColumn("prpt_name", "string"), ResultColumn("prpt_value", "string"))
        if command.key is None:
            return Result(columns, [(f"{key}\t{value}",) for key, value in sorted(found.items())])
        missing = f"Table {table.database}.{table.name} does not have property: {command.key}"
        return Result(columns, [(found.get(command.key, missing),)])

    @run.register
    def _(self, command: commands.ShowColumns, table: Table) -> Result:
        columns = self._iceberg(table).schema().columns
        return Result((ResultColumn("field", "string"),), [(column.name.ljust(20),) for column in columns])

    @run.register
    def _(self, command: commands.Describe, table: Table) -> Result:
        if command.partition is not None or command.formatted or command.column is not None:
            raise not_supported("DESCRIBE of an Iceberg table with FORMATTED, PARTITION or a column")
        iceberg = self._iceberg(table)
        lines = ["# Table schema:\t\t", "# col_name\tdata_type\tcomment"]
        lines += [f"{c.name}\t{hive_name(c.field_type)}\t{c.doc or ''}" for c in iceberg.schema().columns]
        lines += ["\t\t", "# Partition spec:\t\t", "# field_name\tfield_transform\tcolumn_name"]
        lines += [
            f"{field.name}\t{field.transform}\t{iceberg.schema().find_column_name(field.source_id)}"
            for field in iceberg.spec().fields
        ]
        shown = tuple(ResultColumn(name, "string") for name in ("col_name", "data_type", "comment"))
        return Result(shown, [(line,) for line in lines])

    @run.register
    def _(self, command: commands.ShowCreateTable, table: Table) -> Result:
        iceberg = self._iceberg(table)
        lines = [f"CREATE TABLE {table.database}.{table.name} (", *_column_lines(iceberg.schema())]
        if comment := iceberg.properties.get("comment"):
            lines.append(f"COMMENT {hive_string(comment)}")
        if fields := _partition_fields(iceberg.schema(), iceberg.spec()):
            lines.append(f"PARTITIONED BY ({', '.join(fields)})")
        lines += [f"LOCATION {hive_string(iceberg.location())}", "TBLPROPERTIES ("]
        properties = {"table_type": "iceberg", **_properties(iceberg)}
        shown = [f"  {hive_string(key)}={hive_string(value)}" for key, value in properties.items()]
        lines += [*(f"{line}," for line in shown[:-1]), shown[-1], ")"]
        return Result((ResultColumn("createtab_stmt", "string"),), [(line,) for line in lines])

    def _iceberg(self, table: Table) -> IcebergTable:
        return self._catalog.iceberg.table(table.database, table.name)


def _properties(iceberg: IcebergTable) -> dict[str, str]:
    """Return the properties that a statement of Athena can set."""
    return {name: value for name, value in sorted(iceberg.properties.items()) if name in PROPERTIES}


def _column_lines(schema: Schema) -> list[str]:
    shown = [
        f"  {backquoted(c.name)} {hive_name(c.field_type)}"
        + (f" COMMENT {hive_string(c.doc)}" if c.doc else "")
        for c in schema.columns
    ]
    return [*(f"{line}," for line in shown[:-1]), f"{shown[-1]})"]


def _partition_fields(schema: Schema, spec: PartitionSpec) -> list[str]:
    found = []
    for field in spec.fields:
        name = backquoted(str(schema.find_column_name(field.source_id)))
        match field.transform:
            case IdentityTransform():
                found.append(name)
            case BucketTransform():
                found.append(f"bucket({field.transform.num_buckets}, {name})")
            case TruncateTransform():
                found.append(f"truncate({field.transform.width}, {name})")
            case _:
                found.append(f"{field.transform}({name})")
    return found
