"""Functions of arrays and maps that need a loop, as Python functions that DuckDB calls.

They do not get elements but places, counted from 1, and results of comparisons. So they fit arrays of each type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from itertools import accumulate, combinations
from math import comb, fsum
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection, sqltypes
from duckdb.func import ARROW, SPECIAL

from localaws.athena.errors import DATA_ERROR, QueryFailed

_MOST_COMBINATIONS, _LONGEST_COMBINATION = 100_000, 5
_MOST_SORTED = 1000  # the number of comparisons is its square


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    place, text = sqltypes.BIGINT, sqltypes.VARCHAR
    entry = {"key": text, "value": text}
    entries = {"key": text, "value": connection.list_type(text)}
    for name, function, result in (
        ("trino_weighted_place", _weighted_place, place),
        ("trino_sorted", _sorted, _answer(connection, connection.list_type(place))),
        (
            "trino_combinations",
            _combinations,
            _answer(connection, connection.list_type(connection.list_type(place))),
        ),
        ("trino_split_to_map", _split_to_map, connection.list_type(connection.struct_type(entry))),
        (
            "trino_split_to_multimap",
            _split_to_multimap,
            connection.list_type(connection.struct_type(entries)),
        ),
    ):
        connection.create_function(
            name, _over_rows(function), None, result, type=ARROW, null_handling=SPECIAL
        )


def _answer(connection: DuckDBPyConnection, result: Any) -> Any:
    return connection.struct_type({"answer": result, "refused": sqltypes.VARCHAR})


def _over_rows(function: Callable[..., Any]) -> Callable[..., pa.Array]:
    def over_rows(*columns: pa.ChunkedArray) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else function(*row) for row in rows])

    return over_rows


def _weighted_place(weights: list[float], percentage: float) -> int:
    """Return the place of the first element up to which the weights are at least this part of their sum."""
    if any(weight < 1 for weight in weights):
        raise _invalid("percentile weight must be >= 1")
    if not 0 <= percentage <= 1:
        raise _invalid("Percentile must be between 0 and 1")
    wanted = percentage * fsum(weights)
    return next((at for at, total in enumerate(accumulate(weights), 1) if total >= wanted), len(weights))


def _sorted(comparisons: list[list[int | None]]) -> dict[str, Any]:
    """Return the places of the elements in order. ``comparisons[i][j]`` compares the elements i and j."""
    if len(comparisons) > _MOST_SORTED:
        return {"answer": None, "refused": f"array_sort with a lambda of more than {_MOST_SORTED} elements"}

    def compare(first: int, second: int) -> int:
        found = comparisons[first][second]
        if found not in (-1, 0, 1):
            raise _invalid("Lambda comparator must return either -1, 0, or 1")
        return found

    places = sorted(range(len(comparisons)), key=cmp_to_key(compare))
    return {"answer": [place + 1 for place in places], "refused": None}


def _combinations(size: int, length: int) -> dict[str, Any]:
    if length < 0:
        raise _invalid("combination size must not be negative: " + str(length))
    if length > _LONGEST_COMBINATION:
        raise _invalid(f"combination size must not exceed {_LONGEST_COMBINATION}: {length}")
    if comb(size, length) > _MOST_COMBINATIONS:
        raise _invalid("combinations exceed max size")
    # Trino's order: by the last place first.
    found = sorted(combinations(range(1, size + 1), length), key=lambda places: places[::-1])
    return {"answer": [list(places) for places in found], "refused": None}


def _split_to_map(text: str, between_entries: str, in_entry: str) -> list[dict[str, Any]]:
    found: dict[str, str] = {}
    for key, value in _entries(text, between_entries, in_entry):
        if key in found:
            raise _invalid(f"Duplicate keys ({key}) are not allowed")
        found[key] = value
    return [{"key": key, "value": value} for key, value in found.items()]


def _split_to_multimap(text: str, between_entries: str, in_entry: str) -> list[dict[str, Any]]:
    found: dict[str, list[str]] = {}
    for key, value in _entries(text, between_entries, in_entry):
        found.setdefault(key, []).append(value)
    return [{"key": key, "value": values} for key, values in found.items()]


def _entries(text: str, between_entries: str, in_entry: str) -> list[tuple[str, str]]:
    if not between_entries:
        raise _invalid("entryDelimiter is empty")
    if not in_entry:
        raise _invalid("keyValueDelimiter is empty")
    if between_entries == in_entry:
        raise _invalid("entryDelimiter and keyValueDelimiter must not be the same")
    found = []
    # The last entry can end with a delimiter.
    for entry in text.removesuffix(between_entries).split(between_entries) if text else []:
        key, *values = entry.split(in_entry)
        if len(values) != 1:
            raise _invalid(
                f"Key-value delimiter must appear exactly once in each entry. Bad input: '{entry}'"
            )
        found.append((key, values[0]))
    return found


def _invalid(reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {reason}", DATA_ERROR)
