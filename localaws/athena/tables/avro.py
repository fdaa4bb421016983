"""Tables of Avro files, block by block. Columns are found by name.

The schema is that of each file, or the one in the SerDe property avro.schema.literal.
Source: https://docs.aws.amazon.com/athena/latest/ug/avro-serde.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

import fastavro
import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported
from localaws.athena.tables.data_files import DataFile, Scan, Source, compressed_size
from localaws.athena.tables.parquet import read_values
from localaws.athena.tables.streams import BatchStream

_ROWS = 8192


def avro_source(scan: Scan, files: Sequence[DataFile]) -> Source:
    table, types = scan.table, scan.file_types
    if "avro.schema.url" in table.serde_properties | table.properties:
        raise not_supported(f"table {table.database}.{table.name}: the property avro.schema.url")
    literal = (table.properties | table.serde_properties).get("avro.schema.literal")
    try:
        schema = None if literal is None else fastavro.parse_schema(json.loads(literal))
    except (ValueError, fastavro.schema.SchemaParseException) as error:
        raise QueryFailed(
            f"HIVE_INVALID_METADATA: Invalid avro.schema.literal: {error}", DATA_ERROR
        ) from None
    stream = BatchStream(scan, files, types, partial(_read, schema, types))
    return Source(stream, read_values(scan, types), compressed_size(files))


def _read(schema: Any, types: dict[str, pa.DataType], file: DataFile) -> Iterator[tuple[int, list[pa.Array]]]:
    with file.path.open("rb") as content:
        records = _records(schema, file, content)
        while batch := list(islice(records, _ROWS)):
            yield len(batch), [_column(batch, name, type_, file) for name, type_ in types.items()]


def _records(schema: Any, file: DataFile, content: Any) -> Iterator[dict[str, Any]]:
    """Yield the records of a file, with names in lower case."""
    try:
        for record in fastavro.reader(content, schema):
            yield {name.lower(): value for name, value in record.items()}  # type: ignore[union-attr]
    except (ValueError, EOFError, KeyError, AttributeError, fastavro.read.SchemaResolutionError) as error:
        if "codec" in str(error):
            raise not_supported(f"{error} ({file.uri})") from None
        raise QueryFailed(f"HIVE_BAD_DATA: Invalid Avro file {file.uri}: {error}", DATA_ERROR) from None


def _column(batch: list[dict[str, Any]], name: str, datatype: pa.DataType, file: DataFile) -> pa.Array:
    try:
        return pa.array([_converted(record.get(name), datatype) for record in batch], datatype)
    except (pa.ArrowException, TypeError, ValueError, AttributeError) as error:
        raise QueryFailed(
            f"HIVE_BAD_DATA: Field {name} in Avro file {file.uri} is incompatible with type "
            f"{dt.trino_name(datatype)} defined in table schema: {error}",
            DATA_ERROR,
        ) from None


def _converted(value: Any, datatype: pa.DataType) -> Any:
    """Return a value of an Avro record as Arrow takes it."""
    if value is None:
        return None
    if dt.is_array(datatype):
        return [_converted(item, datatype.value_type) for item in value]
    if pa.types.is_map(datatype):
        return [(key, _converted(item, datatype.item_type)) for key, item in value.items()]
    if pa.types.is_struct(datatype):
        members = {name.lower(): member for name, member in value.items()}
        return {field.name: _converted(members.get(field.name), field.type) for field in datatype}
    if dt.is_decimal(datatype):
        return Decimal(value).quantize(Decimal(1).scaleb(-datatype.scale))
    return value
