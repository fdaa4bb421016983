"""``from_iso8601_timestamp`` and ``from_iso8601_date``, as Python functions that DuckDB calls.

Source: ISODateTimeFormat.dateTimeParser and dateElementParser of Joda-Time, which Trino uses
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from duckdb import DuckDBPyConnection, sqltypes

from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.sql.functions.time_zones import UTC, zone_number

_DATE = r"(\d{4})(?:-W(\d\d?)(?:-(\d))?|-(\d{3})|-(\d\d?)(?:-(\d\d?))?)?"
_TIME = r"(?:(\d\d?)(?::(\d\d?)(?::(\d\d?)(?:[.,](\d{1,9}))?)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?"
_PATTERN = re.compile(f"{_DATE}(?:T{_TIME})?", re.ASCII)
_DAY_0 = date(1970, 1, 1).toordinal()


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    connection.create_function("trino_iso_wall", _wall, [sqltypes.VARCHAR], sqltypes.BIGINT)
    connection.create_function("trino_iso_zone", _zone, [sqltypes.VARCHAR], sqltypes.INTEGER)
    connection.create_function("trino_iso_days", _days, [sqltypes.VARCHAR], sqltypes.INTEGER)


def _wall(text: str) -> int:
    """Return the local time in microseconds since 1970. Trino's timestamps have milliseconds."""
    return _parsed(text)[0]


def _zone(text: str) -> int:
    return _parsed(text)[1]


def _days(text: str) -> int:
    if "T" in text:
        raise _invalid(text)
    return _parsed(text)[0] // 86_400_000_000


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[int, int]:
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise _invalid(text)
    year, week, weekday, ordinal, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        if week:
            days = date.fromisocalendar(int(year), int(week), int(weekday or 1)).toordinal()
        else:
            days = date(int(year), int(month or 1), int(day or 1)).toordinal()
        if ordinal:
            days += int(ordinal) - 1
            if ordinal == "000" or date.fromordinal(days).year != int(year):
                raise ValueError
    except ValueError:
        raise _invalid(text) from None
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    zone = zone_number(offset) if offset else UTC
    if hours > 23 or minutes > 59 or seconds > 59 or zone is None:
        raise _invalid(text)
    milliseconds = int((fraction or "0").ljust(3, "0")[:3])
    total = ((days - _DAY_0) * 24 + hours) * 60 + minutes
    return (total * 60 + seconds) * 1_000_000 + milliseconds * 1000, zone


def _invalid(text: str) -> QueryFailed:
    return QueryFailed(f'INVALID_FUNCTION_ARGUMENT: Invalid format: "{text}"', DATA_ERROR)
