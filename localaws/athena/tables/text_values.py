"""DuckDB's SQL for the values that Hive's SerDes read from text.

A value that cannot be parsed is NULL. Dates and timestamps that do not exist, such as 2024-02-30, are refused, because
Java's lenient parser returns another date for them.
Source: io.trino.hive.formats.encodings.text, and https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.quoting import duckdb_identifier, duckdb_string

_INTEGER = r"[+-]?[0-9]+"
_TRUNCATED = r"[+-]?[0-9]*\.[0-9]*"  # an integer with a fraction, which is ignored
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_JAVA_DOUBLE = rf"[\x00-\x20]*([+-]?(NaN|Infinity)|{_NUMBER}[fFdD]?)[\x00-\x20]*"
_DATE = r"[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME = r"[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,9})?)?"
_BASE64 = r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?"

Leaf = Callable[[str, pa.DataType], str]


def nested_type(datatype: pa.DataType, leaf: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """Return the type of the values that ``nested`` reads. ``leaf`` returns the type of a value inside."""
    if dt.is_array(datatype):
        return pa.list_(nested_type(datatype.value_type, leaf))
    if pa.types.is_map(datatype):
        key, value = nested_type(datatype.key_type, leaf), nested_type(datatype.item_type, leaf)
        return pa.list_(pa.struct([("key", key), ("value", value)]))
    if pa.types.is_struct(datatype):
        return pa.struct([(field.name, nested_type(field.type, leaf)) for field in datatype])
    return leaf(datatype)


def nested(text: str, datatype: pa.DataType, leaf: Leaf) -> str:
    """Return the value with the type ``datatype``. ``leaf`` returns the SQL for a value that is not nested.

    ``text`` is a value that has the same nesting with other types inside. A map is a list of entries there; only the
    first entry of a key counts, and entries without a key are skipped.
    """
    if dt.is_array(datatype):
        return f"list_transform({text}, lambda x: {nested('x', datatype.value_type, leaf)})"
    if pa.types.is_map(datatype):
        key, value = nested("x.key", datatype.key_type, leaf), nested("x.value", datatype.item_type, leaf)
        entries = f"list_transform({text}, lambda x: struct_pack(key := {key}, value := {value}))"
        return f"map_from_entries(trino_first_entries({entries}))"
    if pa.types.is_struct(datatype):
        values = [
            f"{duckdb_identifier(field.name)} := "
            + nested(f"({text}).{duckdb_identifier(field.name)}", field.type, leaf)
            for field in datatype
        ]
        return f"CASE WHEN {text} IS NOT NULL THEN struct_pack({', '.join(values)}) END"
    return leaf(text, datatype)


def lazy_simple(text: str, datatype: pa.DataType) -> str:  # noqa: PLR0911 - one return for each kind of type
    """Return the value that LazySimpleSerDe reads from ``text``."""
    if datatype in dt.INTEGERS:
        name = dt.duckdb_name(datatype)
        whole = f"regexp_replace({text}, '^([+-]?)([0-9]*)\\..*$', '\\1' || '0' || '\\2')"
        return (
            f"CASE WHEN {matches(text, _INTEGER)} THEN TRY_CAST({text} AS {name}) "
            f"WHEN {matches(text, _TRUNCATED)} THEN TRY_CAST({whole} AS {name}) END"
        )
    if datatype in (dt.DOUBLE, dt.REAL):
        return java_number(text, datatype)
    if dt.is_decimal(datatype):
        return decimal(text, datatype)
    if datatype == dt.BOOLEAN:
        return boolean(text)
    if datatype == dt.DATE:
        return hive_date(text)
    if datatype == dt.TIMESTAMP:
        return hive_timestamp(text)
    if datatype == dt.VARBINARY:
        return f"CASE WHEN {matches(text, _BASE64)} THEN from_base64({text}) ELSE encode({text}) END"
    return text


def java_number(text: str, datatype: pa.DataType) -> str:
    """Return the double or real that Java's parseDouble or parseFloat reads, or NULL."""
    number = f"rtrim(trim({text}), 'fFdD')"
    name = dt.duckdb_name(datatype)
    return f"CASE WHEN {matches(text, _JAVA_DOUBLE)} THEN TRY_CAST({number} AS {name}) END"


def decimal(text: str, datatype: pa.DataType) -> str:
    """Return the decimal, rounded half up. It is NULL if it is not a number or has too many digits."""
    plain = f"trino_without_exponent({text})"
    return f"CASE WHEN {matches(text, _NUMBER)} THEN TRY_CAST({plain} AS {dt.duckdb_name(datatype)}) END"


def boolean(text: str) -> str:
    return f"CASE lower({text}) WHEN 'true' THEN true WHEN 'false' THEN false END"


def hive_date(text: str) -> str:
    """Return the date before the first space."""
    day = f"split_part(trim({text}), ' ', 1)"
    existing = refused_unless_valid(f"TRY_CAST({day} AS DATE)", day, "the date ")
    return f"CASE WHEN {matches(day, _DATE)} THEN {existing} END"


def hive_timestamp(text: str) -> str:
    """Return the timestamp, rounded to milliseconds."""
    moment = f"trim({text})"
    valid = matches(moment, f"{_DATE}([ T]{_TIME})?")
    existing = refused_unless_valid(f"TRY_CAST({moment} AS TIMESTAMP)", moment, "the timestamp ")
    return f"CASE WHEN {valid} THEN {rounded(existing)} END"


def epoch_timestamp(text: str) -> str:
    """Return a timestamp as the OpenX JSON SerDe reads it, in UTC.

    It may have a zone. A number counts seconds since 1970, or milliseconds if it has 13 digits or more.
    """
    instant = refused_unless_valid(
        f"epoch_us(TRY_CAST(upper({text}) AS TIMESTAMPTZ))", text, "the timestamp "
    )
    number = f"TRY_CAST({text} AS BIGINT)"
    milliseconds = f"CASE WHEN length({text}) >= 13 THEN {number} ELSE 1000 * {number} END"
    from_seconds = f"CAST(trunc(1000 * TRY_CAST({text} AS DECIMAL(38, 9))) AS BIGINT)"
    zoned = f"{_DATE}[ Tt]{_TIME}([zZ]|[+-][0-9]{{2}}:?[0-9]{{2}})"
    return (
        f"CASE WHEN {matches(text, zoned)} THEN {rounded(f'make_timestamp({instant})')} "
        f"WHEN {matches(text, '[+-]?[0-9]+')} THEN make_timestamp(1000 * ({milliseconds})) "
        f"WHEN {matches(text, '[+-]?[0-9]*[.][0-9]*')} THEN make_timestamp(1000 * {from_seconds}) "
        f"ELSE {hive_timestamp(text)} END"
    )


def rounded(timestamp: str) -> str:
    """Return the timestamp rounded to milliseconds, half a millisecond up."""
    late = f"(epoch_us({timestamp}) + 500)"
    return f"make_timestamp({late} - ({late} % 1000 + 1000) % 1000)"


def or_bad_data(parsed: str, text: str, column: int, as_null: bool) -> str:
    """Return ``parsed``. If it is NULL although ``text`` is not, the query fails, or the value is NULL.

    ``column`` is the position of the column, from 0. ``as_null`` is the table property use.null.for.invalid.data.
    """
    if as_null:
        return parsed
    words = ("HIVE_BAD_DATA: Error parsing field value '", f"' for field {column}: For input string: \"", '"')
    before, between, after = map(duckdb_string, words)
    return _valid(parsed, text, f"trino_raise({before} || {text} || {between} || {text} || {after})")


def refused_unless_valid(parsed: str, text: str, what: str) -> str:
    """Return ``parsed``. If it is NULL although ``text`` is not, the query is refused."""
    return _valid(parsed, text, f"trino_refuse({duckdb_string(what)} || {text})")


def _valid(parsed: str, text: str, failure: str) -> str:
    found = f"WHEN {parsed} IS NOT NULL THEN {parsed}"
    return f"CASE WHEN {text} IS NULL THEN NULL {found} WHEN {failure} IS NULL THEN NULL END"


def matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {duckdb_string(pattern)})"
