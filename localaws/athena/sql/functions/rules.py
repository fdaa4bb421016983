"""Functions whose translation depends on more than the argument types, such as a constant unit, format or precision.

Each rule gets the name of the call, its translated arguments and their nodes, and returns the translated call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.sql.functions import char_rules, date_formats, decimals
from localaws.athena.sql.functions.moment_functions import MOMENT_RULES
from localaws.athena.sql.functions.nested_rules import NESTED_RULES, common_of
from localaws.athena.sql.functions.regexp_rules import REGEXP_RULES
from localaws.athena.sql.functions.sql_json import SQL_JSON_RULES
from localaws.athena.sql.types import moments
from localaws.athena.sql.types.casts import cast, coerced
from localaws.athena.sql.types.comparisons import compared, has_order, maximum, ordered
from localaws.athena.sql.types.typed_sql import TypedSql, once, text_length

Rule = Callable[[str, list[TypedSql], list[exp.Expr]], TypedSql | None]


def _date_format(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 2 or not dt.is_moment(values[0].type):
        return None
    pattern = _constant(nodes[1], f"the format of {name}")
    moment = moments.local(values[0].sql, values[0].type)
    if dt.digits(values[0].type) > 3:
        moment = f"make_timestamp(trino_round_us(epoch_us({moment}), 1000))"
    return TypedSql(date_formats.formatted(moment, pattern, name), dt.VARCHAR)


def _date_parse(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 2 or values[0].type != dt.VARCHAR:
        return None
    pattern = _constant(nodes[1], f"the format of {name}")
    return TypedSql(date_formats.parsed(values[0].sql, pattern, name), dt.TIMESTAMP)


def _format_datetime(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 2 or not dt.is_moment(values[0].type) or values[1].type != dt.VARCHAR:
        return None

    def write(moment: str, pattern: str) -> str:
        text, datatype = moments.without_picoseconds(moment, values[0].type)
        wall, offset, zone = moments.microseconds(text, datatype), "0", "''"
        if dt.kind(datatype) == dt.ZONED:
            offset, zone = (
                f"trino_zone_offset({text})",
                f"trino_zone_name(CAST(trino_zone({text}) AS INTEGER))",
            )
        if dt.digits(datatype) > 3:
            wall = f"trino_round_us({wall}, 1000)"
        return f"trino_unless_refused(trino_format_datetime({wall}, {offset}, {zone}, {pattern}))"

    return TypedSql(once([value.sql for value in values], write), dt.VARCHAR)


def _parse_datetime(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 2 or any(value.type != dt.VARCHAR for value in values):
        return None
    parsed = f"trino_unless_refused(trino_parse_datetime({values[0].sql}, {values[1].sql}))"
    moment = f"list_transform([{parsed}], lambda it: trino_at_local((it).wall, (it).zone))[1]"
    return TypedSql(moment, dt.zoned(3))


_FORMAT_KINDS = {
    **dict.fromkeys(dt.INTEGERS, "i"),
    dt.BOOLEAN: "b",
    dt.REAL: "r",
    dt.DOUBLE: "f",
    dt.DATE: "D",
    dt.NULL: "s",
}
_FORMAT_MOMENTS = {"timestamp": "T", dt.ZONED: "Z", dt.TIME: "t", "decimal": "d"}
_JAVA_DIGITS = 9  # of a second, in Java's types


def _format(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Translate format: the values become texts, which Python formats by their types."""
    if len(values) < 2 or values[0].type not in (dt.VARCHAR, dt.NULL):
        return None
    kinds, texts = "", []
    for value, node in zip(values[1:], nodes[1:], strict=True):
        kind = _FORMAT_KINDS.get(value.type) or _FORMAT_MOMENTS.get(dt.kind(value.type), "s")
        shorter = kind in "TZt" and dt.digits(value.type) > _JAVA_DIGITS
        shown = cast(value, dt.with_digits(value.type, _JAVA_DIGITS), node) if shorter else value
        text = cast(shown, dt.VARCHAR, node).sql
        if value.type in (dt.DOUBLE, dt.REAL):
            text = f"CAST({value.sql} AS VARCHAR)"
        if kind == "Z":
            text = once([shown.sql], partial(_zoned_text, shown.type))
        kinds += kind
        texts.append(text)
    pattern = coerced(values[0], dt.VARCHAR)
    formatted = f"trino_unless_refused(trino_format({pattern}, '{kinds}', [{', '.join(texts)}]))"
    return TypedSql(formatted, dt.VARCHAR)


def _zoned_text(datatype: pa.DataType, moment: str) -> str:
    text = moments.text(moment, datatype)
    zoned, _ = moments.without_picoseconds(moment, datatype)
    return f"{text} || ' ' || trino_instant({zoned})"


def _rounded(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Translate rounding of decimals; ``supported`` has the other numbers."""
    name = {"ceiling": "ceil"}.get(name, name)
    if name == "truncate" and values and values[0].type in (*dt.INTEGERS, dt.NULL):
        wider = dt.as_decimal(values[0].type)
        values = [TypedSql(coerced(values[0], wider), wider), *values[1:]]
    if not values or not dt.is_decimal(values[0].type):
        return None
    if len(values) == 1:
        return decimals.rounded(name, values[0], None)
    if name not in ("round", "truncate") or len(values) != 2 or not dt.can_coerce(values[1].type, dt.INTEGER):
        return None
    return decimals.rounded(name, values[0], coerced(values[1], dt.INTEGER))


def _sign(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    return decimals.sign(values[0]) if len(values) == 1 and dt.is_decimal(values[0].type) else None


def _mod(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    common = common_of(values)
    if len(values) != 2 or common is None or not dt.is_decimal(common):
        return None
    return decimals.arithmetic("%", *values)


def _concat(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Translate concat and ``||``: of strings, of arrays, and of an array and an element."""
    if len(values) < 2:
        return None
    if any(dt.is_array(value.type) for value in values):
        return _concat_arrays(values)
    if any(dt.kind(value.type) == "char" for value in values):
        known = all(dt.kind(value.type) in ("char", "varchar") for value in values)
        return char_rules.concat(values, nodes) if known else None
    types = {value.type for value in values} - {dt.NULL}
    joined = next(iter(types), dt.VARCHAR)
    if len(types) > 1 or joined not in (dt.VARCHAR, dt.VARBINARY):
        return None
    return TypedSql(f"({' || '.join(coerced(value, joined) for value in values)})", joined)


def _concat_arrays(values: list[TypedSql]) -> TypedSql | None:
    common = common_of(values)
    if common is None and len(values) == 2:
        values = [_array_of(value, other) for value, other in zip(values, reversed(values), strict=True)]
        common = common_of(values)
    if common is None or any(value.type == dt.NULL for value in values):
        return None
    # Like Trino's, DuckDB's || is NULL if one side is NULL; its list_concat is not.
    return TypedSql(f"({' || '.join(coerced(value, common) for value in values)})", common)


def _array_of(value: TypedSql, other: TypedSql) -> TypedSql:
    """Return ``value`` as an array of one element if ``other`` is an array of its type. NULL is not an element."""
    if not dt.is_array(other.type) or dt.common_type(other.type.value_type, value.type) is None:
        return value
    text = once([value.sql], lambda element: f"CASE WHEN {element} IS NOT NULL THEN [{element}] END")
    return TypedSql(text, pa.list_(value.type))


def _extreme(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Translate greatest and least: NULL if any argument is NULL; NaN is neither larger nor smaller than a number."""
    common = common_of(values)
    if common is None or not has_order(common):
        return None

    def write(*texts: str) -> str:
        known = " AND ".join(f"{text} IS NOT NULL" for text in texts)
        found = f"{name}({', '.join(texts)})"
        if name == "greatest" and common in (dt.DOUBLE, dt.REAL):
            numbers = ", ".join(f"CASE WHEN NOT isnan({text}) THEN {text} END" for text in texts)
            found = f"coalesce(greatest({numbers}), {texts[0]})"
        elif name == "greatest" and pa.types.is_nested(common):
            found = maximum(texts, common)
        return f"CASE WHEN {known} THEN {found} END"

    return TypedSql(once([ordered(coerced(value, common), common) for value in values], write), common)


def _coalesce(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    common = common_of(values)
    if common is None or len(values) < 2:
        return None
    return TypedSql(f"coalesce({', '.join(coerced(value, common) for value in values)})", common)


def _nullif(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 2 or (common := common_of(values)) is None:
        return None

    def write(value: str, other: str) -> str:
        equal = compared("=", coerced(TypedSql(value, values[0].type), common), other, common)
        return f"CASE WHEN {equal} THEN NULL ELSE {value} END"

    return TypedSql(once([values[0].sql, coerced(values[1], common)], write), values[0].type)


def _try(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    return TypedSql(f"TRY({values[0].sql})", values[0].type) if len(values) == 1 else None


def _chr(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 1 or not dt.can_coerce(values[0].type, dt.BIGINT):
        return None
    return TypedSql(f"trino_chr({coerced(values[0], dt.BIGINT)})", dt.VARCHAR, 1)


def _codepoint(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Translate codepoint, whose argument is a varchar(1)."""
    if len(values) != 1 or values[0].type not in (dt.VARCHAR, dt.NULL):
        return None
    length = text_length(values[0], nodes[0])
    if length is None and values[0].type == dt.VARCHAR:
        raise not_supported("codepoint of a varchar whose length is not known; cast it to varchar(1)")
    if length is not None and length > 1:
        return None
    return TypedSql(f"trino_codepoint({coerced(values[0], dt.VARCHAR)})", dt.INTEGER)


def _constant(node: exp.Expr, what: str) -> str:
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise not_supported(f"{what} that is not a constant string")
    return str(node.this)


def _array_join(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Cast elements of other types to varchar; ``supported`` joins strings."""
    if (
        len(values) not in (2, 3)
        or not dt.is_array(values[0].type)
        or values[0].type.value_type == dt.VARCHAR
    ):
        return None
    if pa.types.is_nested(values[0].type.value_type) or any(value.type != dt.VARCHAR for value in values[1:]):
        return None
    elements = cast(values[0], pa.list_(dt.VARCHAR), nodes[0]).sql
    if len(values) == 2:
        return TypedSql(f"trino_array_join({elements}, {values[1].sql})", dt.VARCHAR)
    return TypedSql(f"trino_array_join_with_null({elements}, {values[1].sql}, {values[2].sql})", dt.VARCHAR)


RULES: dict[str, Rule] = {
    **MOMENT_RULES,
    **char_rules.CHAR_RULES,
    **REGEXP_RULES,
    "date_format": _date_format,
    "date_parse": _date_parse,
    "format_datetime": _format_datetime,
    "parse_datetime": _parse_datetime,
    "format": _format,
    "round": _rounded,
    "ceil": _rounded,
    "ceiling": _rounded,
    "floor": _rounded,
    "truncate": _rounded,
    "sign": _sign,
    "mod": _mod,
    "concat": _concat,
    "array_join": _array_join,
    "greatest": _extreme,
    "least": _extreme,
    "coalesce": _coalesce,
    "nullif": _nullif,
    "try": _try,
    "chr": _chr,
    "codepoint": _codepoint,
    **NESTED_RULES,
    **SQL_JSON_RULES,
}
