"""Functions whose text depends on more than their arguments' types: on a constant unit, format or number of digits.

Each rule takes the call's name, its compiled arguments and their nodes, and returns the compiled call.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena import decimals
from localaws.athena.errors import QueryFailed, not_supported
from localaws.athena.typed import Typed, cast, coerced, position, quoted, type_mismatch

Rule = Callable[[str, list[Typed], list[exp.Expr]], Typed | None]

_DATE_UNITS = ("day", "week", "month", "quarter", "year")
_TIME_UNITS = ("millisecond", "second", "minute", "hour")
_INTERVAL = {
    "millisecond": "to_milliseconds({0})",
    "second": "to_seconds({0})",
    "minute": "to_minutes({0})",
    "hour": "to_hours({0})",
    "day": "to_days(CAST({0} AS INTEGER))",
    "week": "to_days(CAST(7 * {0} AS INTEGER))",
    "month": "to_months(CAST({0} AS INTEGER))",
    "quarter": "to_months(CAST(3 * {0} AS INTEGER))",
    "year": "to_months(CAST(12 * {0} AS INTEGER))",
}
# MySQL's letters, which Trino takes, in strftime's. Source: https://trino.io/docs/current/functions/datetime.html
_FORMAT = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p", "S": "%S", "s": "%S",
    "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip
_PARSED = set("abcdeHhIikMmpSsTY%")


def interval(unit: str, count: str) -> str:
    """DuckDB's interval of ``count`` units."""
    return _INTERVAL[unit].format(f"({count})")


def plus_interval(value: Typed, unit: str, count: str, node: exp.Expr) -> Typed:
    """A date or timestamp moved by ``count`` units keeps its type. ``count`` is the text of a bigint."""
    if value.type == dt.DATE:
        if unit not in _DATE_UNITS:
            raise type_mismatch(node, f"a date cannot move by {unit}s: cast it to timestamp")
        return Typed(f"CAST({value.sql} + {interval(unit, count)} AS DATE)", dt.DATE)
    if value.type == dt.TIMESTAMP:
        return Typed(f"({value.sql} + {interval(unit, count)})", dt.TIMESTAMP)
    raise type_mismatch(node, f"Cannot add an interval to {dt.trino_name(value.type)}")


def _date_trunc(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    if len(values) != 2 or values[1].type not in (dt.DATE, dt.TIMESTAMP):
        return None
    unit = _unit(nodes[0], values[1])
    return Typed(
        f"CAST(date_trunc('{unit}', {values[1].sql}) AS {dt.duckdb_name(values[1].type)})", values[1].type
    )


def _date_add(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    if len(values) != 3 or not dt.can_coerce(values[1].type, dt.BIGINT):
        return None
    return plus_interval(values[2], _unit(nodes[0], values[2]), coerced(values[1], dt.BIGINT), nodes[2])


def _date_diff(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    if len(values) != 3:
        return None
    common = dt.common_type(values[1].type, values[2].type)
    if common not in (dt.DATE, dt.TIMESTAMP):
        return None
    unit = _unit(nodes[0], Typed("", common))
    return Typed(f"date_sub('{unit}', {coerced(values[1], common)}, {coerced(values[2], common)})", dt.BIGINT)


def _date_format(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    if len(values) != 2 or not dt.can_coerce(values[0].type, dt.TIMESTAMP):
        return None
    pattern = _pattern(nodes[1], name, set(_FORMAT))
    return Typed(f"strftime({coerced(values[0], dt.TIMESTAMP)}, {quoted(pattern)})", dt.VARCHAR)


def _date_parse(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    if len(values) != 2 or values[0].type != dt.VARCHAR:
        return None
    pattern = _pattern(nodes[1], name, _PARSED).replace("%-", "%")
    return Typed(f"strptime({values[0].sql}, {quoted(pattern)})", dt.TIMESTAMP)


def _date(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    return cast(values[0], dt.DATE, nodes[0]) if len(values) == 1 else None


def _rounded(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    """Decimals only; the table has the other numbers."""
    name = {"ceiling": "ceil"}.get(name, name)
    if name == "truncate" and values and values[0].type in (*dt.INTEGERS, dt.NULL):
        wider = dt.as_decimal(values[0].type)
        values = [Typed(coerced(values[0], wider), wider), *values[1:]]
    if not values or not dt.is_decimal(values[0].type):
        return None
    if len(values) == 1:
        return decimals.rounded(name, values[0], None)
    if name not in ("round", "truncate") or len(values) != 2 or not dt.can_coerce(values[1].type, dt.INTEGER):
        return None
    return decimals.rounded(name, values[0], coerced(values[1], dt.INTEGER))


def _sign(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    return decimals.sign(values[0]) if len(values) == 1 and dt.is_decimal(values[0].type) else None


def _mod(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    common = unified(values)
    if len(values) != 2 or common is None or not dt.is_decimal(common):
        return None
    return decimals.arithmetic("%", *values)


def _concat(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    """concat and ``||``: of texts, of arrays, and of an array and an element at either end."""
    if len(values) < 2:
        return None
    if any(dt.is_array(value.type) for value in values):
        return _concat_arrays(values)
    if any(value.type not in (dt.VARCHAR, dt.NULL) for value in values):
        return None
    if any(value.type == dt.NULL for value in values):
        return Typed("CAST(NULL AS VARCHAR)", dt.VARCHAR)
    return Typed("(" + " || ".join(value.sql for value in values) + ")", dt.VARCHAR)


def _concat_arrays(values: list[Typed]) -> Typed | None:
    common = unified(values)
    if common is None and len(values) == 2:
        values = [_array_of(value, other) for value, other in zip(values, reversed(values), strict=True)]
        common = unified(values)
    if common is None or any(value.type == dt.NULL for value in values):
        return None
    # DuckDB's || is NULL when one side is, as Trino's; its list_concat is not.
    return Typed(f"({' || '.join(coerced(value, common) for value in values)})", common)


def _array_of(value: Typed, other: Typed) -> Typed:
    """``value`` as an array of one element where that is what ``other`` can be joined with."""
    if not dt.is_array(other.type) or dt.common_type(other.type.value_type, value.type) is None:
        return value
    return Typed(f"[{value.sql}]", pa.list_(value.type))


def _extreme(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    """greatest and least: NULL when any argument is. NaN is larger than no number, and smaller than none."""
    common = unified(values)
    if common is None:
        return None
    if pa.types.is_nested(common):
        raise not_supported(f"comparison of {dt.trino_name(common)}")
    texts = [coerced(value, common) for value in values]
    known = " AND ".join(f"{text} IS NOT NULL" for text in texts)
    found = f"{name}({', '.join(texts)})"
    if name == "greatest" and common in (dt.DOUBLE, dt.REAL):
        numbers = ", ".join(f"CASE WHEN NOT isnan({text}) THEN {text} END" for text in texts)
        found = f"coalesce(greatest({numbers}), {texts[0]})"
    return Typed(f"CASE WHEN {known} THEN {found} END", common)


def _coalesce(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    common = unified(values)
    if common is None or len(values) < 2:
        return None
    return Typed(f"coalesce({', '.join(coerced(value, common) for value in values)})", common)


def _nullif(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    if len(values) != 2 or (common := unified(values)) is None:
        return None
    if pa.types.is_nested(common):
        raise not_supported(f"comparison of {dt.trino_name(common)}")
    first, second = (coerced(value, common) for value in values)
    equal = f"{first} = {second}"
    if common in (dt.DOUBLE, dt.REAL):
        equal += f" AND NOT isnan({first})"
    return Typed(f"CASE WHEN {equal} THEN NULL ELSE {values[0].sql} END", values[0].type)


def _try(name: str, values: list[Typed], nodes: list[exp.Expr]) -> Typed | None:
    return Typed(f"TRY({values[0].sql})", values[0].type) if len(values) == 1 else None


def unified(values: list[Typed]) -> pa.DataType | None:
    """The type all values widen to, or None."""
    common = dt.NULL
    for value in values:
        found = dt.common_type(common, value.type)
        if found is None:
            return None
        common = found
    return common if values else None


def _constant(node: exp.Expr, what: str) -> str:
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise not_supported(f"{what} when it is not a constant text")
    return str(node.this)


def _unit(node: exp.Expr, value: Typed) -> str:
    unit = _constant(node, "a unit of time").lower()
    if unit not in (*_DATE_UNITS, *_TIME_UNITS) or (value.type == dt.DATE and unit in _TIME_UNITS):
        raise QueryFailed(
            f"INVALID_FUNCTION_ARGUMENT: {position(node)}'{unit}' is not a valid {dt.trino_name(value.type)} field"
        )
    return unit


def _pattern(node: exp.Expr, function: str, letters: set[str]) -> str:
    written, pattern = "", _constant(node, f"the format of {function}")
    for literal, letter in re.findall(r"([^%]+)|%(.?)", pattern):
        if literal:
            written += literal
        elif letter in letters:
            written += _FORMAT[letter]
        else:
            raise not_supported(f"{function} with %{letter}")
    return written


RULES: dict[str, Rule] = {
    "date": _date,
    "date_trunc": _date_trunc,
    "date_add": _date_add,
    "date_diff": _date_diff,
    "date_format": _date_format,
    "date_parse": _date_parse,
    "round": _rounded,
    "ceil": _rounded,
    "ceiling": _rounded,
    "floor": _rounded,
    "truncate": _rounded,
    "sign": _sign,
    "mod": _mod,
    "concat": _concat,
    "greatest": _extreme,
    "least": _extreme,
    "coalesce": _coalesce,
    "nullif": _nullif,
    "try": _try,
}
