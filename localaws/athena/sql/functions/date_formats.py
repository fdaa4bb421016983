"""The formats of ``date_format`` and ``date_parse``: MySQL's letters, interpreted as by Joda-Time.

Source: https://trino.io/docs/current/functions/datetime.html and Trino's DateTimeFunctions.createDateTimeFormatter.
"""

from __future__ import annotations

import re
from itertools import pairwise

from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported
from localaws.athena.quoting import duckdb_string

_COMPOSED = {"r": "%I:%i:%S %p", "T": "%H:%i:%S"}
# As strftime's letters. Trino's timestamps have milliseconds.
_WRITTEN = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%g000", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "S": "%S", "s": "%S", "v": "%V", "W": "%A",
    "x": "%G", "Y": "%Y", "y": "%y",
}  # fmt: skip
_NOT_TRINOS = "DUuVwX"
# The field that a letter parses, and the maximum digits of its number.
_NUMBERS = {
    "c": ("m", 2), "d": ("d", 2), "e": ("d", 2), "f": ("f", 9), "H": ("H", 2), "h": ("h", 2), "I": ("h", 2),
    "i": ("i", 2), "j": ("j", 3), "k": ("H", 2), "l": ("h", 2), "m": ("m", 2), "S": ("S", 2), "s": ("S", 2),
    "Y": ("Y", 4),
}  # fmt: skip
_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_ANY_MONTH = "|".join(
    case(name) for month in _MONTHS for name in (month, month[:3]) for case in (str, str.lower, str.upper)
)
_CLASHES = ("Yy", "mb", "jm", "jb", "jd", "Hh", "Hp")


def formatted(moment: str, pattern: str, function: str) -> str:
    """Return DuckDB SQL that formats the timestamp ``moment`` by ``pattern``."""
    written = "".join(
        _WRITTEN[letter] if letter else literal.replace("%", "%%")
        for literal, letter in _tokens(pattern, function)
    )
    return f"strftime({moment}, {duckdb_string(written)})"


def parsed(text: str, pattern: str, function: str) -> str:
    """Return DuckDB SQL that parses ``text`` by ``pattern``. Missing fields are those of 1970-01-01 00:00.

    With a month or a day, a missing year is 2000.
    """
    expression, names = "", []
    for (literal, letter), (_, following) in pairwise([*_tokens(pattern, function), ("", "")]):
        if letter:
            name, digits = _read(letter, following, function)
            expression += f"({digits})"
            names.append(name)
        else:
            expression += f"(?i:{re.escape(literal)})"  # Joda-Time ignores case
    if len(set(names)) < len(names) or any(set(clash) <= set(names) for clash in _CLASHES):
        raise not_supported(f"{function} with a field twice: {pattern}")
    if not names:
        raise not_supported(f"{function} without any field: {pattern}")
    found = f"regexp_extract(given, {duckdb_string(f'^{expression}$')}, {names!r})"
    return (
        f"list_transform([{text}], lambda given: trino_parsed(given, "
        f"list_transform([{found}], lambda part: {_moment(names)})[1]))[1]"
    )


def _tokens(pattern: str, function: str) -> list[tuple[str, str]]:
    """Split a format into pairs: (literal character, '') or ('', letter of a field)."""
    tokens: list[tuple[str, str]] = []
    for literal, letter in re.findall(r"([^%])|%(.?)", pattern, re.DOTALL):
        if not literal and not letter:
            raise not_supported(f"{function} with a % at the end: {pattern}")
        if letter and letter in _NOT_TRINOS:
            raise QueryFailed(
                f"INVALID_FUNCTION_ARGUMENT: %{letter} not supported in date format string", DATA_ERROR
            )
        if letter in _COMPOSED:
            tokens += _tokens(_COMPOSED[letter], function)
        else:
            tokens.append(("", letter) if letter in _WRITTEN else (literal or letter, ""))
    return tokens


def _read(letter: str, following: str, function: str) -> tuple[str, str]:
    """Return the field that ``letter`` parses, and the regular expression of its text."""
    if letter in _NUMBERS:
        name, digits = _NUMBERS[letter]
        # Joda-Time parses greedily: before another number, a number has exactly its maximum number of digits.
        return name, rf"\d{{{digits}}}" if following in (*_NUMBERS, "y") else rf"\d{{1,{digits}}}"
    texts = {"y": ("y", r"\d{2}"), "b": ("b", _ANY_MONTH), "M": ("b", _ANY_MONTH), "p": ("p", "AM|PM|am|pm")}
    if letter not in texts:
        raise not_supported(f"{function} with %{letter}")
    return texts[letter]


def _moment(names: list[str]) -> str:
    """Return SQL for the timestamp of the fields in ``part``; NULL if a field is out of range."""

    def number(name: str, otherwise: int) -> str:
        return f"TRY_CAST(part.{name} AS BIGINT)" if name in names else str(otherwise)

    default_year = 2000 if set("mbdj") & set(names) else 1970  # as in Joda-Time
    year, month, hour = number("Y", default_year), number("m", 1), number("H", 0)
    if "y" in names:
        year = f"({number('y', 0)} + CASE WHEN {number('y', 0)} < 70 THEN 2000 ELSE 1900 END)"
    if "b" in names:
        month = f"list_position({[name[:3].lower() for name in _MONTHS]!r}, lower(left((part).b, 3)))"
    if {"h", "p"} & set(names):
        half = "CASE WHEN lower((part).p) = 'pm' THEN 12 ELSE 0 END" if "p" in names else "0"
        hour = f"({number('h', 12)} % 12 + {half})"
    date = f"trino_make_date({year}, {month}, {number('d', 1)})"
    if "j" in names:
        date = f"({date} + CAST({number('j', 1)} - 1 AS INTEGER))"
    fraction = "CAST(left(rpad((part).f, 3, '0'), 3) AS BIGINT)" if "f" in names else "0"
    checks = (
        f"{hour} < 24 AND {number('h', 12)} BETWEEN 1 AND 12 AND {number('i', 0)} < 60 AND {number('S', 0)} < 60 "
        f"AND {number('j', 1)} > 0 AND year({date}) = {year}"
    )
    seconds = f"(({hour} * 60 + {number('i', 0)}) * 60 + {number('S', 0)})"
    return f"CASE WHEN {checks} THEN make_timestamp(epoch_us({date}) + ({seconds} * 1000 + {fraction}) * 1000) END"
