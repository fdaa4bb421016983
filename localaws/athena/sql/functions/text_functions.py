"""Trino's string functions without an equivalent in DuckDB, as Python functions that DuckDB calls."""

from __future__ import annotations

import re

import pytz
from duckdb import DuckDBPyConnection, sqltypes

_OFFSET = re.compile(r"[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00|Z")


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    text, number = sqltypes.VARCHAR, sqltypes.BIGINT
    connection.create_function("trino_is_zone", _is_zone, [text], sqltypes.BOOLEAN)
    connection.create_function("trino_levenshtein_of_characters", _levenshtein, [text, text], number)


def _is_zone(name: str) -> bool:
    """Return whether the name is a time zone at the end of a timestamp's text. Source: Trino's TimeZoneKey"""
    return name in pytz.all_timezones_set or _OFFSET.fullmatch(name) is not None


def _levenshtein(left: str, right: str) -> int:
    """Return the Levenshtein distance: the number of inserted, deleted or replaced characters."""
    distances = list(range(len(right) + 1))
    for at, character in enumerate(left):
        diagonal, distances[0] = distances[0], at + 1
        for other, candidate in enumerate(right, start=1):
            replaced = diagonal + (character != candidate)
            diagonal = distances[other]
            distances[other] = min(replaced, diagonal + 1, distances[other - 1] + 1)
    return distances[-1]
