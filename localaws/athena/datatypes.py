"""The types of columns and expressions, as Arrow types, and their names in Hive, Trino and DuckDB.

Glue and DDL use Hive's names (``array<double>``), queries and messages use Trino's (``array(double)``).
Source: https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from localaws.athena.quoting import duckdb_identifier

NULL = pa.null()
BOOLEAN = pa.bool_()
TINYINT, SMALLINT, INTEGER, BIGINT = pa.int8(), pa.int16(), pa.int32(), pa.int64()
REAL, DOUBLE = pa.float32(), pa.float64()
VARCHAR, VARBINARY = pa.string(), pa.binary()
_NO_KEY = pa.bool8()  # the key type of MAP(), because Arrow's maps have no keys of the type NULL
JSON = pa.json_()  # in DuckDB the text that Trino writes: without spaces, with sorted keys
DATE, TIMESTAMP = pa.date32(), pa.timestamp("us")
# timestamp(0) to timestamp(2). Only literals have these types: ``TIMESTAMP '2024-01-01 00:00:00'`` is a timestamp(0).
SHORT_TIMESTAMP = pa.timestamp("s")
TIMESTAMPS = (SHORT_TIMESTAMP, TIMESTAMP)
INTEGERS = (TINYINT, SMALLINT, INTEGER, BIGINT)
MAX_DIGITS = 38  # the largest precision of a decimal

_BY_NAME = {
    "boolean": BOOLEAN,
    "tinyint": TINYINT,
    "smallint": SMALLINT,
    "int": INTEGER,
    "integer": INTEGER,
    "bigint": BIGINT,
    "float": REAL,
    "real": REAL,
    "double": DOUBLE,
    "string": VARCHAR,
    "varchar": VARCHAR,
    "json": JSON,
    "binary": VARBINARY,
    "varbinary": VARBINARY,
    "date": DATE,
    "timestamp": TIMESTAMP,
}
# All type names of Trino, also of types that are not supported here. DDL has Hive's names, such as string and float.
_TRINO_TYPE_NAMES = """
    array bigint bingtile boolean char codepoints color date decimal double function geometry hyperloglog int
    integer interval ipaddress joniregexp json json2016 jsonpath kdbtree likepattern map objectid p4hyperloglog
    qdigest real row setdigest smallint sphericalgeography tdigest time timestamp tinyint unknown uuid varbinary
    varchar
"""
TRINO_TYPE_NAMES = frozenset(_TRINO_TYPE_NAMES.split())
_DUCKDB = {
    NULL: '"NULL"',
    REAL: "REAL",
    DOUBLE: "DOUBLE",
    VARCHAR: "VARCHAR",
    JSON: "VARCHAR",
    VARBINARY: "BLOB",
    TIMESTAMP: "TIMESTAMP",
    SHORT_TIMESTAMP: "TIMESTAMP",
}
_TRINO = {
    NULL: "unknown",
    BOOLEAN: "boolean",
    TINYINT: "tinyint",
    SMALLINT: "smallint",
    INTEGER: "integer",
    BIGINT: "bigint",
    REAL: "real",
    DOUBLE: "double",
    VARCHAR: "varchar",
    VARBINARY: "varbinary",
    JSON: "json",
    DATE: "date",
    TIMESTAMP: "timestamp(3)",
    SHORT_TIMESTAMP: "timestamp(0)",
}
_TOKEN = re.compile(r'\s*([A-Za-z_$][\w$]*|"(?:[^"]|"")+"|\d+|[<>(),:])')
_BARE_DECIMAL = re.compile(r"\bdecimal\b(?!\s*\()", re.IGNORECASE)
_VARCHAR = re.compile(r"\s*varchar\s*\(\s*(\d+)\s*\)\s*", re.IGNORECASE)
_INTEGER_DIGITS = {TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19}


def parse_type(text: str) -> pa.DataType:
    """Return the type with this Hive or Trino name. Raises ValueError if it is not supported."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text) or not tokens:
        raise ValueError(f"unknown type: {text}")
    try:
        found = _parse(tokens)
    except IndexError:
        raise ValueError(f"unknown type: {text}") from None
    if tokens:
        raise ValueError(f"unknown type: {text}")
    return found


def trino_type(text: str) -> pa.DataType:
    """Return the type with this name in a query: ``decimal`` is decimal(38,0) there, but decimal(10,0) in DDL.

    Raises ValueError if the type is not supported. Source: https://trino.io/docs/current/language/types.html
    """
    return parse_type(_BARE_DECIMAL.sub("decimal(38,0)", text))


def varchar_length(hive_type: str) -> int | None:
    """Return the n of ``varchar(n)``, or None for any other type."""
    found = _VARCHAR.fullmatch(hive_type)
    return int(found[1]) if found else None


def _parse(tokens: list[str]) -> pa.DataType:
    name = tokens.pop(0).lower()
    arguments = bool(tokens) and tokens[0] in "<("
    if name in ("array", "map", "struct", "row", "decimal", "varchar", "timestamp") and arguments:
        tokens.pop(0)
        found = _parse_arguments(name, tokens)
        if tokens.pop(0) not in ")>":
            raise ValueError(f"unknown type: {name} with too many arguments")
        return found
    if name == "decimal":
        return pa.decimal128(10, 0)
    if name not in _BY_NAME:
        raise ValueError(f"unknown type: {name}")
    return _BY_NAME[name]


def _parse_arguments(name: str, tokens: list[str]) -> pa.DataType:
    if name == "array":
        return pa.list_(_parse(tokens))
    if name == "map":
        key = _parse(tokens)
        _expect(tokens, ",")
        return map_of(key, _parse(tokens))
    if name in ("struct", "row"):
        fields = [_parse_field(tokens)]
        while tokens[0] == ",":
            tokens.pop(0)
            fields.append(_parse_field(tokens))
        return row(fields)
    first = int(tokens.pop(0))
    if name != "decimal":
        return _BY_NAME[name]
    scale = 0
    if tokens[0] == ",":
        tokens.pop(0)
        scale = int(tokens.pop(0))
    if not 1 <= first <= MAX_DIGITS or scale > first:
        raise ValueError(
            f"decimal({first},{scale}) must have a precision from 1 to 38 and a scale from 0 to the precision"
        )
    return pa.decimal128(first, scale)


def _parse_field(tokens: list[str]) -> pa.Field:
    """Parse ``a:int`` of Hive, ``a bigint`` of Trino, or ``bigint``, a field without a name."""
    if tokens[1] in "(,)" and not tokens[0].startswith('"'):
        return pa.field("", _parse(tokens))
    name = tokens.pop(0)
    name = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
    if tokens[0] == ":":
        tokens.pop(0)
    return pa.field(name, _parse(tokens))


def _expect(tokens: list[str], token: str) -> None:
    if tokens.pop(0) != token:
        raise ValueError(f"expected {token}")


def map_of(key: pa.DataType, value: pa.DataType) -> pa.DataType:
    return pa.map_(_NO_KEY if key == NULL else key, value)


def row(fields: Sequence[pa.Field]) -> pa.DataType:
    """Return the type of a row. A field without a name has the name ''. Raises ValueError if two names are the same."""
    names = [field_name(field, at).lower() for at, field in enumerate(fields)]
    if len(set(names)) < len(names):
        raise ValueError(f"a row with two fields of the same name: {', '.join(names)}")
    return pa.struct(fields)


def field_name(field: pa.Field, at: int) -> str:
    """Return the name of a row's field in DuckDB and in results, where each field has a name."""
    return str(field.name) or f"field{at}"


def is_decimal(datatype: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(datatype))


def is_numeric(datatype: pa.DataType) -> bool:
    return datatype in INTEGERS or datatype in (REAL, DOUBLE) or is_decimal(datatype)


def is_array(datatype: pa.DataType) -> bool:
    return bool(pa.types.is_list(datatype))


def is_map(datatype: pa.DataType) -> bool:
    return bool(pa.types.is_map(datatype))


def is_row(datatype: pa.DataType) -> bool:
    return bool(pa.types.is_struct(datatype))


def parts(datatype: pa.DataType) -> tuple[pa.DataType, ...]:
    """Return the types inside an array, a map or a row. A scalar type has none."""
    if is_array(datatype):
        return (datatype.value_type,)
    if is_map(datatype):
        return (NULL if datatype.key_type == _NO_KEY else datatype.key_type, datatype.item_type)
    return tuple(field.type for field in datatype) if is_row(datatype) else ()


def contains(datatype: pa.DataType, part: pa.DataType) -> bool:
    """Return whether a type is, or has inside, the type ``part``."""
    return bool(datatype == part) or any(contains(inner, part) for inner in parts(datatype))


def contains_map(datatype: pa.DataType) -> bool:
    return is_map(datatype) or any(contains_map(part) for part in parts(datatype))


def as_decimal(datatype: pa.DataType) -> pa.DataType:
    """Return the decimal type for all values of an integer type. A decimal is unchanged, NULL is decimal(1,0)."""
    if datatype == NULL:
        return pa.decimal128(1, 0)
    return datatype if is_decimal(datatype) else pa.decimal128(_INTEGER_DIGITS[datatype], 0)


def common_type(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:  # noqa: PLR0911 - one return for each kind of type
    """Return the type to which Trino implicitly coerces both types, or None."""
    if right in (left, NULL):
        return left
    if left == NULL:
        return right
    if {left, right} <= {DATE, *TIMESTAMPS}:
        return TIMESTAMP if TIMESTAMP in (left, right) else SHORT_TIMESTAMP
    if pa.types.is_nested(left) or pa.types.is_nested(right):
        return _common_nested_type(left, right)
    if not (is_numeric(left) and is_numeric(right)):
        return None
    if DOUBLE in (left, right):
        return DOUBLE
    if REAL in (left, right):
        return REAL
    if left in INTEGERS and right in INTEGERS:
        return max(left, right, key=INTEGERS.index)
    left, right = as_decimal(left), as_decimal(right)
    scale = max(left.scale, right.scale)
    return pa.decimal128(
        min(MAX_DIGITS, max(left.precision - left.scale, right.precision - right.scale) + scale), scale
    )


def _common_nested_type(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    kinds = (is_array, is_map, is_row)
    inner = [common_type(a, b) for a, b in zip(parts(left), parts(right), strict=False)]
    if [kind(left) for kind in kinds] != [kind(right) for kind in kinds] or None in inner:
        return None
    if is_array(left):
        return pa.list_(inner[0])
    if is_map(left):
        return map_of(*inner)
    if len(parts(left)) != len(parts(right)):
        return None
    names = [a.name if a.name == b.name else "" for a, b in zip(left, right, strict=True)]
    return pa.struct([pa.field(name, type_) for name, type_ in zip(names, inner, strict=True)])


def can_coerce(source: pa.DataType, target: pa.DataType) -> bool:
    return bool(common_type(source, target) == target)


def trino_name(datatype: pa.DataType) -> str:
    if is_decimal(datatype):
        return f"decimal({datatype.precision},{datatype.scale})"
    if is_array(datatype):
        return f"array({trino_name(datatype.value_type)})"
    if is_map(datatype):
        return f"map({', '.join(map(trino_name, parts(datatype)))})"
    if is_row(datatype):
        return f"row({', '.join(f'{field.name} {trino_name(field.type)}'.lstrip() for field in datatype)})"
    return _TRINO[datatype]


def duckdb_name(datatype: pa.DataType) -> str:
    if is_array(datatype):
        return f"{duckdb_name(datatype.value_type)}[]"
    if is_map(datatype):
        return f"MAP({', '.join(map(duckdb_name, parts(datatype)))})"
    if is_row(datatype):
        fields = (
            f"{duckdb_identifier(field_name(field, at))} {duckdb_name(field.type)}"
            for at, field in enumerate(datatype)
        )
        return f"STRUCT({', '.join(fields)})"
    return _DUCKDB.get(datatype) or trino_name(datatype).upper()


def result_type(datatype: pa.DataType) -> pa.DataType:
    """Return the type of a result column. Athena writes all timestamps with milliseconds."""
    if is_array(datatype):
        return pa.list_(result_type(datatype.value_type))
    if is_map(datatype):
        return map_of(*map(result_type, parts(datatype)))
    if is_row(datatype):
        return pa.struct([field.with_type(result_type(field.type)) for field in datatype])
    return TIMESTAMP if datatype == SHORT_TIMESTAMP else datatype
