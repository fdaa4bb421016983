"""Scans: the rows of a table, read from the files behind S3. Only registered partitions and used columns are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported
from localaws.athena.quoting import duckdb_identifier
from localaws.athena.tables.catalog import Catalog, Partition, Table
from localaws.athena.tables.hive_layout import NULL_VALUE, data_files

PATH_COLUMN = "$path"
_FORMAT = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"))
_FILES = LocalFileSystem()
_UNSIGNED = (pa.uint8(), pa.uint16())  # stored as INT32, so all values fit
_UNSIGNED_AS_SIGNED = (pa.uint32(), pa.uint64())


@dataclass(eq=False)
class Scan:
    """One use of a table in a query, and the part of the table that the query reads.

    ``name`` is the relation in DuckDB, and ``alias`` its alias in the translated query. ``columns`` are the columns
    that are read. ``predicates`` are conditions on partition keys only, in DuckDB's SQL; rows that do not fulfil
    them are not needed.
    """

    name: str
    alias: str
    table: Table
    columns: set[str] = field(default_factory=set)
    predicates: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class OpenScan:
    """A scan with the dataset of its files.

    ``schema`` has the columns that are read and all partition keys. ``scanned_bytes`` is the compressed size of the
    columns that are read.
    """

    scan: Scan
    schema: pa.Schema
    dataset: ds.Dataset
    scanned_bytes: int


@dataclass(frozen=True)
class _File:
    path: Path
    uri: str
    partition: tuple[Any, ...]


@dataclass(frozen=True)
class _FileInfo:
    """``nanoseconds`` are the names of the columns with timestamps in nanoseconds."""

    scanned_bytes: int
    nanoseconds: frozenset[str]


def open_scan(scan: Scan, catalog: Catalog, path: Callable[[str], Path], connection: Any) -> OpenScan:
    """Select the partitions, check the column types of their files, and make a dataset of the files.

    Raises QueryFailed HIVE_BAD_DATA, HIVE_PARTITION_SCHEMA_MISMATCH or HIVE_INVALID_PARTITION_VALUE.
    """
    table, types = scan.table, _types(scan)
    files = [
        _File(file, f"{location.rstrip('/')}/{file.relative_to(path(location)).as_posix()}", values)
        for location, values in _locations(scan, catalog, connection)
        for file in data_files(path(location))
    ]
    wanted = {column.name: types[column.name] for column in table.columns if column.name in scan.columns}
    infos = [_checked_file(file, wanted) for file in files]
    scanned = sum(info.scanned_bytes for info in infos)
    types |= dict.fromkeys((name for info in infos for name in info.nanoseconds), pa.timestamp("ns"))
    schema = pa.schema(types)
    if not files:
        return OpenScan(scan, schema, ds.InMemoryDataset(schema.empty_table()), scanned)
    fragments = [
        _FORMAT.make_fragment(str(file.path), filesystem=_FILES, partition_expression=_constants(table, file))
        for file in files
    ]
    return OpenScan(scan, schema, ds.FileSystemDataset(fragments, schema, _FORMAT, _FILES), scanned)


def register_scan(opened: OpenScan, connection: Any, stored: bool) -> None:
    """Register the scan as a relation of the connection. The values are those that Athena reads from the files.

    With ``stored`` the rows are copied into a temporary table, within DuckDB's memory limit. Of an Arrow scan, DuckDB
    does not know the number of rows, and may choose an order of joins that builds cross products.
    """
    name = opened.scan.name
    lengths = {column.name: dt.varchar_length(column.type) for column in opened.scan.table.columns}
    changed = {
        field.name: text
        for field in opened.schema
        if (text := _as_read(duckdb_identifier(field.name), field.type, lengths.get(field.name))) is not None
    }
    if not changed and not stored:
        connection.register(name, opened.dataset)
        return
    connection.register(f"{name}_exact", opened.dataset)
    replaced = ", ".join(f"{text} AS {duckdb_identifier(column)}" for column, text in changed.items())
    columns = f"* REPLACE ({replaced})" if changed else "*"
    kind = "TABLE" if stored else "VIEW"
    connection.execute(f"CREATE TEMP {kind} {name} AS SELECT {columns} FROM {name}_exact")


def _as_read(text: str, datatype: pa.DataType, length: int | None = None) -> str | None:
    """Return DuckDB's expression for the value that Athena reads from a file, or None if the value is unchanged.

    Athena rounds a timestamp to milliseconds, half a millisecond up, and cuts a text to the ``length`` of its
    varchar. Source: io.trino.parquet.reader and io.trino.spi.type.Timestamps.round of Trino 401
    """
    if pa.types.is_timestamp(datatype):
        unit, step = ("ns", 1_000_000) if datatype.unit == "ns" else ("us", 1_000)
        late = f"(epoch_{unit}({text}) + {step // 2})"
        milliseconds = f"({late} - ({late} % {step} + {step}) % {step})"
        return f"make_timestamp({milliseconds} // {step // 1_000})"
    if datatype == dt.VARCHAR and length is not None:
        return f"substring({text}, 1, {length})"
    if dt.is_array(datatype):
        item = _as_read("x", datatype.value_type)
        return item and f"list_transform({text}, lambda x: {item})"
    if pa.types.is_map(datatype):
        key, value = _as_read("x.key", datatype.key_type), _as_read("x.value", datatype.item_type)
        if key or value:
            entry = f"{{'key': {key or 'x.key'}, 'value': {value or 'x.value'}}}"
            return f"map_from_entries(list_transform(map_entries({text}), lambda x: {entry}))"
    if pa.types.is_struct(datatype):
        parts = {field.name: f"({text}).{duckdb_identifier(field.name)}" for field in datatype}
        read = {field.name: _as_read(parts[field.name], field.type) for field in datatype}
        if any(read.values()):
            fields = ", ".join(f"{duckdb_identifier(n)} := {read[n] or part}" for n, part in parts.items())
            return f"CASE WHEN {text} IS NOT NULL THEN struct_pack({fields}) END"
    return None


def _types(scan: Scan) -> dict[str, pa.DataType]:
    """Return the declared types of the columns that are read, of the partition keys and of the path column."""
    declared = (*scan.table.columns, *scan.table.partition_keys)
    found = {column.name: dt.parse_type(column.type) for column in declared if column.name in scan.columns}
    keys = {key.name: dt.parse_type(key.type) for key in scan.table.partition_keys}
    return {**found, **keys, PATH_COLUMN: dt.VARCHAR}


# ---------------------------------------------------------------- partitions
def _locations(scan: Scan, catalog: Catalog, connection: Any) -> Iterable[tuple[str, tuple[Any, ...]]]:
    table = scan.table
    if not table.partition_keys:
        return [(table.location, ())]
    partitions = list(catalog.partitions(table))
    rows = [
        tuple(
            _partition_value(value, key.name, key.type)
            for value, key in zip(p.values, table.partition_keys, strict=True)
        )
        for p in partitions
    ]
    chosen = _pruned(scan, rows, connection)
    for at in chosen:
        _check_partition(scan, partitions[at])
    return [(partitions[at].location, rows[at]) for at in chosen]


def _pruned(scan: Scan, rows: list[tuple[Any, ...]], connection: Any) -> list[int]:
    """Return the indexes of the partitions that fulfil the predicates of the scan. DuckDB evaluates them."""
    if not scan.predicates or not rows:
        return list(range(len(rows)))
    keys = scan.table.partition_keys
    columns = {
        key.name: pa.array([row[at] for row in rows], dt.parse_type(key.type)) for at, key in enumerate(keys)
    }
    relation = f"{scan.name}_partitions"
    connection.register(relation, pa.table({**columns, "$index": pa.array(range(len(rows)))}))
    text = f'SELECT "$index" FROM {relation} AS {scan.alias} WHERE {" AND ".join(scan.predicates)} ORDER BY 1'
    return [at for (at,) in connection.execute(text).fetchall()]


def _partition_value(text: str, key: str, hive_type: str) -> Any:
    if text == NULL_VALUE:
        return None
    datatype = dt.parse_type(hive_type)
    length = dt.varchar_length(hive_type)
    try:
        if length is not None and len(text) > length:
            raise ValueError(text)
        return _parsed(text, datatype)
    except (ValueError, InvalidOperation):
        raise QueryFailed(
            f"HIVE_INVALID_PARTITION_VALUE: Invalid partition value '{text}' for "
            f"{dt.trino_name(datatype).upper()} partition key: {key}",
            DATA_ERROR,
        ) from None


def _parsed(text: str, datatype: pa.DataType) -> Any:  # noqa: PLR0911 - one return for each kind of type
    if datatype == dt.VARCHAR:
        return text
    if datatype in dt.INTEGERS:
        return int(text)
    if datatype == dt.DATE:
        return date.fromisoformat(text)
    if datatype == dt.TIMESTAMP:
        return datetime.fromisoformat(text)
    if dt.is_decimal(datatype):
        return Decimal(text).quantize(Decimal(1).scaleb(-datatype.scale))
    if datatype in (dt.DOUBLE, dt.REAL):
        return float(text)
    if datatype == dt.BOOLEAN and text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise ValueError(text)


def _check_partition(scan: Scan, partition: Partition) -> None:
    for column in scan.table.columns:
        declared = partition.types.get(column.name)
        if column.name not in scan.columns or declared is None or declared == column.type:
            continue
        if not _reads_as(dt.parse_type(declared), dt.parse_type(column.type)):
            keys = zip(scan.table.partition_keys, partition.values, strict=True)
            shown = "/".join(f"{key.name}={value}" for key, value in keys)
            raise QueryFailed(
                "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition schemas. "
                f"The types are incompatible and cannot be coerced. The column '{column.name}' in table "
                f"'{scan.table.database}.{scan.table.name}' is declared as type '{column.type}', but partition "
                f"'{shown}' declared column '{column.name}' as type '{declared}'.",
                DATA_ERROR,
            )


def _constants(table: Table, file: _File) -> ds.Expression:
    """Return the constants of a file as an expression: the values of its partition, and its S3 address."""
    found = ds.field(PATH_COLUMN) == pa.scalar(file.uri)
    for key, value in zip(table.partition_keys, file.partition, strict=bool(table.partition_keys)):
        field = ds.field(key.name)
        found &= field.is_null() if value is None else field == pa.scalar(value, dt.parse_type(key.type))
    return found


# ---------------------------------------------------------------- files
def _checked_file(file: _File, wanted: dict[str, pa.DataType]) -> _FileInfo:
    """Check the types of the wanted columns in a file, and return what the scan must know about the file."""
    try:
        metadata = pq.read_metadata(file.path)
        schema = metadata.schema.to_arrow_schema()
    except pa.ArrowInvalid as error:
        raise QueryFailed(
            f"HIVE_BAD_DATA: {file.uri} is not a valid Parquet File: {error}", DATA_ERROR
        ) from None
    for name, declared in wanted.items():
        _check_column(file, schema, name, declared)
    scanned = sum(
        chunk.total_compressed_size
        for group in range(metadata.num_row_groups)
        for chunk in (metadata.row_group(group).column(at) for at in range(metadata.num_columns))
        if chunk.path_in_schema.partition(".")[0] in wanted
    )
    leaves = [metadata.schema.column(at) for at in range(metadata.num_columns)]
    whole = {leaf.path for leaf in leaves if leaf.physical_type == "INT64"}  # INT96 is read as microseconds
    nanoseconds = {
        name
        for name in wanted.keys() & whole
        if pa.types.is_timestamp(found := schema.field(name).type) and found.unit == "ns"
    }
    return _FileInfo(scanned, frozenset(nanoseconds))


def _check_column(file: _File, schema: pa.Schema, name: str, declared: pa.DataType) -> None:
    if name not in schema.names:
        other = next((found for found in schema.names if found.lower() == name), None)
        if other is not None:
            raise not_supported(f"the column {other} in {file.uri}: its name must be in lower case, {name}")
        return  # e.g. an older file; the values are NULL
    found = schema.field(name).type
    if found in _UNSIGNED_AS_SIGNED and declared in dt.INTEGERS:
        raise not_supported(
            f"the unsigned column {name} ({found}) of {file.uri}, which Athena reads as signed"
        )
    if not _reads_as(found, declared, narrowing=True):
        raise QueryFailed(
            f"HIVE_BAD_DATA: Field {name}'s type {str(found).upper()} in parquet file {file.uri} "
            f"is incompatible with type {dt.trino_name(declared)} defined in table schema",
            DATA_ERROR,
        )


def _reads_as(found: pa.DataType, declared: pa.DataType, narrowing: bool = False) -> bool:  # noqa: PLR0911 - one return for each kind of type
    """Whether Athena reads a Parquet column of type ``found`` as type ``declared``.

    With ``narrowing``, an integer may also be declared smaller than it is in the file. Then a value that is too large
    fails the query. Source: LongColumnReader and IntColumnReader of io.trino.parquet.reader, Trino 401
    """
    if found == declared:
        return True
    if pa.types.is_timestamp(found) and declared == dt.TIMESTAMP:
        return True
    if pa.types.is_large_string(found):
        return bool(declared == dt.VARCHAR)
    if pa.types.is_dictionary(found):
        return _reads_as(found.value_type, declared, narrowing)
    if found in dt.INTEGERS and declared in dt.INTEGERS:
        return narrowing or dt.INTEGERS.index(found) <= dt.INTEGERS.index(declared)
    if found in _UNSIGNED and declared in dt.INTEGERS:
        return narrowing
    if found == dt.REAL and declared == dt.DOUBLE:
        return True
    if dt.is_decimal(found) and dt.is_decimal(declared):
        return bool(
            found.scale <= declared.scale
            and found.precision - found.scale <= declared.precision - declared.scale
        )
    if pa.types.is_list(found) and dt.is_array(declared):
        return _reads_as(found.value_type, declared.value_type, narrowing)
    if pa.types.is_map(found) and pa.types.is_map(declared):
        pairs = ((found.key_type, declared.key_type), (found.item_type, declared.item_type))
        return all(_reads_as(a, b, narrowing) for a, b in pairs)
    if pa.types.is_struct(found) and pa.types.is_struct(declared):
        same_names = [field.name for field in found] == [field.name for field in declared]
        return same_names and all(
            _reads_as(a.type, b.type, narrowing) for a, b in zip(found, declared, strict=True)
        )
    return False
