"""DDL of Iceberg tables.

Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html,
https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-managing-tables.html,
https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-evolving-table-schema.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import singledispatchmethod
from itertools import count
from typing import cast

from pyiceberg.exceptions import NoSuchNamespaceError, TableAlreadyExistsError
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.update.schema import UpdateSchema
from pyiceberg.transforms import BucketTransform, IdentityTransform, TruncateTransform
from pyiceberg.types import IcebergType, NestedField

from localaws.athena.ddl import commands
from localaws.athena.ddl.iceberg_vacuum import vacuum
from localaws.athena.ddl.parser import backquoted, hive_string
from localaws.athena.errors import QueryFailed, ddl_failed, not_supported, semantic_error
from localaws.athena.results.result import Result, ResultColumn
from localaws.athena.tables.catalog import Catalog, Table
from localaws.athena.tables.iceberg import LocalFiles, commit_failures
from localaws.athena.tables.iceberg_layout import (
    PROPERTIES,
    check_property_names,
    declared_type,
    new_properties,
    new_schema,
    partition_spec,
)
from localaws.athena.tables.iceberg_types import athena_type, can_promote, hive_name, iceberg_type


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
    def _(self, command: commands.Vacuum, table: Table) -> Result:
        vacuum(self._iceberg(table), cast(LocalFiles, self._catalog.iceberg.files), datetime.now(UTC))
        return Result()

    # ---------------------------------------------------------------- alterations
    @run.register
    def _(self, command: commands.AddColumns, table: Table) -> Result:
        with self._schema_change(table) as (schema, change):
            names = {column.name.lower() for column in schema.columns}
            for column in command.columns:
                if column.name in names:
                    raise _duplicate(column.name)
                names.add(column.name)
                change.add_column((column.name,), _declared(column.type), column.comment or None)
        return Result()

    @run.register
    def _(self, command: commands.DropColumn, table: Table) -> Result:
        metadata = self._iceberg(table).metadata
        with self._schema_change(table) as (schema, change):
            column = _column(schema, command.column)
            if len(schema.columns) == 1:
                raise ddl_failed(f"Cannot drop the only column of a table: {column.name}")
            sources = [field.source_id for spec in metadata.partition_specs for field in spec.fields]
            sources += [field.source_id for order in metadata.sort_orders for field in order.fields]
            used = [schema.find_column_name(source) for source in sources]
            if any(f"{name}.".startswith(f"{column.name}.") for name in used):
                raise ddl_failed(f"Cannot drop a column of the partition spec or sort order: {column.name}")
            change.delete_column(column.name)
        return Result()

    @run.register
    def _(self, command: commands.ChangeColumn, table: Table) -> Result:
        """Changes the name, the type, the comment and the position."""
        with self._schema_change(table) as (schema, change):
            column, new = _column(schema, command.column), command.new
            others = [other.name.lower() for other in schema.columns if other is not column]
            if new.name in others:
                raise _duplicate(new.name)
            if athena_type(column.field_type) != declared_type(new.type):
                promoted = _declared(new.type)
                if not can_promote(column.field_type, promoted):
                    raise ddl_failed(
                        f"Cannot change column type: {column.name}: {hive_name(column.field_type)} -> {new.type}"
                    )
                change.update_column(column.name, promoted)
            if new.comment:
                change.update_column(column.name, doc=new.comment)
            if new.name != column.name.lower():
                change.rename_column(column.name, new.name)
            if command.after == "":
                change.move_first(column.name)
            elif command.after is not None:
                after = _column(schema, command.after)
                if after is column:
                    raise ddl_failed(f"Cannot move {column.name} after itself")
                change.move_after(column.name, after.name)
        return Result()

    @run.register
    def _(self, command: commands.ReplaceColumns, table: Table) -> Result:
        raise ddl_failed(
            "ALTER TABLE REPLACE COLUMNS is not supported for Iceberg tables: write CHANGE COLUMN"
        )

    @run.register
    def _(self, command: commands.RenameTable, table: Table) -> Result:
        """The files stay where they are."""
        database = command.new.database or table.database
        try:
            self._catalog.iceberg.rename_table((table.database, table.name), (database, command.new.table))
        except TableAlreadyExistsError:
            raise ddl_failed(f"new table {database}.{command.new.table} already exists") from None
        except NoSuchNamespaceError:
            raise semantic_error(10072, f"Database does not exist: {database}") from None
        return Result()

    @run.register
    def _(self, command: commands.SetTableProperties, table: Table) -> Result:
        properties = new_properties(command.properties)
        transaction = self._iceberg(table).transaction()
        with commit_failures(transaction), transaction:
            transaction.set_properties(properties)
        return Result()

    @run.register
    def _(self, command: commands.UnsetTableProperties, table: Table) -> Result:
        check_property_names(command.keys)
        transaction = self._iceberg(table).transaction()
        names = {name for key in command.keys for name in (key, PROPERTIES[key])}
        with commit_failures(transaction), transaction:
            transaction.remove_properties(
                *(name for name in transaction.table_metadata.properties if name in names)
            )
        return Result()

    @contextmanager
    def _schema_change(self, table: Table) -> Iterator[tuple[Schema, UpdateSchema]]:
        """A context with the current schema and a change of it, which is committed at the end."""
        iceberg = self._iceberg(table)
        transaction = iceberg.transaction()
        with commit_failures(transaction), transaction:
            try:
                with transaction.update_schema() as change:
                    yield iceberg.schema(), change
            except ValueError as error:  # for example a name of a partition field
                raise ddl_failed(str(error)) from None

    # ---------------------------------------------------------------- descriptions
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


def _column(schema: Schema, name: str) -> NestedField:
    found = next((column for column in schema.columns if column.name.lower() == name), None)
    if found is None:
        raise semantic_error(10002, f"Invalid column reference {name}")
    return found


def _duplicate(name: str) -> QueryFailed:
    return semantic_error(10036, f"Duplicate column name: {name}")


def _declared(hive_type: str) -> IcebergType:
    """Return the type. pyiceberg assigns the ids of the fields in it."""
    ids = count(1)
    return iceberg_type(declared_type(hive_type), lambda: next(ids))


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
