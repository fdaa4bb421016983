"""Conversion of typed expressions: implicit coercion, CAST and TRY_CAST."""

from __future__ import annotations

import re
from datetime import date

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.parsing.nodes import type_mismatch, unsupported
from localaws.athena.sql.types import moments, nested
from localaws.athena.sql.types.json_casts import casts_json, json_cast
from localaws.athena.sql.types.number_casts import number_cast
from localaws.athena.sql.types.typed_sql import TypedSql, once

_INTEGER_TEXT = r"[+-]?\d+"
_NUMBER_TEXT = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*"
# Digits after the point in the text of a number. Source: Trino's DoubleOperators and RealOperators
_FRACTION_DIGITS = {dt.DOUBLE: 19, dt.REAL: 6}
_READABLE = {
    **dict.fromkeys(dt.INTEGERS, _INTEGER_TEXT),
    dt.DOUBLE: _NUMBER_TEXT + r"|\s*[+-]?(NaN|Infinity)\s*",
    dt.REAL: _NUMBER_TEXT + r"|\s*[+-]?(NaN|Infinity)\s*",
    dt.BOOLEAN: r"(?i)t|true|1|f|false|0",
}


_TEXT_CONSTANT = re.compile(r"'([^']*)'")

_READ = {dt.UUID: "trino_uuid({0})", dt.IPADDRESS: "trino_read_ip({0})"}
_BYTES = {
    (dt.VARBINARY, dt.UUID): "trino_uuid_of_bytes({0})",
    (dt.UUID, dt.VARBINARY): "unhex(replace(CAST({0} AS VARCHAR), '-', ''))",
    (dt.VARBINARY, dt.IPADDRESS): "trino_ip_of_bytes({0})",
    (dt.IPADDRESS, dt.VARBINARY): "{0}",
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
    if dt.kind(target) == "char" and source != dt.NULL:
        return f"rtrim({text}, ' ')" if source == dt.VARCHAR else text
    return moments.converted(text, source, target) or number_cast(text, source, target)


def cast(value: TypedSql, target: pa.DataType, node: exp.Expr, safe: bool = False) -> TypedSql:
    """Return CAST, or TRY_CAST if ``safe``. Source: https://trino.io/docs/current/functions/conversion.html"""
    if value.type == target:
        return TypedSql(value.sql, target)
    return TypedSql(_cast_text(value, target, node, "TRY_CAST" if safe else "CAST"), target)


def _cast_text(value: TypedSql, target: pa.DataType, node: exp.Expr, verb: str) -> str:  # noqa: PLR0911 - one for each kind
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
    if target == dt.VARCHAR and (written := moments.text(value.sql, source)) is not None:
        return written
    if source in (dt.DOUBLE, dt.REAL) and target == dt.VARCHAR:
        return f"trino_floating_number_text({value.sql}, {_FRACTION_DIGITS[source]})"
    if dt.kind(source) == "char":
        return _cast_text(TypedSql(moments.padded(value.sql, source), dt.VARCHAR), target, node, verb)
    if (source, target) in _BYTES:
        text = _BYTES[source, target].format(value.sql)
        return f"TRY({text})" if verb == "TRY_CAST" else text
    if (converted := moments.converted(value.sql, source, target)) is not None:
        return converted
    if _casts(source, target):
        return number_cast(value.sql, source, target, verb)
    if _casts_in_trino(source, target):
        raise unsupported(f"a cast of {dt.trino_name(source)} to {dt.trino_name(target)}", node)
    raise type_mismatch(node, f"Cannot cast {dt.trino_name(source)} to {dt.trino_name(target)}")


def cast_to_varchar(value: TypedSql, length: int, node: exp.Expr, safe: bool) -> TypedSql:
    """Return the cast to varchar(length). A text is truncated; another value that does not fit is an error."""
    text = cast(value, dt.VARCHAR, node, safe).sql
    if value.type in (dt.VARCHAR, dt.NULL) or dt.kind(value.type) == "char":
        return TypedSql(f"substring({text}, 1, {length})", dt.VARCHAR, length)

    def write(sql: str) -> str:
        reason = f"' cannot be represented as varchar({length})'"
        wrong = f"trino_raise('INVALID_CAST_ARGUMENT: Value ' || {sql} || {reason})"
        otherwise = "NULL" if safe else f"CAST({wrong} AS VARCHAR)"
        return f"CASE WHEN length({sql}) <= {length} THEN {sql} WHEN {sql} IS NOT NULL THEN {otherwise} END"

    return TypedSql(f"({once([text], write)})", dt.VARCHAR, length)


def cuts_text(source: pa.DataType, node: exp.Expr) -> bool:
    """Return whether each varchar(n) inside the type of ``node`` is cast from a text or from JSON."""
    inner = _inner_types(node)
    if source in (dt.NULL, dt.JSON):
        return True
    if not inner:
        return source == dt.VARCHAR or node.this != exp.DataType.Type.VARCHAR or not node.expressions
    if dt.is_map(source) and not cuts_text(dt.BIGINT, inner[0]):
        return False  # two keys could become the same
    parts = dt.parts(source)
    return len(parts) == len(inner) and all(map(cuts_text, parts, inner))


def cut_texts(text: str, source: pa.DataType, datatype: pa.DataType, node: exp.Expr) -> str:
    """Return SQL for a value whose texts are cut to the lengths in the type of ``node``.

    A longer text from JSON is refused.
    """
    inner = _inner_types(node)
    if not inner:
        if node.this != exp.DataType.Type.VARCHAR or not node.expressions:
            return text
        length = node.expressions[0].name
        return (
            f"trino_fitting_text({text}, {length})"
            if source == dt.JSON
            else f"substring({text}, 1, {length})"
        )
    parts = zip(dt.parts(source) or [source] * len(inner), inner, strict=True)

    def cut(part: str, inner_type: pa.DataType, _: pa.DataType) -> str:
        inner_source, inner_node = next(parts)
        return cut_texts(part, inner_source, inner_type, inner_node)

    return nested.rebuilt(text, datatype, datatype, cut)


def _inner_types(node: exp.Expr) -> list[exp.Expr]:
    """Return the types inside an array, a map or a row."""
    if not node.args.get("nested"):
        return []
    return [part.args["kind"] if isinstance(part, exp.ColumnDef) else part for part in node.expressions]


def _casts_in_trino(  # noqa: PLR0911 - one return for each kind of type
    source: pa.DataType, target: pa.DataType
) -> bool:
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
    if source in (dt.NULL, dt.VARCHAR):
        return True
    kinds = {dt.kind(source), dt.kind(target)}
    if kinds <= {"date", "timestamp", dt.ZONED, dt.TIME, dt.ZONED_TIME}:
        return "date" not in kinds or not kinds & {dt.TIME, dt.ZONED_TIME}
    return all(dt.is_numeric(side) or side == dt.BOOLEAN for side in (source, target))


def _read_text(value: TypedSql, target: pa.DataType, verb: str) -> str:
    name = dt.duckdb_name(target)
    if (constant := _read_constant(value.sql, target, verb)) is not None:
        return constant
    if isinstance(target, dt.TrinoType) and target.kind == "char":
        return f"rtrim(substring({value.sql}, 1, {target.size}), ' ')"
    if target == dt.VARBINARY and verb == "CAST":
        return f"encode({value.sql})"
    if target in _READ:
        text = _READ[target].format(value.sql)
        return f"TRY({text})" if verb == "TRY_CAST" else text
    if (read := moments.read(value.sql, target, safe=verb == "TRY_CAST")) is not None:
        return read
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


def _read_constant(sql: str, target: pa.DataType, verb: str) -> str | None:
    """Return DuckDB's SQL for a constant text in the usual form of a date or a decimal; None if ``sql`` is none.

    DuckDB can use a comparison with such a constant when it reads the rows. With a macro it cannot.
    """
    found = _TEXT_CONSTANT.fullmatch(sql)
    if found is None:
        return None
    if dt.is_decimal(target) and re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", found[1]):
        return f"{verb}({sql} AS {dt.duckdb_name(target)})"
    if target == dt.DATE and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", found[1]):
        try:
            return f"DATE '{date.fromisoformat(found[1])}'"
        except ValueError:
            return None
    return None


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
    return dt.can_coerce(source, target)
