"""Writer of Avro files, with the schema that Hive's AvroSerDe has for the types of the columns.

Source: https://cwiki.apache.org/confluence/display/Hive/AvroSerDe
"""

from __future__ import annotations

from itertools import count
from typing import IO, Any

import fastavro
import pyarrow as pa
from fastavro.write import Writer

from localaws.athena.errors import not_supported
from localaws.athena.writing.formats import Output

_CODECS = {"NONE": "null", "SNAPPY": "snappy", "GZIP": "deflate", "DEFLATE": "deflate", "ZLIB": "deflate"}
_PLAIN = {
    pa.bool_(): "boolean",
    pa.int8(): "int",
    pa.int16(): "int",
    pa.int32(): "int",
    pa.int64(): "long",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "string",
    pa.binary(): "bytes",
}


class AvroFile:
    def __init__(self, file: IO[bytes], schema: pa.Schema, output: Output) -> None:
        record = _record(schema, count())
        self._writer = Writer(file, fastavro.parse_schema(record), codec=_CODECS[output.compression])

    def write(self, table: pa.Table) -> None:
        in_utc = pa.schema([field.with_type(_in_utc(field.type)) for field in table.schema])
        for row in table.cast(in_utc).to_pylist(maps_as_pydicts="strict"):
            self._writer.write(row)

    def close(self) -> None:
        self._writer.flush()


def _record(fields: Any, numbers: count[int]) -> dict[str, Any]:
    """Return the schema of a record. Avro needs a different name for each one."""
    return {
        "type": "record",
        "name": f"record_{next(numbers)}",
        "fields": [
            {"name": field.name, "type": ["null", _schema(field.type, numbers)], "default": None}
            for field in fields
        ],
    }


def _schema(datatype: pa.DataType, numbers: count[int]) -> Any:
    found: Any = _PLAIN.get(datatype)
    if pa.types.is_decimal(datatype):
        digits = {"precision": datatype.precision, "scale": datatype.scale}
        found = {"type": "bytes", "logicalType": "decimal", **digits}
    elif pa.types.is_date(datatype):
        found = {"type": "int", "logicalType": "date"}
    elif pa.types.is_timestamp(datatype):
        found = {"type": "long", "logicalType": "timestamp-millis"}
    elif pa.types.is_list(datatype):
        found = {"type": "array", "items": ["null", _schema(datatype.value_type, numbers)]}
    elif pa.types.is_map(datatype) and datatype.key_type == pa.string():
        found = {"type": "map", "values": ["null", _schema(datatype.item_type, numbers)]}
    elif pa.types.is_struct(datatype):
        found = _record(datatype, numbers)
    if found is None:
        raise not_supported(f"writing {datatype} to AVRO files")
    return found


def _in_utc(datatype: pa.DataType) -> pa.DataType:
    """Return the type with UTC: fastavro reads a timestamp without a time zone as one of the machine's zone."""
    if pa.types.is_timestamp(datatype):
        return pa.timestamp("ms", "UTC")
    if pa.types.is_list(datatype):
        return pa.list_(_in_utc(datatype.value_type))
    if pa.types.is_map(datatype):
        return pa.map_(datatype.key_type, _in_utc(datatype.item_type))
    if pa.types.is_struct(datatype):
        return pa.struct([field.with_type(_in_utc(field.type)) for field in datatype])
    return datatype
