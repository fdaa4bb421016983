"""CREATE TABLE AS, INSERT INTO and UNLOAD: from the rows of a query to files, tables and partitions.

Sources: https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html,
https://docs.aws.amazon.com/athena/latest/ug/insert-into.html, https://docs.aws.amazon.com/athena/latest/ug/unload.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.errors import SCHEMA_ERROR, SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.parsing.row_changes import RowChanges
from localaws.athena.sql.parsing.statements import CreateTableAs, InsertInto, Property, RelationName, Unload
from localaws.athena.sql.translation.output_columns import OutputColumn
from localaws.athena.tables.catalog import AlreadyExists, Catalog, Partition, Table
from localaws.athena.tables.hive_layout import data_files, without_empty_folders
from localaws.athena.tables.views import is_view
from localaws.athena.writing import formats
from localaws.athena.writing.buckets import Buckets
from localaws.athena.writing.columns import check_columns, hive_type, written_schema
from localaws.athena.writing.data_writer import Target, Writing, data_writer

CATALOG = "awsdatacatalog"
_CTAS_PROPERTIES = {
    *("table_type", "is_external", "external_location", "format", "write_compression", "compression_level"),
    *(
        "parquet_compression",
        "orc_compression",
        "partitioned_by",
        "bucketed_by",
        "bucket_count",
        "field_delimiter",
    ),
}
_ICEBERG_ONLY = re.compile("location|partitioning|vacuum_.*|optimize_.*")
_UNLOAD_PROPERTIES = {"format", "compression", "compression_level", "field_delimiter", "partitioned_by"}


@dataclass(frozen=True)
class Written:
    """``uris`` are the new files, ``rows`` the number of rows in them."""

    rows: int
    uris: Sequence[str] = ()


@dataclass(frozen=True)
class Destination:
    """Where the results of one query execution are. ``tables`` is the default folder of a new table."""

    tables: str
    manifest: str


Rows = Callable[[], Iterable[pa.RecordBatch]]
"""Starts the query and returns its batches."""


class Operations:
    """``path`` maps an ``s3://`` URI to the folder that holds its objects."""

    def __init__(self, catalog: Catalog, path: Callable[[str], Path], writing: Writing) -> None:
        self._catalog, self._path, self._writing = catalog, path, writing

    # ---------------------------------------------------------------- CREATE TABLE AS
    def table_exists(self, statement: CreateTableAs, database: str) -> bool:
        """Return whether the new table exists and may exist. Raises QueryFailed if it must not exist."""
        target = self.database(statement.name, database)
        if self._catalog.table(target, statement.name.name) is None:
            return False
        if not statement.if_not_exists:
            raise QueryFailed(
                f"TABLE_ALREADY_EXISTS: {statement.name.position}Destination table "
                f"'{CATALOG}.{target}.{statement.name.name}' already exists",
                SCHEMA_ERROR,
            )
        return True

    def create_table_as(
        self,
        statement: CreateTableAs,
        outputs: Sequence[OutputColumn],
        rows: Rows,
        database: str,
        destination: Destination,
    ) -> Written:
        """Write the files, then create the table, then its partitions."""
        database = self.database(statement.name, database)
        check_columns(outputs)
        if str(statement.properties.get("table_type", "")).upper() == "ICEBERG":
            return self._create_iceberg_table(statement, outputs, rows, database, destination)
        properties = _checked(statement.properties, _CTAS_PROPERTIES)
        location = without_empty_folders(str(properties.get("external_location") or destination.tables))
        target, types = _target(location, outputs, properties)
        name = f"{database}.{statement.name.name}"
        self._check_empty(location, name, destination)
        written, partitions = (
            self._write(target, rows, destination) if statement.with_data else (Written(0), {})
        )
        try:
            self._catalog.create_table(database, _table_input(statement.name.name, target, types))
        except AlreadyExists:
            raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table already exists: '{name}'", SCHEMA_ERROR) from None
        self._register(self._existing(database, statement.name), partitions)
        return written

    def _create_iceberg_table(
        self,
        statement: CreateTableAs,
        outputs: Sequence[OutputColumn],
        rows: Rows,
        database: str,
        destination: Destination,
    ) -> Written:
        """Create the table with its rows in one commit.

        Source: https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html#ctas-table-properties
        """
        from localaws.athena.writing import iceberg  # slow to import

        table = iceberg.new_table(statement.properties, outputs)
        self._check_empty(table.location, f"{database}.{statement.name.name}", destination)
        names = [field.name for field in table.schema.columns]
        batches = rows() if statement.with_data else ()
        transaction = table.begin(self._catalog.iceberg, database, statement.name.name)
        return Written(*iceberg.append(transaction, names, batches))

    # ---------------------------------------------------------------- INSERT INTO
    def insert_target(self, statement: InsertInto, database: str) -> Table:
        """Return the table of an INSERT INTO. Raises QueryFailed if it cannot be inserted into."""
        table = self._existing(self.database(statement.name, database), statement.name)
        if is_view(table.glue):
            raise QueryFailed(
                f"NOT_SUPPORTED: {statement.name.position}Inserting into views is not supported", SYNTAX_ERROR
            )
        if table.glue.get("StorageDescriptor", {}).get("BucketColumns"):
            raise QueryFailed(
                "NOT_SUPPORTED: INSERT INTO is not supported on bucketed tables: "
                f"{table.database}.{table.name}"
            )
        if table.glue.get("Parameters", {}).get("projection.enabled", "").lower() == "true":
            raise not_supported("INSERT INTO a table with partition projection")
        known = [name for name, _ in self._columns(table)]
        for at, name in enumerate(statement.columns or ()):
            if name not in known:
                raise QueryFailed(
                    f"COLUMN_NOT_FOUND: {statement.name.position}Insert column name does not exist in target "
                    f"table: {name}",
                    SYNTAX_ERROR,
                )
            if name in (statement.columns or ())[:at]:
                raise QueryFailed(
                    f"DUPLICATE_COLUMN_NAME: {statement.name.position}Insert column name is specified more than "
                    f"once: {name}",
                    SYNTAX_ERROR,
                )
        return table

    def insert_types(
        self, statement: InsertInto, table: Table, outputs: Sequence[OutputColumn]
    ) -> list[pa.DataType]:
        """Return the types of the table's columns in the order of the query. Raises QueryFailed TYPE_MISMATCH."""
        types = dict(self._columns(table))
        lengths = {column.name: dt.varchar_length(column.type) for column in table.columns}
        chosen = [types[name] for name in statement.columns or types]
        shown = [f"varchar({n})" if (n := lengths.get(name)) else "" for name in statement.columns or types]
        _check_types(statement, chosen, shown, outputs)
        return chosen

    def change_target(self, statement: RowChanges, database: str) -> tuple[Table, dict[str, pa.DataType]]:
        """Return the table of a DELETE, UPDATE, MERGE INTO or OPTIMIZE, and its columns. Raises QueryFailed."""
        table = self._existing(self.database(statement.name, database), statement.name)
        if not table.is_iceberg:
            what = {"DELETE": "Deleting from", "UPDATE": "Updating", "MERGE": "Merging into"}
            verb = what.get(statement.kind, "Optimizing")
            raise QueryFailed(f"NOT_SUPPORTED: {verb} Hive tables is not supported", SYNTAX_ERROR)
        return table, dict(self._columns(table))

    def _columns(self, table: Table) -> list[tuple[str, pa.DataType]]:
        """Return the columns of a table in the order of INSERT INTO."""
        if not table.is_iceberg:
            return [(c.name, dt.parse_type(c.type)) for c in (*table.columns, *table.partition_keys)]
        from localaws.athena.tables.iceberg_types import athena_type  # slow to import

        schema = self._catalog.iceberg.table(table.database, table.name).schema()
        found = [(column.name.lower(), athena_type(column.field_type)) for column in schema.columns]
        for name, type_ in found:
            if type_ is None:
                raise not_supported(f"writing the column {name} of the Iceberg table {table.name}: its type")
        return found

    def insert(
        self,
        statement: InsertInto,
        table: Table,
        outputs: Sequence[OutputColumn],
        rows: Rows,
        destination: Destination,
    ) -> Written:
        """Write new files to the table, and register the partitions that are new."""
        if table.is_iceberg:
            from localaws.athena.writing import iceberg  # slow to import

            found = self._catalog.iceberg.table(table.database, table.name)
            names = statement.columns or [name for name, _ in self._columns(table)]
            return Written(*iceberg.append(found.transaction(), names, rows()))
        columns = (*table.columns, *table.partition_keys)
        chosen = statement.columns or tuple(column.name for column in columns)
        hive = {column.name: column.type for column in columns}
        schema = written_schema([c.name for c in columns], [dt.parse_type(c.type) for c in columns])
        lengths = {
            name: length
            for name, output in zip(chosen, outputs, strict=True)
            if (length := dt.varchar_length(hive[name])) and not (output.length and output.length <= length)
        }
        target = Target(
            table.location,
            schema,
            tuple(key.name for key in table.partition_keys),
            formats.output_of_table(table),
            lengths=lengths,
        )
        written, partitions = self._write(target, rows, destination, chosen)
        known = {partition.values for partition in self._catalog.partitions(table)} if partitions else set()
        self._register(table, {values: uri for values, uri in partitions.items() if values not in known})
        return written

    # ---------------------------------------------------------------- UNLOAD
    def unload(
        self, statement: Unload, outputs: Sequence[OutputColumn], rows: Rows, destination: Destination
    ) -> Written:
        check_columns(outputs)
        properties = _checked(statement.properties, _UNLOAD_PROPERTIES)
        if "format" not in properties:
            raise QueryFailed("INVALID_TABLE_PROPERTY: UNLOAD needs the property format")
        if "compression" in properties:
            properties["write_compression"] = properties.pop("compression")
        location = without_empty_folders(statement.location)
        target, _ = _target(location, outputs, properties)
        self._check_empty(location, "the UNLOAD", destination)
        return self._write(target, rows, destination)[0]

    # ---------------------------------------------------------------- parts
    def _write(
        self, target: Target, rows: Rows, destination: Destination, names: Sequence[str] | None = None
    ) -> tuple[Written, dict[tuple[str, ...], str]]:
        """Write the rows. ``names`` are the columns of the query; columns of the target without one are NULL."""
        names = names or target.schema.names
        with data_writer(target, self._writing, destination.manifest) as writer:
            for batch in rows():
                writer.write(_as_schema(batch, names, target.schema))
        return Written(writer.rows, tuple(writer.uris)), writer.partitions

    def _register(self, table: Table, partitions: dict[tuple[str, ...], str]) -> None:
        new = [Partition(values, location, {}) for values, location in sorted(partitions.items())]
        if new:
            self._catalog.add_partitions(table, new)

    def _check_empty(self, location: str, name: str, destination: Destination) -> None:
        """Raise QueryFailed if there are objects below the location."""
        if not re.fullmatch(r"s3://[^/]+(/.*)?", location):
            raise QueryFailed(
                f"INVALID_TABLE_PROPERTY: External location must be a valid file system URI: {location}"
            )
        folder = self._path(location)
        if data_files(folder) or (folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))):
            raise QueryFailed(
                f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{name}' already exists: {location}. You may "
                f"need to manually clean the data at location '{destination.tables.rstrip('/')}' before retrying. "
                "Athena will not delete data in your account."
            )

    def database(self, name: RelationName, database: str) -> str:
        """Return the database of the name. Raises QueryFailed if it does not exist."""
        if name.catalog not in ("", CATALOG):
            raise QueryFailed(
                f"CATALOG_NOT_FOUND: {name.position}Catalog '{name.catalog}' does not exist", SCHEMA_ERROR
            )
        found = name.database or database
        if self._catalog.database(found) is None:
            raise QueryFailed(
                f"SCHEMA_NOT_FOUND: {name.position}Schema '{found}' does not exist", SCHEMA_ERROR
            )
        return found

    def _existing(self, database: str, name: RelationName) -> Table:
        table = self._catalog.table(database, name.name)
        if table is None:
            raise QueryFailed(
                f"TABLE_NOT_FOUND: {name.position}Table '{CATALOG}.{database}.{name.name}' does not exist",
                SCHEMA_ERROR,
            )
        return table


def _checked(properties: dict[str, Property], known: set[str]) -> dict[str, Property]:
    for name in properties:
        if name in known:
            continue
        if _ICEBERG_ONLY.fullmatch(name):
            raise not_supported(f"the property {name} of Iceberg tables")
        raise QueryFailed(
            f"INVALID_TABLE_PROPERTY: Catalog '{CATALOG}' table property '{name}' does not exist",
            SYNTAX_ERROR,
        )
    if str(properties.get("table_type", "HIVE")).upper() != "HIVE":
        raise not_supported(f"CREATE TABLE AS with table_type = '{properties['table_type']}'")
    if properties.get("is_external", True) is not True:
        raise QueryFailed("INVALID_TABLE_PROPERTY: a Hive table must have is_external = true")
    return dict(properties)


def _target(
    location: str, outputs: Sequence[OutputColumn], properties: dict[str, Property]
) -> tuple[Target, list[tuple[str, str]]]:
    """Return the target of a new table or UNLOAD, and its columns with their Hive types."""
    names = [str(output.name).lower() for output in outputs]
    types = [(name, hive_type(output)) for name, output in zip(names, outputs, strict=True)]
    keys = tuple(name.lower() for name in _names(properties, "partitioned_by"))
    for key in keys:
        if key not in names:
            raise QueryFailed(
                f"INVALID_TABLE_PROPERTY: Partition columns {list(keys)} not present in schema", SYNTAX_ERROR
            )
    if keys and tuple(names[-len(keys) :]) != keys:
        raise QueryFailed(
            "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and in the same "
            f"order as the table properties: [{', '.join(keys)}]",
            SYNTAX_ERROR,
        )
    if len(keys) == len(names):
        raise QueryFailed("INVALID_TABLE_PROPERTY: Table contains only partition columns", SYNTAX_ERROR)
    schema = written_schema(names, [output.type for output in outputs])
    for key in keys:
        if pa.types.is_nested(schema.field(key).type) or schema.field(key).type == dt.VARBINARY:
            raise QueryFailed(
                f"INVALID_TABLE_PROPERTY: Unsupported type [{dict(types)[key]}] for partition: {key}",
                SYNTAX_ERROR,
            )
    output = formats.output(
        str(properties.get("format", "PARQUET")),
        _text(properties, "write_compression", "parquet_compression", "orc_compression"),
        _number(properties, "compression_level"),
        _text(properties, "field_delimiter"),
    )
    return Target(location, schema, keys, output, _buckets(properties, schema, keys)), types


def _buckets(properties: dict[str, Property], schema: pa.Schema, keys: Sequence[str]) -> Buckets | None:
    columns = tuple(name.lower() for name in _names(properties, "bucketed_by"))
    count = _number(properties, "bucket_count")
    if not columns and count is None:
        return None
    if not columns or not count:
        raise QueryFailed(
            "INVALID_TABLE_PROPERTY: bucketed_by and bucket_count must be specified together, bucket_count above 0",
            SYNTAX_ERROR,
        )
    for name in columns:
        if name not in schema.names or name in keys:
            raise QueryFailed(
                f"INVALID_TABLE_PROPERTY: Bucketing columns {list(columns)} not present in schema",
                SYNTAX_ERROR,
            )
    buckets = Buckets(columns, count)
    buckets.check(schema)
    return buckets


def _names(properties: dict[str, Property], name: str) -> list[str]:
    value = properties.get(name, [])
    if not isinstance(value, list):
        raise _invalid(name, value)
    return value


def _text(properties: dict[str, Property], *names: str) -> str | None:
    for name in names:
        if name in properties:
            value = properties[name]
            if not isinstance(value, str):
                raise _invalid(name, value)
            return value
    return None


def _number(properties: dict[str, Property], name: str) -> int | None:
    value = properties.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise _invalid(name, value)


def _invalid(name: str, value: Property) -> QueryFailed:
    return QueryFailed(
        f"INVALID_TABLE_PROPERTY: Invalid value for catalog '{CATALOG}' table property '{name}': Cannot convert "
        f"[{value}]",
        SYNTAX_ERROR,
    )


def _check_types(
    statement: InsertInto,
    types: Sequence[pa.DataType],
    names: Sequence[str],
    outputs: Sequence[OutputColumn],
) -> None:
    """Raise QueryFailed unless each column of the query and its column in the table have a common type.

    ``names`` are the names of the types that differ from those in queries, or ''.

    Source: StatementAnalyzer.typesMatchForInsert of Trino 401
    """
    fits = len(types) == len(outputs) and all(
        dt.common_type(output.type, type_) is not None for output, type_ in zip(outputs, types, strict=True)
    )
    if not fits:
        shown = (
            ", ".join(name or dt.trino_name(type_) for name, type_ in zip(names, types, strict=True)),
            ", ".join(f"varchar({o.length})" if o.length else dt.trino_name(o.type) for o in outputs),
        )
        raise QueryFailed(
            f"TYPE_MISMATCH: {statement.name.position}Insert query has mismatched column types: "
            f"Table: [{shown[0]}], Query: [{shown[1]}]",
            SYNTAX_ERROR,
        )


def _as_schema(batch: pa.RecordBatch, names: Sequence[str], schema: pa.Schema) -> pa.Table:
    given = dict(zip(names, batch.columns, strict=True))
    columns = [_as_type(given.get(field.name), field.type, len(batch)) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _as_type(column: pa.Array | None, datatype: pa.DataType, length: int) -> pa.Array:
    if column is None or column.null_count == length:  # a column with only NULL values may have lost its type
        return pa.nulls(length, datatype)
    return column.cast(datatype)


def _table_input(name: str, target: Target, types: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return Glue's TableInput, with the properties that Athena sets for CREATE TABLE AS."""
    columns = [{"Name": column, "Type": hive} for column, hive in types]
    output, buckets = target.output, target.buckets
    serde = {"serialization.format": "1"}
    if output.format is formats.TEXTFILE:
        serde = {"field.delim": output.field_delimiter, "serialization.format": output.field_delimiter}
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "has_encrypted_data": "false",
            output.format.compression_property: output.compression,
        },
        "PartitionKeys": columns[len(columns) - len(target.keys) :],
        "StorageDescriptor": {
            "Columns": columns[: len(columns) - len(target.keys)],
            "Location": target.location,
            "InputFormat": output.format.input,
            "OutputFormat": output.format.output,
            "SerdeInfo": {"SerializationLibrary": output.format.serde, "Parameters": serde},
            "NumberOfBuckets": buckets.count if buckets else -1,
            **({"BucketColumns": list(buckets.columns)} if buckets else {}),
        },
    }
