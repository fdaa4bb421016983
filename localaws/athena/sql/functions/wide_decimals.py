"""Arithmetic on decimals whose digits outgrow DuckDB's widest integer on the way; Trino has 256 bits for that.

Each function takes and returns the digits without the point, as DuckDB's HUGEINT. A result that no decimal holds is
the first number that is too large, and so fails when it becomes one.
"""

from __future__ import annotations

import duckdb

from localaws.athena.datatypes import MAX_DIGITS

_POWERS = [10**exponent for exponent in range(2 * MAX_DIGITS + 1)]
_TOO_LARGE = _POWERS[MAX_DIGITS]


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to ``connection`` and to every cursor of it. They are called for large values only."""
    connection.create_function("wide_divide", _divide, ["HUGEINT", "INTEGER", "HUGEINT"], "HUGEINT")
    connection.create_function("wide_mod", _mod, ["HUGEINT", "INTEGER", "HUGEINT", "INTEGER"], "HUGEINT")
    connection.create_function("wide_average", _average, ["HUGEINT", "HUGEINT", "BIGINT"], "HUGEINT")


def _divide(dividend: int, shift: int, divisor: int) -> int:
    """``dividend * 10**shift / divisor``, rounded half away from zero."""
    return _rounded(dividend * _POWERS[shift], divisor)


def _mod(dividend: int, dividend_shift: int, divisor: int, divisor_shift: int) -> int:
    """The remainder has the sign of the dividend."""
    found: int = abs(dividend) * _POWERS[dividend_shift] % (abs(divisor) * _POWERS[divisor_shift])
    return found if dividend >= 0 else -found


def _average(upper: int, lower: int, count: int) -> int:
    """The average of ``count`` numbers by the sums of their upper digits and of their last 19."""
    return _rounded(upper * _POWERS[19] + lower, count)


def _rounded(dividend: int, divisor: int) -> int:
    size = abs(divisor)
    quotient: int = min((2 * abs(dividend) + size) // (2 * size), _TOO_LARGE)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient
