"""The numbers of time zones in a timestamp with time zone.

In DuckDB such a timestamp is an INTERVAL, see ``moments.sql``, and its zone a number: 0 for UTC, the offset in minutes
plus 841 for an offset, and a number from 2000 on for a name.
Source: Trino's TimeZoneKey
"""

from __future__ import annotations

import re

import pytz
from duckdb import DuckDBPyConnection, sqltypes

UTC = 0
_OFFSET_0, _FIRST_NAME = 841, 2000
_LARGEST_OFFSET = 14 * 60
_NAMES: list[str] = sorted(pytz.all_timezones)
_NUMBERS = {name.lower(): number for number, name in enumerate(_NAMES, start=_FIRST_NAME)}
_UTC_NAMES = ("utc", "z", "ut", "uct", "gmt", "gmt0", "greenwich", "universal", "zulu")
_OFFSET = re.compile(r"(?:utc|gmt|ut)?([+-])(\d{1,2})(?::?(\d{2}))?")


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    connection.create_function("trino_zone_number", _number_or_minus_1, [sqltypes.VARCHAR], sqltypes.INTEGER)
    connection.create_function("trino_zone_name", zone_name, [sqltypes.INTEGER], sqltypes.VARCHAR)


def _number_or_minus_1(name: str) -> int:
    number = zone_number(name)
    return -1 if number is None else number


def zone_number(name: str) -> int | None:
    """Return the number of the zone with this name or offset; None if there is none."""
    lower = name.lower()
    if lower.removeprefix("etc/") in _UTC_NAMES:
        return UTC
    if lower in _NUMBERS:
        return _NUMBERS[lower]
    found = _OFFSET.fullmatch(lower)
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    if minutes > _LARGEST_OFFSET or int(found[3] or 0) > 59:
        return None
    return offset_number(-minutes if found[1] == "-" else minutes)


def offset_number(minutes: int) -> int:
    return _OFFSET_0 + minutes if minutes else UTC


def zone_name(number: int) -> str:
    if number == UTC:
        return "UTC"
    if number >= _FIRST_NAME:
        return _NAMES[number - _FIRST_NAME]
    minutes = number - _OFFSET_0
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
