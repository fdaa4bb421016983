"""The types of Iceberg's columns as Athena's types.

A timestamp of Iceberg is a timestamp(6). DDL has no tinyint, smallint, char, varchar and timestamp with time zone.
Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-supported-data-types.html and TypeConverter of
Trino's Iceberg connector
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
from pyiceberg import types as iceberg

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.quoting import duckdb_identifier

NextId = Callable[[], int]

_ATHENA = {
    iceberg.BooleanType: dt.BOOLEAN,
    iceberg.IntegerType: dt.INTEGER,
    iceberg.LongType: dt.BIGINT,
    iceberg.FloatType: dt.REAL,
    iceberg.DoubleType: dt.DOUBLE,
    iceberg.StringType: dt.VARCHAR,
    iceberg.BinaryType: dt.VARBINARY,
    iceberg.DateType: dt.DATE,
    iceberg.TimeType: dt.time_of_day(6),
    iceberg.TimestampType: dt.timestamp(6),
    iceberg.TimestamptzType: dt.zoned(6),
}
_ICEBERG = {athena: made for made, athena in _ATHENA.items()}


def athena_type(found: iceberg.IcebergType) -> pa.DataType | None:
    """Return the type of a column in queries; None if Athena, or this engine, cannot read it."""
    match found:
        case iceberg.DecimalType():
            return pa.decimal128(found.precision, found.scale)
        case iceberg.ListType():
            parts = [athena_type(found.element_type)]
        case iceberg.MapType():
            parts = [athena_type(found.key_type), athena_type(found.value_type)]
        case iceberg.StructType():
            parts = [athena_type(field.field_type) for field in found.fields]
        case _:
            return next((type_ for kind, type_ in _ATHENA.items() if isinstance(found, kind)), None)
    if any(part is None or dt.kind(part) == dt.ZONED for part in parts):
        return None
    if isinstance(found, iceberg.ListType):
        return pa.list_(parts[0])
    if isinstance(found, iceberg.MapType):
        return dt.map_of(*parts)
    return dt.row([pa.field(field.name, part) for field, part in zip(found.fields, parts, strict=True)])


def iceberg_type(datatype: pa.DataType, next_id: NextId) -> iceberg.IcebergType:
    """Return the type of a new column for these values. ``next_id`` numbers the fields inside it.

    Raises QueryFailed NOT_SUPPORTED, for example for a timestamp(3).
    """
    if dt.is_decimal(datatype):
        return iceberg.DecimalType(datatype.precision, datatype.scale)
    if dt.is_array(datatype):
        return iceberg.ListType(next_id(), iceberg_type(datatype.value_type, next_id), element_required=False)
    if dt.is_map(datatype):
        key, value = dt.parts(datatype)
        ids = next_id(), next_id()
        return iceberg.MapType(
            ids[0], iceberg_type(key, next_id), ids[1], iceberg_type(value, next_id), value_required=False
        )
    if dt.is_row(datatype):
        fields = [
            iceberg.NestedField(next_id(), field.name.lower(), iceberg_type(field.type, next_id))
            for field in datatype
        ]
        return iceberg.StructType(*fields)
    if datatype in _ICEBERG:
        made: iceberg.IcebergType = _ICEBERG[datatype]()
        return made
    if dt.kind(datatype) in ("timestamp", dt.ZONED, "time"):
        name = dt.kind(datatype)
        shown, wanted = name.capitalize(), dt.trino_name(datatype).replace(f"({dt.digits(datatype)})", "(6)")
        raise QueryFailed(
            f'NOT_SUPPORTED: {shown} precision ({dt.digits(datatype)}) not supported for Iceberg. Use "{wanted}" '
            "instead.",
            SYNTAX_ERROR,
        )
    raise QueryFailed(
        f"NOT_SUPPORTED: Type not supported for Iceberg: {dt.trino_name(datatype)}", SYNTAX_ERROR
    )


def can_promote(found: iceberg.IcebergType, new: iceberg.IcebergType) -> bool:
    """Whether Athena can change the type of a column. Source:
    https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-evolving-table-schema.html"""
    match found, new:
        case iceberg.IntegerType(), iceberg.LongType():
            return True
        case iceberg.FloatType(), iceberg.DoubleType():
            return True
        case iceberg.DecimalType(), iceberg.DecimalType():
            return found.scale == new.scale and found.precision < new.precision
    return False


def stored(datatype: pa.DataType) -> pa.DataType:
    """Return the Arrow type of a column's values in a data file."""
    if dt.kind(datatype) == dt.ZONED:
        return pa.timestamp("us", tz="UTC")
    if isinstance(datatype, dt.TrinoType):
        return datatype.storage_type
    if dt.is_array(datatype):
        return pa.list_(stored(datatype.value_type))
    if dt.is_map(datatype):
        return pa.map_(*map(stored, dt.parts(datatype)))
    if dt.is_row(datatype):
        return pa.struct([(field.name, stored(field.type)) for field in datatype])
    return datatype


def instants(types: Mapping[str, pa.DataType]) -> dict[str, str]:
    """Return DuckDB's SQL of the columns whose values have another type in a query. Iceberg stores instants in UTC."""
    return {
        name: f"trino_zoned(epoch_us({duckdb_identifier(name)}), 0)"
        for name, type_ in types.items()
        if type_ != dt.NULL and dt.kind(type_) == dt.ZONED
    }


def hive_name(found: iceberg.IcebergType) -> str:
    """Return the name of the type in DDL, as DESCRIBE shows it."""
    match found:
        case iceberg.DecimalType():
            return f"decimal({found.precision}, {found.scale})"
        case iceberg.ListType():
            return f"array<{hive_name(found.element_type)}>"
        case iceberg.MapType():
            return f"map<{hive_name(found.key_type)}, {hive_name(found.value_type)}>"
        case iceberg.StructType():
            return f"struct<{', '.join(f'{f.name}: {hive_name(f.field_type)}' for f in found.fields)}>"
        case iceberg.LongType():
            return "bigint"
    return str(found)
