"""Tables of Parquet files: the types in the header of each file are checked, and only used columns are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported
from localaws.athena.quoting import duckdb_identifier
from localaws.athena.tables.catalog import Table
from localaws.athena.tables.coercions import as_read, reads_as
from localaws.athena.tables.data_files import DataFile, Scan, Source

_FORMAT = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"))
_FILES = LocalFileSystem()
_UNSIGNED_AS_SIGNED = (pa.uint32(), pa.uint64())


@dataclass(frozen=True)
class _FileInfo:
    """``nanoseconds`` are the names of the columns with timestamps in nanoseconds."""

    scanned_bytes: int
    nanoseconds: frozenset[str]


def parquet_source(scan: Scan, files: Sequence[DataFile]) -> Source:
    """Check the column types of the files, and make a dataset of them. Raises QueryFailed HIVE_BAD_DATA."""
    wanted = scan.file_types
    infos = [_checked_file(file, wanted) for file in files]
    types = {**wanted, **scan.constant_types}
    types |= dict.fromkeys((name for info in infos for name in info.nanoseconds), pa.timestamp("ns"))
    dataset = columnar_dataset(_FORMAT, pa.schema(types), scan.table, files)
    return Source(dataset, read_values(scan, types), sum(info.scanned_bytes for info in infos))


def columnar_dataset(
    file_format: ds.FileFormat, schema: pa.Schema, table: Table, files: Sequence[DataFile]
) -> ds.Dataset:
    if not files:
        return ds.InMemoryDataset(schema.empty_table())
    fragments = [
        file_format.make_fragment(
            str(file.path), filesystem=_FILES, partition_expression=_constants(table, file)
        )
        for file in files
    ]
    return ds.FileSystemDataset(fragments, schema, file_format, _FILES)


def read_values(scan: Scan, types: dict[str, pa.DataType]) -> dict[str, str]:
    """Return DuckDB's SQL for the columns of ``types`` whose values Athena changes when it reads them."""
    lengths = {column.name: dt.varchar_length(column.type) for column in scan.table.columns}
    values = {
        name: as_read(duckdb_identifier(name), type_, lengths.get(name)) for name, type_ in types.items()
    }
    return {name: value for name, value in values.items() if value is not None}


def _constants(table: Table, file: DataFile) -> ds.Expression:
    """Return the constants of a file as an expression."""
    types = {key.name: dt.parse_type(key.type) for key in table.partition_keys}
    found = ds.scalar(True)
    for name, value in file.constants(table).items():
        column = ds.field(name)
        found &= (
            column.is_null() if value is None else column == pa.scalar(value, types.get(name, dt.VARCHAR))
        )
    return found


def _checked_file(file: DataFile, wanted: dict[str, pa.DataType]) -> _FileInfo:
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


def _check_column(file: DataFile, schema: pa.Schema, name: str, declared: pa.DataType) -> None:
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
    if not reads_as(found, declared, narrowing=True):
        raise QueryFailed(
            f"HIVE_BAD_DATA: Field {name}'s type {str(found).upper()} in parquet file {file.uri} "
            f"is incompatible with type {dt.trino_name(declared)} defined in table schema",
            DATA_ERROR,
        )
