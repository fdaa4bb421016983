"""Trino's decimal arithmetic: the type of each result, and the DuckDB SQL.

Source: https://trino.io/docs/current/functions/decimal.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.datatypes import MAX_DIGITS
from localaws.athena.errors import not_supported
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.number_casts import SHORT, unscaled
from localaws.athena.sql.types.typed_sql import TypedSql, once

# Up to this precision, only sums that are too large for Trino overflow a HUGEINT, unless 10,000 values of this size
# cancel each other out.
_SUMS_FIT_UP_TO = 33


def arithmetic(operator: str, left: TypedSql, right: TypedSql) -> TypedSql:
    """Translate + - * / and %. One operand is a decimal, the other a decimal, an integer or NULL."""
    first, second = (
        TypedSql(coerced(side, dt.as_decimal(side.type)), dt.as_decimal(side.type)) for side in (left, right)
    )
    if operator == "/":
        return _divide(first, second)
    if operator == "%":
        return _modulo(first, second)
    result = (_multiply_type if operator == "*" else _add_type)(first.type, second.type)
    name, shifts = dt.duckdb_name(result), [result.scale - side.type.scale for side in (first, second)]
    if operator in "+-" and not _shifts_fit((first, second), shifts):
        digits = [
            _shifted(unscaled(side.sql, side.type), shift)
            for side, shift in zip((first, second), shifts, strict=True)
        ]
        return _pointed(f"({digits[0]} {operator} {digits[1]})", result)
    if result.precision > SHORT:
        # In DuckDB the result of two short decimals is short and can overflow.
        longer = pa.decimal128(max(SHORT + 1, first.type.precision), first.type.scale)
        first = TypedSql(coerced(first, longer), longer)
    return TypedSql(f"CAST(({first.sql} {operator} {second.sql}) AS {name})", result)


def aggregate(name: str, value: TypedSql, before: str, over: str) -> TypedSql:
    """Translate ``sum`` or ``avg``; ``before`` is DISTINCT or '', ``over`` is the FILTER and OVER."""
    total = pa.decimal128(MAX_DIGITS, value.type.scale)
    count = f"count({before}{value.sql}){over}"
    if value.type.precision <= _SUMS_FIT_UP_TO:
        found = f"trino_fitting(sum({before}{value.sql}){over}, {_nines(MAX_DIGITS, total)})"
        if name == "sum":
            return TypedSql(found, total)
        return _pointed(f"trino_rounded_quotient({unscaled(found, total)}, {count})", value.type)
    if before:
        raise not_supported(
            f"{name}(DISTINCT {dt.trino_name(value.type)}): cast to decimal({_SUMS_FIT_UP_TO},s) or less first"
        )
    # The upper digits of large values have a sum of their own, so that no sum overflows.
    bound = _nines(_SUMS_FIT_UP_TO, total)

    def summed(small: Callable[[str], str], large: Callable[[str], str]) -> str:
        def part(one: str) -> str:
            digits = unscaled(one, value.type)
            return f"CASE WHEN {one} BETWEEN -{bound} AND {bound} THEN {small(one)} ELSE {large(digits)} END"

        return f"sum({once([value.sql], part)}){over}"

    upper = summed(lambda _: "NULL", lambda digits: f"trino_upper({digits})")
    rest = summed(str, lambda digits: _pointed(f"trino_lower({digits})", total).sql)
    parts = f"{upper}, {unscaled(rest, total)}"
    if name == "sum":
        return _pointed(f"trino_sum({parts})", total)
    return _pointed(f"trino_average({parts}, {count})", value.type)


def _nines(digits: int, datatype: pa.DataType) -> str:
    """Return the largest decimal of this type with this number of digits."""
    scale = datatype.scale
    text = "9" * (digits - scale) + "." + "0" * (scale - digits) + "9" * min(digits, scale)
    return f"CAST('{text}' AS {dt.duckdb_name(datatype)})"


def rounded(name: str, value: TypedSql, places: str | None) -> TypedSql:
    """Translate round, ceil, floor and truncate. ``places`` is the SQL of an integer, for round and truncate."""
    source = value.type
    whole = source.precision - source.scale
    digits = unscaled(value.sql, source)
    if places is None:
        widest = max(1, whole) if name == "truncate" else min(MAX_DIGITS, whole + min(1, source.scale))
        result, dropped = pa.decimal128(widest, 0), str(source.scale)
        return _pointed(f"trino_{name}_digits({digits}, {dropped}) // {10**source.scale}::HUGEINT", result)
    result = source if name == "truncate" else _decimal(source.precision + 1, source.scale)
    return _pointed(f"trino_{name}_digits({digits}, {source.scale} - CAST({places} AS BIGINT))", result)


def sign(value: TypedSql) -> TypedSql:
    return TypedSql(f"CAST(sign({value.sql}) AS DECIMAL(1,0))", pa.decimal128(1, 0))


def _add_type(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    scale = max(left.scale, right.scale)
    return _decimal(max(left.precision - left.scale, right.precision - right.scale) + scale + 1, scale)


def _multiply_type(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    return _decimal(left.precision + right.precision, left.scale + right.scale)


def _divide(left: TypedSql, right: TypedSql) -> TypedSql:
    """Translate ``left / right``: exact, rounded half up to the larger scale."""
    scale = max(left.type.scale, right.type.scale)
    result = _decimal(
        left.type.precision + right.type.scale + max(0, right.type.scale - left.type.scale), scale
    )
    shift = scale - left.type.scale + right.type.scale
    sides = unscaled(left.sql, left.type), unscaled(right.sql, right.type)
    if left.type.precision + shift <= MAX_DIGITS:
        return _pointed(f"trino_divide_digits({_shifted(sides[0], shift)}, {sides[1]})", result)
    room, factor = _room(shift)
    return _pointed(f"trino_divide_wide({sides[0]}, {shift}, {room}, {factor}, {sides[1]})", result)


def _modulo(left: TypedSql, right: TypedSql) -> TypedSql:
    scale = max(left.type.scale, right.type.scale)
    whole = min(left.type.precision - left.type.scale, right.type.precision - right.type.scale)
    shifts = [scale - side.type.scale for side in (left, right)]
    sides = [unscaled(side.sql, side.type) for side in (left, right)]
    result = _decimal(max(1, whole + scale), scale)
    if _shifts_fit((left, right), shifts):
        return _pointed(
            f"trino_mod_digits({_shifted(sides[0], shifts[0])}, {_shifted(sides[1], shifts[1])})", result
        )
    arguments = [
        ", ".join((side, str(shift), *_room(shift))) for side, shift in zip(sides, shifts, strict=True)
    ]
    return _pointed(f"trino_mod_wide({', '.join(arguments)})", result)


def _shifts_fit(sides: Sequence[TypedSql], shifts: Sequence[int]) -> bool:
    return all(side.type.precision + shift <= MAX_DIGITS for side, shift in zip(sides, shifts, strict=True))


def _room(shift: int) -> tuple[str, str]:
    """Return the smallest number that overflows when multiplied by ``10**shift``, and this factor."""
    fits = min(shift, MAX_DIGITS)
    return f"{10 ** (MAX_DIGITS - fits)}::HUGEINT", f"{10**fits}::HUGEINT"


def _shifted(digits: str, shift: int) -> str:
    return f"{digits} * {10**shift}::HUGEINT" if shift else digits


def _pointed(digits: str, result: pa.DataType) -> TypedSql:
    """Convert an unscaled HUGEINT to a decimal; NUMERIC_VALUE_OUT_OF_RANGE for more than 38 digits."""
    name, fitting = dt.duckdb_name(result), f"CAST({digits} AS DECIMAL(38,0))"
    if result.scale == 0:
        return TypedSql(f"CAST({fitting} AS {name})", result)
    unit = f"CAST('0.{'1':0>{result.scale}}' AS DECIMAL({result.scale},{result.scale}))"
    return TypedSql(f"CAST({fitting} * {unit} AS {name})", result)


def _decimal(precision: int, scale: int) -> pa.DataType:
    if scale > MAX_DIGITS:
        raise not_supported(f"a decimal of scale {scale}: cast to double first")
    return pa.decimal128(min(MAX_DIGITS, precision), scale)
