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
DATE, TIMESTAMP = pa.date32(), pa.timestamp("us")  # TIMESTAMP is timestamp(3)


class TrinoType(pa.ExtensionType):  # type: ignore[misc] # pyarrow has no annotations
    """A type of Trino that Arrow does not have. ``kind`` is its name without ``size``.

    ``size`` is the precision of a time or timestamp, or the n of char(n). ``storage_type`` is the Arrow type of the
    column that DuckDB returns.
    """

    def __init__(self, storage: pa.DataType, kind: str, size: int | None = None) -> None:
        self.kind, self.size = kind, size
        first, _, rest = kind.partition(" ")
        self.name = f"{first}({size}) {rest}".rstrip() if size is not None else kind
        super().__init__(storage, f"trino.{self.name}")

    def __arrow_ext_serialize__(self) -> bytes:
        return self.name.encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, serialized: bytes) -> pa.DataType:
        return trino_type(serialized.decode())

    def __hash__(self) -> int:
        return hash(self.name)


ZONED, TIME, ZONED_TIME = "timestamp with time zone", "time", "time with time zone"
_DUCKDB_INTERVAL = pa.month_day_nano_interval()
DAY_TO_SECOND = TrinoType(pa.int64(), "interval day to second")  # milliseconds
YEAR_TO_MONTH = TrinoType(pa.int32(), "interval year to month")  # months
UUID = TrinoType(pa.string(), "uuid")
IPADDRESS = TrinoType(pa.binary(), "ipaddress")  # 16 bytes
MOST_DIGITS = 12  # of a second
MICROSECONDS = 6  # the digits of a second in DuckDB
_LONGEST_CHAR = 65_536
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
_TRINO_ONLY = {
    "uuid": UUID,
    "ipaddress": IPADDRESS,
    "interval day to second": DAY_TO_SECOND,
    "interval year to month": YEAR_TO_MONTH,
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
    pa.time64("us"): "TIME",
    DAY_TO_SECOND: "BIGINT",
    YEAR_TO_MONTH: "INTEGER",
    UUID: "UUID",
    IPADDRESS: "BLOB",
}
_DUCKDB_KINDS = {
    "timestamp": "TIMESTAMP",
    TIME: "TIME",
    ZONED: "INTERVAL",
    ZONED_TIME: "INTERVAL",
    "char": "VARCHAR",
}
# A time or timestamp with more than six digits is a struct of the microseconds and of the picoseconds after them.
_PICOSECONDS = {
    "timestamp": pa.struct([("us", pa.timestamp("us")), ("ps", pa.int32())]),
    TIME: pa.struct([("us", pa.time64("us")), ("ps", pa.int32())]),
    ZONED: pa.struct([("us", pa.int64()), ("ps", pa.int32()), ("zone", pa.int32())]),
    ZONED_TIME: pa.struct([("us", pa.int64()), ("ps", pa.int32()), ("zone", pa.int32())]),
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
}
_TOKEN = re.compile(r'\s*([A-Za-z_$][\w$]*|"(?:[^"]|"")+"|\d+|[<>(),:])')
_BARE_DECIMAL = re.compile(r"\bdecimal\b(?!\s*\()", re.IGNORECASE)
_VARCHAR = re.compile(r"\s*varchar\s*\(\s*(\d+)\s*\)\s*", re.IGNORECASE)
_INTEGER_DIGITS = {TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19}


def parse_type(text: str) -> pa.DataType:
    """Return the type with this Hive or Trino name. Raises ValueError if it is not supported."""
    return _parsed(text, trino=False)


def trino_type(text: str) -> pa.DataType:
    """Return the type with this name in a query: ``decimal`` is decimal(38,0) there, but decimal(10,0) in DDL.

    Raises ValueError if the type is not supported. Source: https://trino.io/docs/current/language/types.html
    """
    return _parsed(_BARE_DECIMAL.sub("decimal(38,0)", text), trino=True)


def _parsed(text: str, trino: bool) -> pa.DataType:
    tokens = _TOKEN.findall(text)
    if re.sub(r"\s", "", "".join(tokens)) != re.sub(r"\s", "", text) or not tokens:
        raise ValueError(f"unknown type: {text}")
    try:
        found = _parse(tokens, trino)
    except IndexError:
        raise ValueError(f"unknown type: {text}") from None
    if tokens:
        raise ValueError(f"unknown type: {text}")
    return found


def timestamp(digits: int) -> pa.DataType:
    """Return timestamp(digits)."""
    return TIMESTAMP if digits == 3 else _moment(pa.timestamp("us"), "timestamp", digits)


def zoned(digits: int) -> TrinoType:
    """Return timestamp(digits) with time zone. ``functions.time_zones`` describes its values."""
    return _moment(_DUCKDB_INTERVAL, ZONED, digits)


def time_of_day(digits: int, zone: bool = False) -> TrinoType:
    """Return time(digits) or time(digits) with time zone."""
    storage = _DUCKDB_INTERVAL if zone else pa.time64("us")
    return _moment(storage, ZONED_TIME if zone else TIME, digits)


def char(length: int) -> TrinoType:
    """Return char(length). Its values have no trailing spaces in DuckDB; results and casts append them."""
    return TrinoType(pa.string(), "char", length)


def _moment(storage: pa.DataType, kind: str, digits: int) -> TrinoType:
    if digits > MOST_DIGITS:
        raise ValueError(f"more than {MOST_DIGITS} digits of a second")
    return TrinoType(_PICOSECONDS[kind] if digits > MICROSECONDS else storage, kind, digits)


def with_digits(datatype: pa.DataType, digits: int) -> pa.DataType:
    """Return the time or timestamp type of the same kind with this number of digits."""
    found = kind(datatype)
    if found == ZONED:
        return zoned(digits)
    return timestamp(digits) if found == "timestamp" else time_of_day(digits, found == ZONED_TIME)


def kind(datatype: pa.DataType) -> str:
    """Return the name of the type without its arguments, such as ``timestamp with time zone`` or ``decimal``."""
    if isinstance(datatype, TrinoType):
        return datatype.kind
    return trino_name(datatype).partition("(")[0]


def digits(datatype: pa.DataType) -> int:
    """Return the precision of a time or timestamp: the number of digits of its seconds. It is 0 for a date."""
    if isinstance(datatype, TrinoType):
        return (datatype.size or 0) if datatype.kind in _PICOSECONDS else 0
    return 3 if datatype == TIMESTAMP else 0


def has_picoseconds(datatype: pa.DataType) -> bool:
    """Return whether this is a time or timestamp with more than six digits of a second."""
    return digits(datatype) > MICROSECONDS


def is_moment(datatype: pa.DataType) -> bool:
    """Return whether this is a date, a timestamp or a timestamp with time zone."""
    return datatype == DATE or kind(datatype) in ("timestamp", ZONED)


def varchar_length(hive_type: str) -> int | None:
    """Return the n of ``varchar(n)``, or None for any other type."""
    found = _VARCHAR.fullmatch(hive_type)
    return int(found[1]) if found else None


def _parse(tokens: list[str], trino: bool) -> pa.DataType:
    name = tokens.pop(0).lower()
    arguments = bool(tokens) and tokens[0] in "<("
    if trino and name == "interval":
        name = " ".join([name, *(tokens.pop(0).lower() for _ in range(3))])
    if trino and name in ("timestamp", "time", "char"):
        return _parse_sized(name, tokens, arguments)
    if name in ("array", "map", "struct", "row", "decimal", "varchar", "timestamp") and arguments:
        tokens.pop(0)
        found = _parse_arguments(name, tokens, trino)
        if tokens.pop(0) not in ")>":
            raise ValueError(f"unknown type: {name} with too many arguments")
        return found
    if name == "decimal":
        return pa.decimal128(10, 0)
    names = {**_BY_NAME, **_TRINO_ONLY} if trino else _BY_NAME
    if name not in names:
        raise ValueError(f"unknown type: {name}")
    return names[name]


def _parse_sized(name: str, tokens: list[str], arguments: bool) -> pa.DataType:
    """Parse what follows timestamp, time or char: ``(6) with time zone``."""
    size = 1 if name == "char" else 3
    if arguments:
        tokens.pop(0)
        size = int(tokens.pop(0))
        _expect(tokens, ")")
    if name == "char":
        if size > _LONGEST_CHAR:
            raise ValueError(f"char({size}), longer than {_LONGEST_CHAR}")
        return char(size)
    zone = bool(tokens) and tokens[0].lower() in ("with", "without")
    if zone:
        zone = tokens.pop(0).lower() == "with"
        for word in ("time", "zone"):
            if tokens.pop(0).lower() != word:
                raise ValueError(f"unknown type: {name}")
    if name == "time":
        return time_of_day(size, zone)
    return zoned(size) if zone else timestamp(size)


def _parse_arguments(name: str, tokens: list[str], trino: bool) -> pa.DataType:
    if name == "array":
        return pa.list_(_parse(tokens, trino))
    if name == "map":
        key = _parse(tokens, trino)
        _expect(tokens, ",")
        return map_of(key, _parse(tokens, trino))
    if name in ("struct", "row"):
        fields = [_parse_field(tokens, trino)]
        while tokens[0] == ",":
            tokens.pop(0)
            fields.append(_parse_field(tokens, trino))
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


def _parse_field(tokens: list[str], trino: bool) -> pa.Field:
    """Parse ``a:int`` of Hive, ``a bigint`` of Trino, or ``bigint``, a field without a name."""
    if tokens[1] in "(,)" and not tokens[0].startswith('"'):
        return pa.field("", _parse(tokens, trino))
    name = tokens.pop(0)
    name = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
    if tokens[0] == ":":
        tokens.pop(0)
    return pa.field(name, _parse(tokens, trino))


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
    if found := _common_moment(left, right) or _common_char(left, right):
        return found
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


def _common_moment(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    kinds, most = {kind(left), kind(right)}, max(digits(left), digits(right))
    if kinds <= {TIME, ZONED_TIME}:
        return time_of_day(most, zone=ZONED_TIME in kinds)
    if not kinds <= {"date", "timestamp", ZONED}:
        return None
    return zoned(most) if ZONED in kinds else timestamp(most)


def _common_char(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """A varchar is coerced to char: their comparison ignores trailing spaces."""
    if "char" not in (kind(left), kind(right)) or not {kind(left), kind(right)} <= {"char", "varchar"}:
        return None
    return char(max(side.size if kind(side) == "char" else _LONGEST_CHAR for side in (left, right)))


def can_coerce(source: pa.DataType, target: pa.DataType) -> bool:
    return bool(common_type(source, target) == target)


def trino_name(datatype: pa.DataType) -> str:
    if isinstance(datatype, TrinoType):
        return datatype.name
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
    if has_picoseconds(datatype):
        return duckdb_name(_PICOSECONDS[kind(datatype)])
    if isinstance(datatype, TrinoType) and datatype.kind in _DUCKDB_KINDS:
        return _DUCKDB_KINDS[datatype.kind]
    return _DUCKDB.get(datatype) or trino_name(datatype).upper()
