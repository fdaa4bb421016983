"""Trino's arithmetic on decimals: the type of each result, and DuckDB's text for it.

Source: https://trino.io/docs/current/functions/decimal.html
"""

from __future__ import annotations

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.typed import Typed, coerced


def arithmetic(operator: str, left: Typed, right: Typed) -> Typed:
    """``left operator right`` for + - * / and %, at least one a decimal and the other perhaps an integer."""
    first, second = (
        Typed(coerced(side, dt.as_decimal(side.type)), dt.as_decimal(side.type)) for side in (left, right)
    )
    if operator == "/":
        return _divide(first, second, _divide_type(first.type, second.type))
    rule = {
        "+": _add_type,
        "-": _add_type,
        "*": _multiply_type,
        "%": _modulo_type,
    }
    result = rule[operator](first.type, second.type)
    text = (
        f"trino_mod({first.sql}, {second.sql})"
        if operator == "%"
        else f"({first.sql} {operator} {second.sql})"
    )
    return Typed(f"CAST({text} AS {dt.duckdb_name(result)})", result)


def aggregate(name: str, value: Typed, before: str, over: str) -> Typed:
    """``sum`` or ``avg``; ``before`` is DISTINCT or nothing, ``over`` the FILTER and OVER that follow."""
    total = Typed(f"sum({before}{value.sql}){over}", pa.decimal128(38, value.type.scale))
    if name == "sum":
        return total
    return _average(total.sql, f"count({before}{value.sql}){over}", value.type)


def _add_type(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    scale = max(left.scale, right.scale)
    return _decimal(max(left.precision - left.scale, right.precision - right.scale) + scale + 1, scale)


def _multiply_type(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    return _decimal(left.precision + right.precision, left.scale + right.scale)


def _divide_type(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    return _decimal(
        left.precision + right.scale + max(0, right.scale - left.scale), max(left.scale, right.scale)
    )


def _modulo_type(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    scale = max(left.scale, right.scale)
    return _decimal(min(left.precision - left.scale, right.precision - right.scale) + scale, scale)


def _divide(left: Typed, right: Typed, result: pa.DataType) -> Typed:
    """``left / right`` rounded half up to the scale of ``result``, exactly."""
    shift = result.scale - left.type.scale + right.type.scale
    return _divide_unscaled(_unscaled(left), _unscaled(right), shift, result)


def _average(total: str, count: str, operand: pa.DataType) -> Typed:
    """A decimal's average has the decimal's own type; ``total`` is a decimal of the same scale."""
    digits = _unscaled(Typed(total, pa.decimal128(38, operand.scale)))
    return _divide_unscaled(digits, f"CAST({count} AS HUGEINT)", 0, operand)


def rounded(name: str, value: Typed, digits: str | None) -> Typed:
    """``round``, ``ceil`` and ``floor``; ``digits`` is the text of an integer constant, for round alone."""
    source = value.type
    whole = source.precision - source.scale
    if digits is not None:
        result = _decimal(source.precision + 1, source.scale)
        return Typed(f"CAST(round({value.sql}, {digits}) AS {dt.duckdb_name(result)})", result)
    result = _decimal(max(1, whole + min(1, source.scale)), 0)
    return Typed(f"CAST({name}({value.sql}) AS {dt.duckdb_name(result)})", result)


def _divide_unscaled(dividend: str, divisor: str, shift: int, result: pa.DataType) -> Typed:
    name = dt.duckdb_name(result)
    scaled = f"{dividend} * {10**shift}::HUGEINT" if shift else dividend
    quotient = f"trino_divide_unscaled({scaled}, {divisor})"
    if result.scale == 0:
        return Typed(f"CAST({quotient} AS {name})", result)
    unit = f"CAST('0.{'1':0>{result.scale}}' AS DECIMAL({result.scale},{result.scale}))"
    return Typed(f"CAST(CAST({quotient} AS DECIMAL(38,0)) * {unit} AS {name})", result)


def _unscaled(value: Typed) -> str:
    """The digits of a decimal as a HUGEINT, by a multiplication when the product fits and as text when not."""
    scale, digits = value.type.scale, value.type.precision + value.type.scale + 1
    if scale == 0:
        return f"CAST({value.sql} AS HUGEINT)"
    if digits > 38:
        return f"trino_unscaled({value.sql})"
    return f"CAST(CAST({value.sql} AS DECIMAL({digits},{scale})) * {10**scale} AS HUGEINT)"


def _decimal(precision: int, scale: int) -> pa.DataType:
    if scale > 38:
        raise not_supported(f"a decimal of scale {scale}: cast to double first")
    return pa.decimal128(min(38, precision), scale)
