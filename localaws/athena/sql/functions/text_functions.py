"""Functions of text, as Python functions that DuckDB calls.

Source: https://trino.io/docs/401/functions/string.html
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytz
from duckdb import DuckDBPyConnection, sqltypes

from localaws.athena.errors import DATA_ERROR, QueryFailed

_OFFSET = re.compile(r"[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00|Z")
_SOUNDEX_CODES = "01230120022455012623010202"  # of A to Z
_MAGNITUDES = ("", "K", "M", "B", "T", "Q")
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", re.ASCII)
_DURATION_UNITS = {
    "ns": Fraction(1, 1_000_000),
    "us": Fraction(1, 1000),
    "ms": Fraction(1),
    "s": Fraction(1000),
    "m": Fraction(60_000),
    "h": Fraction(3_600_000),
    "d": Fraction(86_400_000),
}

SCALAR_ROWS = (
    ("hamming_distance", "varchar, varchar -> bigint", "trino_hamming({0}, {1})"),
    ("soundex", "varchar -> varchar", "trino_soundex({0})"),
    ("luhn_check", "varchar -> boolean", "trino_luhn_check({0})"),
    ("format_number", "double -> varchar", "trino_format_number({0})"),
    ("parse_duration", "varchar -> interval day to second", "trino_parse_duration({0})"),
    ("to_milliseconds", "interval day to second -> bigint", "{0}"),
)


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    text, number = sqltypes.VARCHAR, sqltypes.BIGINT
    connection.create_function("trino_is_zone", _is_zone, [text], sqltypes.BOOLEAN)
    connection.create_function("trino_levenshtein_of_characters", _levenshtein, [text, text], number)
    connection.create_function("trino_hamming", _hamming, [text, text], number)
    connection.create_function("trino_soundex", _soundex, [text], text)
    connection.create_function("trino_luhn_check", _luhn_check, [text], sqltypes.BOOLEAN)
    connection.create_function("trino_chr", _chr, [number], text)
    connection.create_function("trino_codepoint", _codepoint, [text], sqltypes.INTEGER)
    connection.create_function("trino_normalize", _normalize, [text, text], text)
    connection.create_function("trino_format_number", _format_number, [sqltypes.DOUBLE], text)
    connection.create_function("trino_parse_duration", _parse_duration, [text], number)


def _is_zone(name: str) -> bool:
    return _OFFSET.fullmatch(name) is not None or name in pytz.all_timezones_set


def _levenshtein(left: str, right: str) -> int:
    """Return the edit distance with substitutions, in characters."""
    distances = list(range(len(right) + 1))
    for at, character in enumerate(left):
        diagonal, distances[0] = distances[0], at + 1
        for other, candidate in enumerate(right, start=1):
            replaced = diagonal + (character != candidate)
            diagonal = distances[other]
            distances[other] = min(replaced, diagonal + 1, distances[other - 1] + 1)
    return distances[-1]


def _hamming(left: str, right: str) -> int:
    if len(left) != len(right):
        raise _invalid("The input strings to hamming_distance function must have the same length")
    return sum(character != other for character, other in zip(left, right, strict=True))


def _soundex(text: str) -> str:
    """Return the code of a name. Letters other than A to Z fail. Source: Soundex of Apache Commons Codec"""
    letters = "".join(
        character for character in text if character.isalpha() and character <= "\uffff"
    ).upper()
    if not letters:
        return ""
    found, last = letters[0], _soundex_code(letters[0])
    for letter in letters[1:]:
        if len(found) == 4:
            break
        if letter in "HW":
            continue
        code = _soundex_code(letter)
        if code not in ("0", last):
            found += code
        last = code
    return found.ljust(4, "0")


def _soundex_code(letter: str) -> str:
    at = ord(letter) - ord("A")
    if not 0 <= at < 26:
        raise _invalid(f"The character is not mapped: {letter} (index={at})")
    return _SOUNDEX_CODES[at]


def _luhn_check(text: str) -> bool:
    """Return whether the last digit is the check digit of the others."""
    if re.fullmatch("[0-9]*", text) is None:
        raise _invalid("Input does not contain only digits")
    digits = [int(digit) for digit in reversed(text)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return bool(digits) and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _chr(code_point: int) -> str:
    if not 0 <= code_point <= 0x10FFFF or 0xD800 <= code_point <= 0xDFFF:
        raise _invalid(f"Not a valid Unicode code point: {code_point}")
    return chr(code_point)


def _codepoint(character: str) -> int:
    if len(character) != 1:
        raise _invalid("Input string must be a single character string")
    return ord(character)


def _normalize(text: str, form: str) -> str:
    return unicodedata.normalize(form, text)  # type: ignore[arg-type] # the grammar allows only the four forms


def _format_number(value: float) -> str:
    """Return the number with a unit, as in ``12.4K``. Source: Trino's FormatNumberFunction and DecimalFormat"""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞Q" if value > 0 else "-∞Q"
    magnitude = 0
    while abs(value) >= 1000 and magnitude < len(_MAGNITUDES) - 1:
        value /= 1000
        magnitude += 1
    # Trino does not take the absolute value here: a negative number has two places.
    places = 2 if value < 10 else 1 if value < 100 else 0
    text = f"{Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):f}"
    return (text.rstrip("0").rstrip(".") if places else text) + _MAGNITUDES[magnitude]


def _parse_duration(text: str) -> int:
    """Return the milliseconds, rounded half up. Source: Duration of Airlift"""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise _invalid(
            f"duration is not a valid data duration string: {text}" if text else "duration is empty"
        )
    if found[2] not in _DURATION_UNITS:
        raise _invalid(f"Unknown time unit: {found[2]}")
    return int(Fraction(found[1]) * _DURATION_UNITS[found[2]] + Fraction(1, 2))


def _invalid(reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {reason}", DATA_ERROR)
