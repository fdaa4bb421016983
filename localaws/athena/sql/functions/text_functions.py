"""Functions of Trino on texts for which DuckDB has no like: Python functions that DuckDB calls."""

from __future__ import annotations

import re

import pytz
from duckdb import DuckDBPyConnection, sqltypes

_OFFSET = re.compile(r"[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00|Z")


def register(connection: DuckDBPyConnection) -> None:
    """Make the functions known to every connection of this database."""
    text, number = sqltypes.VARCHAR, sqltypes.BIGINT
    connection.create_function("trino_is_zone", _is_zone, [text], sqltypes.BOOLEAN)
    connection.create_function("trino_levenshtein_of_characters", _levenshtein, [text, text], number)


def _is_zone(name: str) -> bool:
    """Whether a timestamp's text may end so. Source: Trino's TimeZoneKey"""
    return name in pytz.all_timezones_set or _OFFSET.fullmatch(name) is not None


def _levenshtein(left: str, right: str) -> int:
    """How many characters to insert, delete or replace to make ``right`` of ``left``."""
    distances = list(range(len(right) + 1))
    for at, character in enumerate(left):
        diagonal, distances[0] = distances[0], at + 1
        for other, candidate in enumerate(right, start=1):
            replaced = diagonal + (character != candidate)
            diagonal = distances[other]
            distances[other] = min(replaced, diagonal + 1, distances[other - 1] + 1)
    return distances[-1]
