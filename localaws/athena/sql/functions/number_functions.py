"""Bitwise functions and mathematical functions without an equivalent in DuckDB.

Source: https://trino.io/docs/401/functions/bitwise.html, https://trino.io/docs/401/functions/math.html
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection, sqltypes

from localaws.athena.errors import DATA_ERROR, QueryFailed

_BITS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}
_TINY, _PRECISION = 1e-300, 1e-16
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

SCALAR_ROWS = (
    ("bitwise_and", "bigint, bigint -> bigint", "({0} & {1})"),
    ("bitwise_or", "bigint, bigint -> bigint", "({0} | {1})"),
    ("bitwise_xor", "bigint, bigint -> bigint", "xor({0}, {1})"),
    ("bitwise_not", "bigint -> bigint", "(-1 - {0})"),
    ("bit_count", "bigint, bigint -> bigint", "trino_bit_count({0}, {1})"),
    *(
        (
            f"bitwise_{name}",
            f"{number}, bigint -> {number}",
            f"CAST(trino_{name}(CAST({{0}} AS BIGINT), {{1}}, {bits}) AS {number})",
        )
        for name in ("left_shift", "right_shift", "right_shift_arithmetic")
        for number, bits in _BITS.items()
    ),
    *((name, "double -> double", f"{name}({{0}})") for name in ("cosh", "tanh", "sinh")),
    ("cbrt", "double -> double", "CASE WHEN isfinite({0}) THEN trino_cbrt({0}) ELSE {0} END"),
    *(
        row
        for number in _BITS
        for row in (
            ("rand random", f"{number} -> {number}", f"CAST(trino_random(0, {{0}}) AS {number})"),
            (
                "rand random",
                f"{number}, {number} -> {number}",
                f"CAST(trino_random({{0}}, {{1}}) AS {number})",
            ),
        )
    ),
    ("width_bucket", "double, array(double) -> bigint", "trino_width_bucket_of_bounds({0}, {1})"),
    (
        "cosine_similarity",
        "map(varchar, double), map(varchar, double) -> double",
        "trino_cosine_similarity({0}, {1})",
    ),
    ("beta_cdf", "double, double, double -> double", "trino_beta_cdf({0}, {1}, {2})"),
    ("inverse_beta_cdf", "double, double, double -> double", "trino_inverse_beta_cdf({0}, {1}, {2})"),
    *(
        (
            "truncate",
            f"{number}, integer -> {number}",
            f"CASE WHEN isnan({{0}}) THEN {{0}} ELSE CAST(trino_truncate_double({{0}}, {{1}}) AS {number}) END",
        )
        for number in ("double", "real")
    ),
    ("to_base", "bigint, bigint -> varchar", "trino_to_base({0}, {1})"),
    ("from_base", "varchar, bigint -> bigint", "trino_from_base({0}, {1})"),
    (
        "normal_cdf",
        "double, double, double -> double",
        "CASE WHEN isnan({0}) OR isnan({2}) THEN 'nan'::DOUBLE ELSE trino_normal_cdf({0}, {1}, {2}) END",
    ),
    ("inverse_normal_cdf", "double, double, double -> double", "trino_inverse_normal_cdf({0}, {1}, {2})"),
    *(
        (
            f"wilson_interval_{side}",
            "bigint, bigint, double -> double",
            f"trino_wilson({{0}}, {{1}}, {{2}}, {sign})",
        )
        for side, sign in (("lower", -1), ("upper", 1))
    ),
)


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    number, double, text = sqltypes.BIGINT, sqltypes.DOUBLE, sqltypes.VARCHAR
    functions: tuple[tuple[str, Callable[..., Any], list[Any], Any], ...] = (
        ("bit_count", _bit_count, [number] * 2, number),
        ("left_shift", _left_shift, [number] * 3, number),
        ("right_shift", _right_shift, [number] * 3, number),
        ("right_shift_arithmetic", _right_shift_arithmetic, [number] * 3, number),
        ("truncate_double", _truncate, [double, number], double),
        ("cbrt", _cbrt, [double], double),
        ("to_base", _to_base, [number] * 2, text),
        ("from_base", _from_base, [text, number], number),
        ("normal_cdf", _normal_cdf, [double] * 3, double),
        ("inverse_normal_cdf", _inverse_normal_cdf, [double] * 3, double),
        ("beta_cdf", _beta_cdf, [double] * 3, double),
        ("inverse_beta_cdf", _inverse_beta_cdf, [double] * 3, double),
        ("wilson", _wilson, [number, number, double, number], double),
    )
    for name, function, parameters, result in functions:
        connection.create_function(f"trino_{name}", function, parameters, result)


def _bit_count(value: int, bits: int) -> int:
    if not 2 <= bits <= 64:
        raise _invalid(f"Bits specified in bit_count must be between 2 and 64, got {bits}")
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise _invalid(
            f"Number must be representable with the bits specified. {value} cannot be represented with {bits} bits"
        )
    return int(value % 2**bits).bit_count()


def _signed(value: int, bits: int) -> int:
    value %= 2**bits
    return value - 2**bits if value >= 2 ** (bits - 1) else value


def _left_shift(value: int, shift: int, bits: int) -> int:
    _check_shift(shift)
    return 0 if shift >= bits else _signed(value << shift, bits)


def _right_shift(value: int, shift: int, bits: int) -> int:
    _check_shift(shift)
    return 0 if shift >= bits else _signed(value % 2**bits >> shift, bits)


def _right_shift_arithmetic(value: int, shift: int, bits: int) -> int:
    _check_shift(shift)
    return value >> min(shift, bits)


def _check_shift(shift: int) -> None:
    if shift < 0:
        raise _invalid("Specified shift must be greater than or equal to 0")


def _truncate(value: float, places: int) -> float:
    if not math.isfinite(value):
        return value
    factor = 10.0 ** abs(places)
    scaled = value * factor if places >= 0 else value / factor
    if not math.isfinite(scaled):
        return value
    whole = float(math.trunc(scaled))
    return math.copysign(whole / factor if places >= 0 else whole * factor, value)


def _cbrt(value: float) -> float:
    """Return the cube root; that of the C library is not exact for all cubes."""
    return float(np.cbrt(value))


def _to_base(value: int, radix: int) -> str:
    _check_radix(radix)
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = _DIGITS[digit] + digits
    return f"-{digits}" if value < 0 else digits


def _from_base(text: str, radix: int) -> int:
    _check_radix(radix)
    try:
        if text != text.strip() or "_" in text:
            raise ValueError
        found = int(text, radix)
        if not -(2**63) <= found < 2**63:
            raise ValueError
    except ValueError:
        raise _invalid(f"Not a valid base-{radix} number: {text}") from None
    return found


def _check_radix(radix: int) -> None:
    if not 2 <= radix <= 36:
        raise _invalid("Radix must be between 2 and 36")


def _normal_cdf(mean: float, deviation: float, value: float) -> float:
    if not deviation > 0:  # also NaN
        raise _invalid("standardDeviation must be > 0")
    return 0.5 * (1 + math.erf((value - mean) / (deviation * math.sqrt(2))))


def _inverse_normal_cdf(mean: float, deviation: float, p: float) -> float:
    if not 0 < p < 1:
        raise _invalid("p must be 0 > p > 1")
    if not deviation > 0:
        raise _invalid("sd must be > 0")
    return NormalDist(mean, deviation).inv_cdf(p)


def _wilson(successes: int, trials: int, z: float, sign: int) -> float:
    if successes < 0:
        raise _invalid("number of successes must not be negative")
    if trials <= 0:
        raise _invalid("number of trials must be positive")
    if successes > trials:
        raise _invalid("number of successes must not be larger than number of trials")
    if not z >= 0:
        raise _invalid("z-score must not be negative")
    share = successes / trials
    root = math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return (share + z * z / (2 * trials) + sign * z * root) / (1 + z * z / trials)


def _beta_cdf(a: float, b: float, value: float) -> float:
    if not (a > 0 and b > 0):
        raise _invalid("a and b must be > 0")
    if not 0 <= value <= 1:
        raise _invalid("value must be in the interval [0, 1]")
    return _incomplete_beta(a, b, value)


def _inverse_beta_cdf(a: float, b: float, p: float) -> float:
    if not (a > 0 and b > 0):
        raise _invalid("a and b must be > 0")
    if not 0 <= p <= 1:
        raise _invalid("p must be in the interval [0, 1]")
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        if _incomplete_beta(a, b, middle) < p:
            low = middle
        else:
            high = middle
    return high if p > 0 else 0.0


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function by its continued fraction. Source: DLMF 8.17.22"""
    if x in (0, 1):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    found, numerator, denominator = 1.0, 1.0, 0.0
    for step in range(2000):  # Lentz's algorithm
        m = step // 2
        if step == 0:
            term = 1.0
        elif step % 2 == 0:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        denominator = 1 / (1 + term * denominator or _TINY)
        numerator = 1 + term / numerator or _TINY
        found *= numerator * denominator
        if abs(1 - numerator * denominator) < _PRECISION:
            break
    return math.exp(log_front) / a * (found - 1)


def _invalid(reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {reason}", DATA_ERROR)
