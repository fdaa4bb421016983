"""``format_datetime`` and ``parse_datetime`` with the patterns of Joda-Time, as Python functions that DuckDB calls.

Each returns its answer or a reason for rejection, and is called in ``trino_unless_refused``.
Source: https://www.joda.org/joda-time/apidocs/org/joda/time/format/DateTimeFormat.html
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC as TIME_ZONE_UTC
from datetime import date, datetime
from functools import lru_cache, wraps
from typing import Any

from duckdb import DuckDBPyConnection, sqltypes

from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.sql.functions.time_zones import UTC, zone_number

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY, _DAY_0, _DAYS_OF_400_YEARS = 86_400_000_000, date(1970, 1, 1).toordinal(), 146_097
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)", re.DOTALL)
_LETTERS = "GCYxwedEyDMdaKhHkmsSzZ"
_NUMERIC = "CYxwedyDdKhHkmsS"  # also M of up to two letters
_MOST_DIGITS = {"D": 3, "w": 2, "e": 1}
# The names of time zones that Joda-Time reads. Source: DateTimeUtils.getDefaultTimeZoneNames
_ZONE_NAMES = {
    **dict.fromkeys(("UT", "UTC", "GMT"), "UTC"),
    **dict.fromkeys(("EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("CST", "CDT"), "America/Chicago"),
    **dict.fromkeys(("MST", "MDT"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT"), "America/Los_Angeles"),
}
_OFFSET = re.compile(r"[+-]\d\d(?::?\d\d)?|Z", re.ASCII)
_ZONE_ID = re.compile(r"[A-Za-z0-9_/+:\-]+", re.ASCII)
_LIMITS = {
    "M": ("monthOfYear", 1, 12),
    "H": ("hourOfDay", 0, 23),
    "k": ("clockhourOfDay", 1, 24),
    "h": ("clockhourOfHalfday", 1, 12),
    "K": ("hourOfHalfday", 0, 11),
    "m": ("minuteOfHour", 0, 59),
    "s": ("secondOfMinute", 0, 59),
    "e": ("dayOfWeek", 1, 7),
}
_PIVOT = 30  # Joda-Time reads a year of two digits as one of the 100 years around the year 30 years ago


class Refused(Exception):
    """What is not supported."""


@dataclass(frozen=True)
class Token:
    """``count`` times ``letter``, or a literal text if there is no letter."""

    letter: str
    count: int = 0
    text: str = ""

    @property
    def is_number(self) -> bool:
        return self.letter in _NUMERIC or (self.letter == "M" and self.count < 3) if self.letter else False


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    text, number = sqltypes.VARCHAR, sqltypes.BIGINT
    moment = connection.struct_type({"wall": number, "zone": sqltypes.INTEGER})
    connection.create_function(
        "trino_format_datetime",
        answered(_format),
        [number, number, text, text],
        connection.struct_type({"answer": text, "refused": text}),
    )
    connection.create_function(
        "trino_parse_datetime",
        answered(_parse),
        [text, text],
        connection.struct_type({"answer": moment, "refused": text}),
    )


def answered(function: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Return the function with its answer, or the reason of ``Refused``, in a struct."""

    @wraps(function)
    def answer(*arguments: Any) -> dict[str, Any]:
        try:
            return {"answer": function(*arguments), "refused": None}
        except Refused as refused:
            return {"answer": None, "refused": str(refused)}

    return answer


@lru_cache(maxsize=1000)
def _tokens(pattern: str) -> tuple[Token, ...]:
    found, end = [], 0
    for match in _TOKEN.finditer(pattern):
        quoted, letter, literal = match.groups()
        if match.start() != end:
            break
        end = match.end()
        if letter:
            if letter not in _LETTERS:
                raise _invalid(f"Illegal pattern component: {match[0]}")
            found.append(Token(letter, len(match[0])))
        else:
            found.append(Token("", text=literal if quoted is None else quoted.replace("''", "'") or "'"))
    if end < len(pattern):
        raise _invalid(f"Illegal pattern component: {pattern[end:]}")
    if not found:
        raise _invalid("Invalid pattern specification")
    return tuple(found)


# ---------------------------------------------------------------- format
def _format(wall: int, offset: int, zone: str, pattern: str) -> str:
    """Format a local time in microseconds. ``offset`` is in minutes; the zone of a timestamp without zone is ''."""
    tokens = _tokens(pattern)
    if not zone and any(token.letter in "zZ" for token in tokens if token.letter):
        raise _invalid(
            "format_datetime for TIMESTAMP type, cannot use 'Z' nor 'z' in format, "
            "as this type does not contain TZ information"
        )
    days, rest = divmod(wall, _DAY)
    year, day = civil(days)
    written = []
    for token in tokens:
        if token.letter in ("z", "Z") and token.letter:
            written.append(_zone_text(token, offset, zone))
        else:
            written.append(token.text or _field_text(token, year, day, rest // 1000))
    return "".join(written)


def civil(days: int) -> tuple[int, date]:
    """Return the year of a day, counted from 1970, and a date that is alike, but within Python's years."""
    cycles, rest = divmod(days + _DAY_0 - 1, _DAYS_OF_400_YEARS)
    day = date.fromordinal(rest + _DAYS_OF_400_YEARS + 1)  # in the years 401 to 800
    return day.year + 400 * (cycles - 1), day


def _field_text(token: Token, year: int, day: date, milliseconds: int) -> str:
    letter, count = token.letter, token.count
    hour = milliseconds // 3_600_000
    texts = {
        "M": MONTHS[day.month - 1],
        "E": DAYS[day.weekday()],
        "a": "PM" if hour >= 12 else "AM",
        "G": "AD" if year > 0 else "BC",
    }
    if letter in texts and not token.is_number:
        return texts[letter][:3] if letter in "ME" and count < 4 else texts[letter]
    if letter == "S":
        return f"{milliseconds % 1000:03d}".ljust(count, "0")[:count]
    iso_year, week, weekday = day.isocalendar()
    era_year = year if year > 0 else 1 - year
    number = {
        "C": era_year // 100,
        "Y": era_year,
        "x": iso_year + year - day.year,
        "w": week,
        "e": weekday,
        "y": year,
        "D": day.timetuple().tm_yday,
        "M": day.month,
        "d": day.day,
        "K": hour % 12,
        "h": hour % 12 or 12,
        "H": hour,
        "k": hour or 24,
        "m": milliseconds // 60_000 % 60,
        "s": milliseconds // 1000 % 60,
    }[letter]
    if letter in "Yxy" and count == 2:
        number = abs(number) % 100
    return f"{'-' if number < 0 else ''}{abs(number):0{count}d}"


def _zone_text(token: Token, offset: int, zone: str) -> str:
    shown = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    if token.letter == "Z":
        return {1: shown.replace(":", ""), 2: shown}.get(token.count, zone)
    if zone == "UTC":
        return "Coordinated Universal Time" if token.count > 3 else "UTC"
    if zone[0] in "+-":
        return shown
    raise Refused("the name of a time zone in format_datetime")


# ---------------------------------------------------------------- parse
@dataclass
class _Fields:
    """The parsed fields by letter, the time zone and the position."""

    text: str
    at: int = 0
    zone: int = UTC
    values: dict[str, int] = field(default_factory=dict)


def _parse(text: str, pattern: str) -> dict[str, int]:
    tokens = _tokens(pattern)
    fields = _Fields(text)
    for token, following in zip(tokens, [*tokens[1:], Token("")], strict=True):
        before = fields.at
        if not token.letter:
            end = before + len(token.text)
            if text[before:end].lower() != token.text.lower():
                raise _malformed(fields)
            fields.at = end
        elif token.letter in "zZ":
            _parse_zone(fields, token)
        else:
            value = _parse_field(fields, token, following)
            if token.letter in fields.values:
                raise Refused(f"parse_datetime with a field twice: {pattern}")
            fields.values[token.letter] = value
    if fields.at < len(text):
        raise _malformed(fields)
    return {"wall": _wall(fields, pattern), "zone": fields.zone}


def _parse_field(fields: _Fields, token: Token, following: Token) -> int:
    letter = token.letter
    if letter in "GC":
        raise Refused(f"parse_datetime with {letter}")
    if not token.is_number:
        names = {"M": MONTHS, "E": DAYS, "a": ("AM", "PM")}[letter]
        rest = fields.text[fields.at :].lower()
        for at, name in enumerate(names):
            for written in (name.lower(), name[:3].lower()):
                if rest.startswith(written):
                    fields.at += len(written)
                    return at + (letter != "a")
        raise _malformed(fields)
    most = _MOST_DIGITS.get(letter, 2)
    if letter in "yYx":
        most = 9 if not following.is_number else token.count
    if letter == "S":
        most = token.count
    sign = "[+-]?" if letter in "yYx" else ""
    found = re.compile(rf"({sign})([0-9]{{{0 if letter == 'S' else 1},{most}}})").match(
        fields.text, fields.at
    )
    if found is None:
        raise _malformed(fields)
    fields.at = found.end()
    if letter == "S":
        return int(found[2].ljust(3, "0")[:3])
    value = int(found[0])
    if letter in "yYx" and token.count == 2 and not found[1] and len(found[2]) == 2:
        first = datetime.now(TIME_ZONE_UTC).year - _PIVOT - 50
        return first + (value - first) % 100
    return value


def _parse_zone(fields: _Fields, token: Token) -> None:
    rest = fields.text[fields.at :]
    if token.letter == "z":
        name = next(
            (name for name in sorted(_ZONE_NAMES, key=len, reverse=True) if rest.startswith(name)), ""
        )
        zone = _ZONE_NAMES.get(name, "")
    else:
        found = (_OFFSET if token.count < 3 else _ZONE_ID).match(rest)
        name = found[0] if found else ""
        while token.count > 2 and name and zone_number(name) is None:
            name = name[:-1]
        zone = name
    number = zone_number(zone) if zone else None
    if number is None:
        raise _malformed(fields)
    fields.at, fields.zone = fields.at + len(name), number


def _wall(fields: _Fields, pattern: str) -> int:
    """Return the local time in microseconds since 1970."""
    values = fields.values
    for group in ("yYx", "Mw", "MD", "dD", "we" if "w" not in values else "", "Hhk", "HhK", "Hka", "kK"):
        if sum(letter in values for letter in group) > 1:
            raise Refused(f"parse_datetime with the fields {group}: {pattern}")
    hours = values.get("H", values.get("k", 0) % 24)
    if "h" in values or "K" in values or "a" in values:
        hours = values.get("h", values.get("K", 0)) % 12 + 12 * values.get("a", 0)
    for letter in values:
        if letter in _LIMITS:
            _check_limits(fields, letter, *_LIMITS[letter])
    days = _day(fields, pattern)
    seconds = (hours * 60 + values.get("m", 0)) * 60 + values.get("s", 0)
    return days * _DAY + (seconds * 1000 + values.get("S", 0)) * 1000


def _day(fields: _Fields, pattern: str) -> int:
    """Return the day since 1970. Without a year it is 2000 for a month or a day, and otherwise 1970."""
    values = fields.values
    year = next(
        (values[letter] for letter in "yYx" if letter in values), 2000 if {*"MdD"} & {*values} else 1970
    )
    if "Y" in values:
        _check_limits(fields, "Y", "yearOfEra", 1, 292278993)
    cycles, alike = divmod(year, 400)
    alike += 400  # a year like this one, in Python's years
    if "x" in values or "w" in values:
        if {*"xw"} - {*values} or {*"MdD"} & {*values}:
            raise Refused(f"parse_datetime with a week, and not only a week year: {pattern}")
        _check_limits(fields, "w", "weekOfWeekyear", 1, date(alike, 12, 28).isocalendar().week)
        day = date.fromisocalendar(alike, values["w"], values.get("e", values.get("E", 1)))
    elif "D" in values:
        _check_limits(fields, "D", "dayOfYear", 1, 366 if isleap(alike) else 365)
        day = date.fromordinal(date(alike, 1, 1).toordinal() + values["D"] - 1)
    else:
        month = values.get("M", 1)
        if "d" in values:
            _check_limits(fields, "d", "dayOfMonth", 1, monthrange(alike, month)[1])
        day = date(alike, month, values.get("d", 1))
    for letter in "eE":
        if values.get(letter, day.isoweekday()) != day.isoweekday():
            raise Refused("parse_datetime of a day of the week that is not that of the date")
    return day.toordinal() - _DAY_0 + (cycles - 1) * _DAYS_OF_400_YEARS


def _check_limits(fields: _Fields, letter: str, name: str, low: int, high: int) -> None:
    value = fields.values[letter]
    if not low <= value <= high:
        raise _invalid(
            f'Cannot parse "{fields.text}": Value {value} for {name} must be in the range [{low},{high}]'
        )


def _malformed(fields: _Fields) -> QueryFailed:
    return _invalid(f'Invalid format: "{fields.text}" is malformed at "{fields.text[fields.at :]}"')


def _invalid(reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {reason}", DATA_ERROR)
