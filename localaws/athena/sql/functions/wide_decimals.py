"""Decimal arithmetic with intermediate results that overflow DuckDB's widest integer; Trino uses 256 bits.

Each function takes and returns unscaled values, as DuckDB's HUGEINT. A result that fits no decimal is the first number
that is too large, so that its conversion to a decimal fails.
"""

from __future__ import annotations

import duckdb

from localaws.athena.datatypes import MAX_DIGITS

_POWERS = [10**exponent for exponent in range(2 * MAX_DIGITS + 1)]
_TOO_LARGE = _POWERS[MAX_DIGITS]


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Register the functions for ``connection`` and its cursors. They are only called for large values."""
    connection.create_function("wide_divide", _divide, ["HUGEINT", "INTEGER", "HUGEINT"], "HUGEINT")
    connection.create_function("wide_mod", _mod, ["HUGEINT", "INTEGER", "HUGEINT", "INTEGER"], "HUGEINT")
    connection.create_function("wide_average", _average, ["HUGEINT", "HUGEINT", "BIGINT"], "HUGEINT")


def _divide(dividend: int, shift: int, divisor: int) -> int:
    """Return ``dividend * 10**shift / divisor``, rounded half away from zero."""
    return _rounded(dividend * _POWERS[shift], divisor)


def _mod(dividend: int, dividend_shift: int, divisor: int, divisor_shift: int) -> int:
    """Return the remainder, which has the sign of the dividend."""
    found: int = abs(dividend) * _POWERS[dividend_shift] % (abs(divisor) * _POWERS[divisor_shift])
    return found if dividend >= 0 else -found


def _average(upper: int, lower: int, count: int) -> int:
    """Return the average of ``count`` numbers from the sums of their upper digits and of their last 19 digits."""
    return _rounded(upper * _POWERS[19] + lower, count)


def _rounded(dividend: int, divisor: int) -> int:
    size = abs(divisor)
    quotient: int = min((2 * abs(dividend) + size) // (2 * size), _TOO_LARGE)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient
