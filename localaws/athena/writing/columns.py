"""The columns of a query as columns of a table: their checks, and the names of their types in Hive.

Sources: https://docs.aws.amazon.com/athena/latest/ug/ctas-considerations-limitations.html,
StatementAnalyzer and HiveType of Trino 401
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.sql.translation.output_columns import OutputColumn, Query
from localaws.athena.sql.types.casts import cast
from localaws.athena.sql.types.typed_sql import TypedSql

_HIVE = {
    dt.BOOLEAN: "boolean",
    dt.TINYINT: "tinyint",
    dt.SMALLINT: "smallint",
    dt.INTEGER: "int",
    dt.BIGINT: "bigint",
    dt.REAL: "float",
    dt.DOUBLE: "double",
    dt.VARCHAR: "string",
    dt.VARBINARY: "binary",
    dt.DATE: "date",
    dt.TIMESTAMP: "timestamp",
}

_HIVE_DIGITS = 3  # of the seconds of a timestamp


def hive_type(output: OutputColumn) -> str:
    """Return the type of a column that has these values. Raises QueryFailed if Hive has none."""
    if output.type == dt.VARCHAR and output.length:
        return f"varchar({output.length})"
    return _hive_name(output.type)


def _hive_name(datatype: pa.DataType) -> str:
    if dt.is_decimal(datatype):
        return f"decimal({datatype.precision},{datatype.scale})"
    if dt.is_array(datatype):
        return f"array<{_hive_name(datatype.value_type)}>"
    if pa.types.is_map(datatype):
        return f"map<{_hive_name(datatype.key_type)},{_hive_name(datatype.item_type)}>"
    if pa.types.is_struct(datatype):
        fields = ",".join(f"{field.name.lower()}:{_hive_name(field.type)}" for field in datatype)
        return f"struct<{fields}>"
    if dt.kind(datatype) == "timestamp" and dt.digits(datatype) <= _HIVE_DIGITS:
        return "timestamp"
    if datatype not in _HIVE:
        raise QueryFailed(f"NOT_SUPPORTED: Unsupported Hive type: {dt.trino_name(datatype)}")
    return _HIVE[datatype]


def cast_query(query: Query, types: Sequence[pa.DataType]) -> Query:
    """Return the query with its columns cast to the types of a table, as INSERT INTO does."""
    texts = [
        cast(TypedSql(f"c{at}", output.type, output.length), type_, exp.Null()).sql
        for at, (output, type_) in enumerate(zip(query.outputs, types, strict=True))
    ]
    columns = ", ".join(f"{text} AS c{at}" for at, text in enumerate(texts))
    outputs = tuple(
        output if output.type == type_ else replace(output, type=type_, length=None)
        for output, type_ in zip(query.outputs, types, strict=True)
    )
    return with_instants(replace(query, sql=f"SELECT {columns} FROM ({query.sql})", outputs=outputs))


def with_instants(query: Query) -> Query:
    """Return the query with timestamps with time zone as microseconds since 1970, because Iceberg stores no zone."""
    zoned = [dt.kind(output.type) == dt.ZONED for output in query.outputs]
    if not any(zoned):
        return query
    columns = ", ".join(
        f"trino_instant(c{at}) AS c{at}" if is_zoned else f"c{at}" for at, is_zoned in enumerate(zoned)
    )
    outputs = tuple(
        replace(output, type=dt.BIGINT) if is_zoned else output
        for output, is_zoned in zip(query.outputs, zoned, strict=True)
    )
    return replace(query, sql=f"SELECT {columns} FROM ({query.sql})", outputs=outputs)


def check_columns(outputs: Sequence[OutputColumn]) -> None:
    """Raise QueryFailed unless each column has a name of its own and a known type."""
    names: set[str] = set()
    for at, output in enumerate(outputs, 1):
        if not output.name:
            raise QueryFailed(
                f"MISSING_COLUMN_NAME: line 1:1: Column name not specified at position {at}", SYNTAX_ERROR
            )
        if output.name.lower() in names:
            raise QueryFailed(
                f"DUPLICATE_COLUMN_NAME: line 1:1: Column name '{output.name}' specified more than once",
                SYNTAX_ERROR,
            )
        if output.type == dt.NULL:
            raise QueryFailed(
                f"COLUMN_TYPE_UNKNOWN: line 1:1: Column type is unknown at position {at}", SYNTAX_ERROR
            )
        names.add(output.name.lower())


def written_schema(names: Sequence[str], types: Sequence[pa.DataType]) -> pa.Schema:
    """Return the schema of the files: timestamps have milliseconds."""
    return pa.schema([(name, _written_type(type_)) for name, type_ in zip(names, types, strict=True)])


def _written_type(datatype: pa.DataType) -> pa.DataType:
    if dt.kind(datatype) == "timestamp":
        return pa.timestamp("us")
    if dt.is_array(datatype):
        return pa.list_(_written_type(datatype.value_type))
    if pa.types.is_map(datatype):
        return pa.map_(_written_type(datatype.key_type), _written_type(datatype.item_type))
    if pa.types.is_struct(datatype):
        return pa.struct([(field.name.lower(), _written_type(field.type)) for field in datatype])
    return datatype
