"""Conversion of typed expressions: implicit coercion, CAST and TRY_CAST."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.parsing.nodes import type_mismatch, unsupported
from localaws.athena.sql.types import nested
from localaws.athena.sql.types.json_casts import casts_json, json_cast
from localaws.athena.sql.types.number_casts import number_cast
from localaws.athena.sql.types.typed_sql import TypedSql, once

_INTEGER_TEXT = r"[+-]?\d+"
_NUMBER_TEXT = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*"
_READABLE = {
    **dict.fromkeys(dt.INTEGERS, _INTEGER_TEXT),
    dt.DOUBLE: _NUMBER_TEXT + r"|\s*[+-]?(NaN|Infinity)\s*",
    dt.REAL: _NUMBER_TEXT + r"|\s*[+-]?(NaN|Infinity)\s*",
    dt.BOOLEAN: r"(?i)t|true|1|f|false|0",
}


def coerced(value: TypedSql, target: pa.DataType) -> str:
    """Return the SQL of ``value`` coerced to ``target``, to which its type can be coerced."""
    if value.type == target:
        return value.sql
    return _coerced_text(value.sql, value.type, target)


def _coerced_text(text: str, source: pa.DataType, target: pa.DataType) -> str:
    if source == target:
        return text
    if pa.types.is_nested(source):
        return nested.rebuilt(text, source, target, _coerced_text)
    return number_cast(text, source, target)


def cast(value: TypedSql, target: pa.DataType, node: exp.Expr, safe: bool = False) -> TypedSql:
    """Return CAST, or TRY_CAST if ``safe``. Source: https://trino.io/docs/current/functions/conversion.html"""
    if value.type == target:
        return TypedSql(value.sql, target)
    return TypedSql(_cast_text(value, target, node, "TRY_CAST" if safe else "CAST"), target)


def _cast_text(value: TypedSql, target: pa.DataType, node: exp.Expr, verb: str) -> str:
    source = value.type
    if source == target:
        return value.sql
    if dt.JSON in (source, target) and source != dt.NULL:
        return json_cast(value, target, node, safe=verb == "TRY_CAST")
    if source == dt.VARCHAR:
        return _read_text(value, target, verb)
    if nested.same_form(source, target) and _casts_in_trino(source, target):
        text = nested.rebuilt(
            "value" if verb == "TRY_CAST" else value.sql,
            source,
            target,
            lambda part, *types: _cast_text(TypedSql(part, types[0]), types[1], node, "CAST"),
        )
        return f"list_transform([{value.sql}], lambda value: TRY({text}))[1]" if verb == "TRY_CAST" else text
    if target == dt.VARCHAR and source in (dt.DATE, *dt.TIMESTAMPS):
        return _moment_text(value)
    if source in (dt.DOUBLE, dt.REAL) and target == dt.VARCHAR:
        raise not_supported(f"a cast of {dt.trino_name(source)} to varchar: cast to a decimal(p,s) first")
    if _casts(source, target):
        return number_cast(value.sql, source, target, verb)
    if _casts_in_trino(source, target):
        raise unsupported(f"a cast of {dt.trino_name(source)} to {dt.trino_name(target)}", node)
    raise type_mismatch(node, f"Cannot cast {dt.trino_name(source)} to {dt.trino_name(target)}")


def _moment_text(value: TypedSql) -> str:
    if value.type == dt.DATE:
        return f"trino_date_text({value.sql})"
    if value.type == dt.TIMESTAMP:
        return f"trino_timestamp_text({value.sql}, 3)"
    if value.length is None:
        raise not_supported(
            "a cast to varchar of a timestamp with fewer than 3 digits: write the literal with .000"
        )
    return f"trino_timestamp_text({value.sql}, {value.length})"


def _casts_in_trino(source: pa.DataType, target: pa.DataType) -> bool:
    """Return whether Trino has this cast."""
    if dt.JSON in (source, target):
        return casts_json(source, target)
    if nested.same_form(source, target):
        pairs = zip(dt.parts(source), dt.parts(target), strict=True)
        return all(_casts_in_trino(part, wanted) for part, wanted in pairs)
    if pa.types.is_nested(source) or pa.types.is_nested(target):
        return bool(source == dt.NULL)
    if target in (source, dt.VARCHAR):
        return bool(source != dt.VARBINARY or target == source)
    if {source, target} <= {dt.DATE, *dt.TIMESTAMPS} or source in (dt.NULL, dt.VARCHAR):
        return True
    return all(dt.is_numeric(side) or side == dt.BOOLEAN for side in (source, target))


def _read_text(value: TypedSql, target: pa.DataType, verb: str) -> str:
    name = dt.duckdb_name(target)
    if target in (dt.DATE, *dt.TIMESTAMPS):
        verb = "read_" if verb == "TRY_CAST" else ""
        return (
            f"trino_{verb}date({value.sql})"
            if target == dt.DATE
            else f"trino_{verb}timestamp({value.sql}, 3)"
        )
    pattern = _NUMBER_TEXT if dt.is_decimal(target) else _READABLE.get(target)
    if pattern is None:
        raise not_supported(f"a cast of varchar to {dt.trino_name(target)}")
    if verb == "TRY_CAST":
        text = once([value.sql], lambda text: f"trino_readable({text}, {duckdb_string(pattern)})")
    else:
        shown = "INT" if target == dt.INTEGER else dt.trino_name(target).upper()
        text = once(
            [value.sql],
            lambda text: f"trino_checked({text}, {duckdb_string(pattern)}, {duckdb_string(shown)})",
        )
    if dt.is_decimal(target):
        text = f"trino_without_exponent({text})"
    return f"{verb}({text} AS {name})"


def _casts(source: pa.DataType, target: pa.DataType) -> bool:
    if source == dt.NULL:
        return True
    if target == dt.VARCHAR:
        return source in (*dt.INTEGERS, dt.BOOLEAN) or dt.is_decimal(source)
    if dt.BOOLEAN in (source, target):
        other = target if source == dt.BOOLEAN else source
        return dt.is_numeric(other)
    if dt.is_numeric(source) and dt.is_numeric(target):
        return True
    return {source, target} <= {dt.DATE, *dt.TIMESTAMPS} or dt.can_coerce(source, target)
