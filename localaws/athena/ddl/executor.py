"""Runs DDL commands on the Glue catalog, with Hive's results and errors.

Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, singledispatchmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localaws.athena.datatypes import parse_type, varchar_length
from localaws.athena.ddl import commands
from localaws.athena.ddl.parser import backquoted, hive_string
from localaws.athena.errors import SCHEMA_ERROR, QueryFailed, ddl_failed, not_supported, semantic_error
from localaws.athena.results.result import Result, ResultColumn
from localaws.athena.tables.catalog import AlreadyExists, Catalog, Partition, Table, TableColumn, table_input
from localaws.athena.tables.formats import LAZY_SIMPLE_SERDE
from localaws.athena.tables.hive_layout import (
    NULL_VALUE,
    join_location,
    partition_folders,
    partition_value,
    without_empty_folders,
)
from localaws.athena.tables.views import is_view, read_view

if TYPE_CHECKING:  # pyiceberg is slow to import
    from localaws.athena.ddl.iceberg import IcebergDdl

# Type names that exist only in queries. In DDL they are int, float, binary and struct.
_QUERY_ONLY_TYPES = re.compile(r"\b(integer|real|varbinary|row|varchar(?!\())\b")
_VARCHAR_LENGTHS = range(1, 65_535 + 1)
_DELIMITED_CLAUSES = {
    "escape.delim": "ESCAPED BY",
    "colelction.delim": "COLLECTION ITEMS TERMINATED BY",
    "mapkey.delim": "MAP KEYS TERMINATED BY",
    "line.delim": "LINES TERMINATED BY",
    "serialization.null.format": "NULL DEFINED AS",
}
_WIDTH = 20  # DESCRIBE pads each of its three fields to this number of characters


class DdlExecutor:
    """``path`` maps an ``s3://`` URI to the folder that holds its objects."""

    def __init__(self, catalog: Catalog, path: Callable[[str], Path]) -> None:
        self._catalog = catalog
        self._path = path

    @cached_property
    def _iceberg(self) -> IcebergDdl:
        from localaws.athena.ddl.iceberg import IcebergDdl  # slow to import

        return IcebergDdl(self._catalog)

    def run(self, command: commands.Command, database: str) -> Result:
        """Run ``command``. ``database`` is the database of names without one. Raises QueryFailed."""
        name = getattr(command, "name", None)
        creates = isinstance(command, commands.CreateTable | commands.CreateIcebergTable)
        if isinstance(name, commands.TableName) and not creates:
            table = self._catalog.table(name.database or database, name.table)
            if table is not None and table.is_iceberg:
                return self._iceberg.run(command, table)
        return self._run(command, database)

    @singledispatchmethod
    def _run(self, command: commands.Command, database: str) -> Result:
        raise TypeError(f"not a DDL command: {command!r}")

    # ---------------------------------------------------------------- databases
    @_run.register
    def _(self, command: commands.CreateDatabase, database: str) -> Result:
        definition: dict[str, Any] = {"Name": command.name, "Parameters": command.properties}
        if command.comment is not None:
            definition["Description"] = command.comment
        if command.location is not None:
            definition["LocationUri"] = _checked_location(command.location)
        try:
            self._catalog.create_database(definition)
        except AlreadyExists:
            if not command.if_not_exists:
                raise ddl_failed(f"Database {command.name} already exists") from None
        return Result()

    @_run.register
    def _(self, command: commands.DropDatabase, database: str) -> Result:
        if self._catalog.database(command.name) is None:
            if command.if_exists:
                return Result()
            raise semantic_error(10072, f"Database does not exist: {command.name}")
        if not command.cascade and self._catalog.tables(command.name):
            raise ddl_failed(
                f"InvalidOperationException(message:Database {command.name} is not empty. One or more tables exist.)"
            )
        self._catalog.drop_database(command.name)
        return Result()

    @_run.register
    def _(self, command: commands.ShowDatabases, database: str) -> Result:
        return _listing(
            "database_name", _filter_names([db["Name"] for db in self._catalog.databases()], command.pattern)
        )

    # ---------------------------------------------------------------- tables
    @_run.register
    def _(self, command: commands.CreateTable, database: str) -> Result:
        target = command.name.database or database
        self._require_database(target)
        check_columns(command.columns, command.partition_keys)
        try:
            self._catalog.create_table(target, _table_input(command))
        except AlreadyExists:
            if not command.if_not_exists:
                message = f"AlreadyExistsException(message:Table {command.name.table} already exists.)"
                raise ddl_failed(message) from None
        return Result()

    @_run.register
    def _(self, command: commands.CreateIcebergTable, database: str) -> Result:
        target = command.name.database or database
        self._require_database(target)
        if command.location is not None:
            command = replace(command, location=_checked_location(command.location))
        return self._iceberg.create(command, target)

    @_run.register
    def _(self, command: commands.DropTable, database: str) -> Result:
        target = command.name.database or database
        table = self._catalog.table(target, command.name.table)
        if table is None:
            if command.if_exists:
                return Result()
            raise semantic_error(10001, f"Table not found {target}.{command.name.table}")
        if is_view(table.glue):
            raise ddl_failed("Cannot drop a view with DROP TABLE")
        self._catalog.drop_table(target, command.name.table)
        return Result()

    @_run.register
    def _(self, command: commands.DropView, database: str) -> Result:
        target = command.name.database or database
        table = self._catalog.table(target, command.name.table)
        name = f"'awsdatacatalog.{target}.{command.name.table}'"
        if table is None and command.if_exists:
            return Result()
        if table is None:
            raise QueryFailed(f"TABLE_NOT_FOUND: line 1:1: View {name} does not exist", SCHEMA_ERROR)
        if not is_view(table.glue):
            raise QueryFailed(
                f"TABLE_NOT_FOUND: line 1:1: View {name} does not exist, but a table with that name exists. "
                f"Did you mean DROP TABLE {name}?",
                SCHEMA_ERROR,
            )
        self._catalog.drop_table(target, command.name.table)
        return Result()

    # ---------------------------------------------------------------- alterations
    @_run.register
    def _(self, command: commands.AddColumns, database: str) -> Result:
        table = self._table(command.name, database)
        return self._set_columns(table, (*table.columns, *command.columns))

    @_run.register
    def _(self, command: commands.ReplaceColumns, database: str) -> Result:
        return self._set_columns(self._table(command.name, database), command.columns)

    @_run.register
    def _(self, command: commands.ChangeColumn, database: str) -> Result:
        table = self._table(command.name, database)
        names = [column.name for column in table.columns]
        for name in (command.column, *filter(None, [command.after])):
            if name not in names:
                raise semantic_error(10002, f"Invalid column reference {name}")
        at = names.index(command.column)
        new = command.new if command.new.comment else replace(command.new, comment=table.columns[at].comment)
        columns = [*table.columns[:at], new, *table.columns[at + 1 :]]
        if command.after is not None:
            columns.pop(at)
            places = [column.name for column in columns]
            columns.insert(places.index(command.after) + 1 if command.after else 0, new)
        return self._set_columns(table, tuple(columns))

    @_run.register(commands.DropColumn)
    @_run.register(commands.RenameTable)
    @_run.register(commands.UnsetTableProperties)
    @_run.register(commands.Vacuum)
    def _(
        self,
        command: commands.DropColumn | commands.RenameTable | commands.UnsetTableProperties | commands.Vacuum,
        database: str,
    ) -> Result:
        """Athena has these statements only for Iceberg tables."""
        self._table(command.name, database)
        raise QueryFailed("Queries of this type are not supported, unless they change an Iceberg table")

    def _set_columns(self, table: Table, columns: tuple[TableColumn, ...]) -> Result:
        if is_view(table.glue):
            raise ddl_failed("Unable to alter table. To alter a view you need to use CREATE OR REPLACE VIEW")
        check_columns(columns, table.partition_keys)
        definition = table_input(table.glue)
        definition["StorageDescriptor"] = {
            **definition["StorageDescriptor"],
            "Columns": _glue_columns(columns),
        }
        self._catalog.update_table(table.database, definition)
        return Result()

    @_run.register
    def _(self, command: commands.SetLocation, database: str) -> Result:
        table, location = self._table(command.name, database), _checked_location(command.location)
        if command.partition is None:
            definition = table_input(table.glue)
            definition["StorageDescriptor"] = {**definition["StorageDescriptor"], "Location": location}
            self._catalog.update_table(table.database, definition)
        else:
            found = self._partition(table, command.partition)
            self._catalog.update_partition(table, replace(found, location=location))
        return Result()

    @_run.register
    def _(self, command: commands.SetTableProperties, database: str) -> Result:
        table = self._table(command.name, database)
        definition = table_input(table.glue)
        definition["Parameters"] = {**definition.get("Parameters", {}), **command.properties}
        self._catalog.update_table(table.database, definition)
        return Result()

    @_run.register
    def _(self, command: commands.SetDatabaseProperties, database: str) -> Result:
        self._require_database(command.name)
        found = self._catalog.database(command.name) or {}
        members = {name: found[name] for name in ("Name", "Description", "LocationUri") if found.get(name)}
        parameters = {**found.get("Parameters", {}), **command.properties}
        self._catalog.update_database({**members, "Parameters": parameters})
        return Result()

    @_run.register
    def _(self, command: commands.ShowTableProperties, database: str) -> Result:
        table = self._table(command.name, database)
        properties: dict[str, str] = table.glue.get("Parameters", {})
        columns = (ResultColumn("prpt_name", "string"), ResultColumn("prpt_value", "string"))
        if command.key is None:
            return Result(columns, [(f"{key}\t{value}",) for key, value in sorted(properties.items())])
        missing = f"Table {table.database}.{table.name} does not have property: {command.key}"
        return Result(columns, [(properties.get(command.key, missing),)])

    @_run.register
    def _(self, command: commands.ShowTables, database: str) -> Result:
        target = command.database or database
        self._require_database(target)
        return _listing(
            "tab_name", _filter_names([t["Name"] for t in self._catalog.tables(target)], command.pattern)
        )

    @_run.register
    def _(self, command: commands.ShowViews, database: str) -> Result:
        target = command.database or database
        self._require_database(target)
        views = [table["Name"] for table in self._catalog.tables(target) if is_view(table)]
        return _listing("views", _filter_names(views, command.pattern))

    @_run.register
    def _(self, command: commands.ShowCreateView, database: str) -> Result:
        table = self._table(command.name, database)
        if not is_view(table.glue):
            raise QueryFailed(
                f"NOT_SUPPORTED: line 1:1: Relation 'awsdatacatalog.{table.database}.{table.name}' is a table, not a "
                "view",
                SCHEMA_ERROR,
            )
        lines = [f"CREATE VIEW {table.name} AS ", *read_view(table).query.splitlines()]
        return _listing("Create View", lines)

    @_run.register
    def _(self, command: commands.ShowColumns, database: str) -> Result:
        table = self._table(command.name, database)
        return _listing("field", [c.name.ljust(_WIDTH) for c in (*table.columns, *table.partition_keys)])

    @_run.register
    def _(self, command: commands.Describe, database: str) -> Result:
        table = self._table(command.name, database)
        columns = (*table.columns, *table.partition_keys)
        if command.partition is not None:
            self._partition(table, command.partition)
        if command.column is not None:
            columns = tuple(column for column in columns if column.name == command.column)
            if not columns:
                raise semantic_error(10002, f"Invalid column reference {command.column}")
        lines = [_describe_line(c.name, c.type, c.comment) for c in columns]
        if command.formatted:
            lines = [*_heading("# col_name", "data_type", "comment"), *lines]
        if table.partition_keys and command.column is None:
            lines += [
                "\t \t ",
                "# Partition Information\t \t ",
                _describe_line("# col_name", "data_type", "comment"),
            ]
            lines += ["\t \t ", *(_describe_line(c.name, c.type, c.comment) for c in table.partition_keys)]
        if command.formatted and command.column is None:
            lines += _details(table)
        shown = tuple(ResultColumn(name, "string") for name in ("col_name", "data_type", "comment"))
        return Result(shown, [(line,) for line in lines])

    @_run.register
    def _(self, command: commands.ShowCreateTable, database: str) -> Result:
        return _listing(
            "createtab_stmt", _create_statement(command.name, self._table(command.name, database))
        )

    # ---------------------------------------------------------------- partitions
    @_run.register
    def _(self, command: commands.RepairTable, database: str) -> Result:
        """Adds the partitions that are on S3 but not in Glue. Removes none. The result lists both differences."""
        table = self._table(command.name, database)
        keys = [key.name for key in table.partition_keys]
        if not keys:
            return Result()
        known = {partition.values: partition for partition in self._catalog.partitions(table)}
        found = {
            tuple(partition_value(name) for name in names): join_location(table.location, *names)
            for names in partition_folders(self._path(table.location), keys)
        }
        missing = [
            Partition(values, location, {}) for values, location in found.items() if values not in known
        ]
        self._catalog.add_partitions(table, missing)
        lost = [
            p.values for p in known.values() if p.values not in found and not self._path(p.location).is_dir()
        ]
        lines = []
        if missing:
            lines.append(_differences("Partitions not in metastore:", table, [p.values for p in missing]))
        if lost:
            lines.append(_differences("Partitions missing from filesystem:", table, lost))
        added = [f"Repair: Added partition to metastore {_partition_name(table, p.values)}" for p in missing]
        return _listing("result", lines + added)

    @_run.register
    def _(self, command: commands.AddPartitions, database: str) -> Result:
        table = self._table(command.name, database)
        for spec in command.partitions:
            values = _ordered_values(table, spec)
            names = [f"{key.name}={value}" for key, value in zip(table.partition_keys, values, strict=True)]
            location = _checked_location(spec.location or join_location(table.location, *names))
            try:
                self._catalog.add_partitions(table, [Partition(values, location, {})])
            except AlreadyExists:
                if not command.if_not_exists:
                    raise ddl_failed("AlreadyExistsException(message:Partition already exists.)") from None
        return Result()

    @_run.register
    def _(self, command: commands.DropPartitions, database: str) -> Result:
        table = self._table(command.name, database)
        known = {partition.values for partition in self._catalog.partitions(table)}
        for spec in command.partitions:
            matching = [values for values in known if _matches(table, spec, values)]
            for values in matching:
                self._catalog.drop_partition(table, values)
            if not matching and not command.if_exists:
                shown = ", ".join(f"{key} = '{value}'" for key, value in spec.values.items())
                raise semantic_error(10006, f"Partition not found ({shown})")
        return Result()

    @_run.register
    def _(self, command: commands.RenamePartition, database: str) -> Result:
        """The files stay where they are."""
        table = self._table(command.name, database)
        old = self._partition(table, command.old)
        try:
            self._catalog.add_partitions(table, [replace(old, values=_ordered_values(table, command.new))])
        except AlreadyExists:
            raise ddl_failed("Unable to rename partition. Partition already exists") from None
        self._catalog.drop_partition(table, old.values)
        return Result()

    @_run.register
    def _(self, command: commands.ShowPartitions, database: str) -> Result:
        table = self._table(command.name, database)
        if not table.partition_keys:
            raise ddl_failed(f"Table {table.name} is not a partitioned table")
        names = [_partition_path(table, partition.values) for partition in self._catalog.partitions(table)]
        return _listing("partition", sorted(names))

    # ---------------------------------------------------------------- look-ups
    def _require_database(self, name: str) -> None:
        if self._catalog.database(name) is None:
            raise semantic_error(10072, f"Database does not exist: {name}")

    def _partition(self, table: Table, spec: commands.PartitionSpec) -> Partition:
        values = _ordered_values(table, spec)
        found = next((each for each in self._catalog.partitions(table) if each.values == values), None)
        if found is None:
            shown = ", ".join(f"{key} = '{value}'" for key, value in spec.values.items())
            raise semantic_error(10006, f"Partition not found ({shown})")
        return found

    def _table(self, name: commands.TableName, database: str) -> Table:
        table = self._catalog.table(name.database or database, name.table)
        if table is None:
            raise semantic_error(10001, f"Table not found {name.database or database}.{name.table}")
        return table


def check_columns(columns: tuple[TableColumn, ...], partition_keys: tuple[TableColumn, ...]) -> None:
    names = [column.name for column in columns]
    for key in partition_keys:
        if key.name in names:
            raise semantic_error(10035, "Column repeated in partitioning columns")
    for column in (*columns, *partition_keys):
        if (names + [key.name for key in partition_keys]).count(column.name) > 1:
            raise semantic_error(10036, f"Duplicate column name: {column.name}")
        if unknown := _QUERY_ONLY_TYPES.search(column.type):
            raise QueryFailed(
                f"FAILED: ParseException mismatched input '{unknown.group()}': "
                f"DDL has no type {column.type} (column {column.name})"
            )
        length = varchar_length(column.type)
        if length is not None and length not in _VARCHAR_LENGTHS:
            raise not_supported(f"column {column.name} {column.type}: a varchar has 1 to 65535 characters")
        try:
            parse_type(column.type)
        except ValueError as error:
            raise not_supported(f"column {column.name} {column.type} ({error})") from None


def _checked_location(location: str) -> str:
    """Return an ``s3://`` folder unchanged, except that empty parts (``//``) are removed, as in Athena. Source:
    https://docs.aws.amazon.com/athena/latest/ug/tables-location-format.html"""
    if not location.startswith("s3://") or len(location.split("/", 3)[2]) == 0:
        raise ddl_failed(f"MetaException(message:location {location} must be s3://bucket/folder/)")
    if re.search(r"[*?]", location):
        raise ddl_failed(f"MetaException(message:location {location} must be a folder without wildcards)")
    return without_empty_folders(location)


def _table_input(command: commands.CreateTable) -> dict[str, Any]:
    """Return Glue's TableInput. The comment of the table is the property ``comment``. Source:
    https://docs.aws.amazon.com/athena/latest/ug/create-table.html"""
    comment = {} if command.comment is None else {"comment": command.comment}
    return {
        "Name": command.name.table,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **command.properties, **comment},
        "PartitionKeys": _glue_columns(command.partition_keys),
        "StorageDescriptor": {
            "Columns": _glue_columns(command.columns),
            "Location": _checked_location(command.location),
            "InputFormat": command.storage.input,
            "OutputFormat": command.storage.output,
            "SerdeInfo": {
                "SerializationLibrary": command.storage.serde,
                "Parameters": command.storage.properties,
            },
            **_bucket_input(command.buckets),
        },
    }


def _bucket_input(buckets: commands.Buckets | None) -> dict[str, Any]:
    if buckets is None:
        return {}
    return {
        "BucketColumns": list(buckets.columns),
        "NumberOfBuckets": buckets.count,
        "SortColumns": [{"Column": column, "SortOrder": order} for column, order in buckets.sorted_by],
    }


def _glue_columns(columns: tuple[TableColumn, ...]) -> list[dict[str, str]]:
    return [
        {"Name": c.name, "Type": c.type, **({"Comment": c.comment} if c.comment else {})} for c in columns
    ]


def _ordered_values(table: Table, spec: commands.PartitionSpec) -> tuple[str, ...]:
    keys = [key.name for key in table.partition_keys]
    if set(keys) != set(spec.values):
        raise semantic_error(
            10098,
            f"partition ({', '.join(spec.values)}) must name all partition keys of the table ({', '.join(keys)})",
        )
    return tuple(spec.values[key] for key in keys)


def _matches(table: Table, spec: commands.PartitionSpec, values: tuple[str, ...]) -> bool:
    """Return whether the partition has all values of the spec, which may name only some of the keys."""
    found = dict(zip((key.name for key in table.partition_keys), values, strict=True))
    if unknown := spec.values.keys() - found.keys():
        raise semantic_error(10098, f"{', '.join(sorted(unknown))} is not a partition key of the table")
    return all(found[key] == value for key, value in spec.values.items())


def _partition_path(table: Table, values: tuple[str, ...]) -> str:
    keys = [key.name for key in table.partition_keys]
    return "/".join(f"{key}={value or NULL_VALUE}" for key, value in zip(keys, values, strict=True))


def _partition_name(table: Table, values: tuple[str, ...]) -> str:
    return f"{table.name}:{_partition_path(table, values)}"


def _differences(title: str, table: Table, partitions: list[tuple[str, ...]]) -> str:
    return "\t".join([title, *(_partition_name(table, values) for values in partitions)])


def _listing(column: str, lines: list[str]) -> Result:
    return Result((ResultColumn(column, "string"),), [(line,) for line in lines])


def _filter_names(names: list[str], pattern: str | None) -> list[str]:
    """Return the names that match Hive's pattern: ``*`` matches any text, ``|`` separates alternatives."""
    if pattern is None:
        return names
    expression = "|".join(re.escape(part).replace(r"\*", ".*") for part in pattern.split("|"))
    return [name for name in names if re.fullmatch(expression, name, re.IGNORECASE)]


def _describe_line(name: str, datatype: str, comment: str) -> str:
    return "\t".join(text.ljust(_WIDTH) for text in (name, datatype, comment))


def _heading(*words: str) -> list[str]:
    return [_describe_line(*words), "\t \t "]


def _details(table: Table) -> list[str]:
    """Return the lines that DESCRIBE FORMATTED adds."""
    storage = table.glue.get("StorageDescriptor", {})
    owned = {
        "Database:": table.database,
        "Owner:": table.glue.get("Owner", ""),
        "CreateTime:": f"{table.glue['CreateTime']:%a %b %d %H:%M:%S UTC %Y}"
        if "CreateTime" in table.glue
        else "",
        "Location:": table.location,
        "Table Type:": table.glue.get("TableType", ""),
    }
    stored = {
        "SerDe Library:": table.serde,
        "InputFormat:": storage.get("InputFormat", ""),
        "OutputFormat:": storage.get("OutputFormat", ""),
        "Num Buckets:": str(storage.get("NumberOfBuckets", -1)),
        "Bucket Columns:": f"[{', '.join(storage.get('BucketColumns', []))}]",
    }
    lines = ["\t \t ", "# Detailed Table Information\t \t "]
    lines += [_describe_line(name, str(value), "") for name, value in owned.items()]
    lines.append("Table Parameters:\t \t ")
    lines += [
        _describe_line("", key, value) for key, value in sorted(table.glue.get("Parameters", {}).items())
    ]
    lines += ["\t \t ", "# Storage Information\t \t "]
    return lines + [_describe_line(name, value, "") for name, value in stored.items()]


def _create_statement(name: commands.TableName, table: Table) -> list[str]:
    """Return the lines of a statement that creates the same table.

    Hive prints the name as SHOW CREATE TABLE has it, and ``db.table`` as one name.
    """
    storage = table.glue.get("StorageDescriptor", {})
    properties = {k: v for k, v in table.glue.get("Parameters", {}).items() if k != "EXTERNAL"}
    kind = properties.get("table_type", table.glue.get("TableType", "EXTERNAL_TABLE"))
    if kind != "EXTERNAL_TABLE":
        raise not_supported(f"SHOW CREATE TABLE of {kind}")
    lines = [
        f"CREATE EXTERNAL TABLE {backquoted(f'{table.database}.{table.name}' if name.database else table.name)}(",
        *_column_lines(table.columns),
    ]
    if comment := properties.pop("comment", ""):
        lines.append(f"COMMENT {hive_string(comment)}")
    if table.partition_keys:
        lines += ["PARTITIONED BY ( ", *_column_lines(table.partition_keys)]
    if columns := storage.get("BucketColumns"):
        lines += ["CLUSTERED BY ( ", *_closed([f"  {column}" for column in columns])]
        if order := storage.get("SortColumns"):
            words = [f"  {c['Column']} {'ASC' if c['SortOrder'] else 'DESC'}" for c in order]
            lines += ["SORTED BY ( ", *_closed(words)]
        lines.append(f"INTO {storage['NumberOfBuckets']} BUCKETS")
    lines += _row_format_lines(table)
    lines += ["STORED AS INPUTFORMAT ", f"  '{storage.get('InputFormat', '')}' "]
    lines += ["OUTPUTFORMAT ", f"  '{storage.get('OutputFormat', '')}'"]
    lines += ["LOCATION", f"  {hive_string(table.location)}"]
    return [*lines, "TBLPROPERTIES (", *_property_lines(properties)] if properties else lines


def _row_format_lines(table: Table) -> list[str]:
    """Return ROW FORMAT DELIMITED for a text table that was created with it, otherwise ROW FORMAT SERDE."""
    settings = table.serde_properties
    if table.serde == LAZY_SIMPLE_SERDE and settings.get("field.delim"):
        separator = settings.pop("field.delim")
        clauses = [f"  FIELDS TERMINATED BY {hive_string(separator)} "]
        for name, words in _DELIMITED_CLAUSES.items():
            if name in settings:
                clauses.append(f"  {words} {hive_string(settings.pop(name))} ")
        if settings == {"serialization.format": separator}:
            return ["ROW FORMAT DELIMITED ", *clauses]
    # Every table has this property, with this value by default.
    settings = {k: v for k, v in table.serde_properties.items() if (k, v) != ("serialization.format", "1")}
    lines = ["ROW FORMAT SERDE ", f"  '{table.serde}' "]
    return [*lines, "WITH SERDEPROPERTIES ( ", *_property_lines(settings)] if settings else lines


def _property_lines(properties: dict[str, str]) -> list[str]:
    shown = [f"  {hive_string(key)}={hive_string(value)}" for key, value in sorted(properties.items())]
    return _closed(shown)


def _column_lines(columns: tuple[TableColumn, ...]) -> list[str]:
    return _closed(
        [
            f"  {backquoted(c.name)} {c.type}" + (f" COMMENT {hive_string(c.comment)}" if c.comment else "")
            for c in columns
        ]
    )


def _closed(items: list[str]) -> list[str]:
    return [*(f"{item}, " for item in items[:-1]), f"{items[-1]})"]
