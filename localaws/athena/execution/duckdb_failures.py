"""Translates DuckDB's errors into Trino's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from localaws.athena.errors import (
    DATA_ERROR,
    ENGINE_ERROR,
    RESOURCES_EXHAUSTED,
    SYNTAX_ERROR,
    SYSTEM,
    QueryFailed,
    not_supported,
)
from localaws.athena.execution.depth import too_large_to_run

_RAISED = re.compile(r"'@(.*)' to INT32", re.DOTALL)  # raised by trino_raise
_REFUSED = re.compile(r"Unknown TimeZone '@(.*?)'!", re.DOTALL)  # raised by trino_refuse
# Arrow's error for a value of a Parquet file that is too large for the type in the table. Trino names the limit.
_NARROW = re.compile(r"Integer value (-?\d+) not in range: (-?\d+) to (\d+)")
_INTEGERS = {2**7 - 1: "BYTE", 2**15 - 1: "SHORT", 2**31 - 1: "INT"}
_NANOSECONDS = re.compile(r"Casting from timestamp\[\w+\b.* would (lose data|result in out of bounds)")
_IN_TRINO_WORDS = {
    # in arithmetic of decimals, sums and rounding of integers
    re.compile(
        r"Could not cast value -?\d{39} to DECIMAL\(38,0\)"
    ): "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow",
    re.compile(r"Type INT128 with value \S+ can't be cast"): "NUMERIC_VALUE_OUT_OF_RANGE: Integer overflow",
    re.compile("More than one row returned by a subquery"): (
        "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"
    ),
}
_DATA_ERRORS = {
    "Out of Range": "NUMERIC_VALUE_OUT_OF_RANGE",
    "Conversion": "INVALID_CAST_ARGUMENT",
    "Invalid Input": "INVALID_FUNCTION_ARGUMENT",
    "Mismatch Type": "INVALID_FUNCTION_ARGUMENT",
}
_NOT_SCALAR = "clause cannot contain aggregations, window functions or grouping operations"
_BINDER_WORDS = {
    "WHERE clause cannot contain": f"EXPRESSION_NOT_SCALAR: WHERE {_NOT_SCALAR}",
    "GROUP BY clause cannot contain": f"EXPRESSION_NOT_SCALAR: GROUP BY {_NOT_SCALAR}",
    "aggregate function calls cannot be nested": "NESTED_AGGREGATION: Cannot nest aggregations inside aggregation",
    "aggregate function calls cannot contain window": "NESTED_WINDOW: Cannot nest window functions inside aggregation",
    "window function calls cannot be nested": "NESTED_WINDOW: Cannot nest window functions inside window function",
}
# Of DuckDB's parser, DuckDB's binder and Arrow.
_TOO_DEEP = ("memory exhausted at or near", "Max expression depth limit", "Recursion level in ArrowSchema")
# DuckDB does not accept the translated text. The query is refused as not supported.
_REFUSED_KINDS = {"Parser", "Syntax", "Catalog", "Not implemented", "Invalid type"}
# Raised by a Python function, or by the reader of a file.
_RAISED_IN_PYTHON = re.compile(
    r"executing the UDF: QueryFailed: (.*?)\n\nAt:|: Unknown error: (.*?)\. Detail: Python exception: ",
    re.DOTALL,
)
_UNEXPECTED_IN_PYTHON = re.compile(r"Python exception occurred while executing the UDF: (.*)")


@contextmanager
def duckdb_failures() -> Iterator[None]:
    """A context in which errors of DuckDB become QueryFailed. InterruptException is not translated.

    Errors while rows are read have Arrow's exception class, and DuckDB's message.
    """
    try:
        yield
    except duckdb.InterruptException:
        raise
    except MemoryError:
        raise exhausted() from None
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _failure(str(error)) from None


def exhausted() -> QueryFailed:
    """The error of a query that needs more memory than the limit for all queries."""
    return QueryFailed("Query exhausted resources at this scale factor", RESOURCES_EXHAUSTED, SYSTEM)


def _failure(message: str) -> Exception:  # noqa: PLR0911 - one for each kind
    kind, _, _ = message.partition("\n")[0].partition(" Error: ")
    if kind == "INTERRUPT":
        return duckdb.InterruptException(message)
    if any(sign in message for sign in _TOO_DEEP):
        return too_large_to_run()
    if kind == "Binder":
        return _binder_failure(message)
    if kind in _DATA_ERRORS:
        return _data_failure(message)
    if kind == "Out of Memory":
        return exhausted()
    if kind == "INTERNAL":
        return not_supported(
            f"this query, because of an internal error of DuckDB: {message.partition(chr(10))[0]}"
        )
    if kind in _REFUSED_KINDS:
        refused = _REFUSED.search(message)
        return not_supported(refused.group(1) if refused else message.partition("\n")[0])
    return QueryFailed(f"GENERIC_INTERNAL_ERROR: {message}", ENGINE_ERROR, SYSTEM)


def _binder_failure(message: str) -> QueryFailed:
    """DuckDB checks where aggregates are allowed, and the rules of GROUP BY. They are the same in Trino."""
    first_line = message.partition("\n")[0].removeprefix("Binder Error: ")
    for sign, words in _BINDER_WORDS.items():
        if sign in first_line:
            return QueryFailed(words, SYNTAX_ERROR)
    if "GROUP BY" not in first_line:
        return not_supported(first_line)
    named = re.search(r'column "(?!c\d)([^"]+)"', first_line)
    what = f"'{named.group(1)}'" if named else "each selected expression"
    return QueryFailed(
        f"EXPRESSION_NOT_AGGREGATE: {what} must be an aggregate expression or appear in GROUP BY clause",
        SYNTAX_ERROR,
    )


def _data_failure(message: str) -> QueryFailed:
    raised = _RAISED.search(message) or _RAISED_IN_PYTHON.search(message)
    if raised:
        return QueryFailed(raised[raised.lastindex or 0], DATA_ERROR)
    if (unexpected := _UNEXPECTED_IN_PYTHON.search(message)) is not None:
        return not_supported(f"a value of this query, because of {unexpected[1]}")
    if narrow := _NARROW.search(message):
        value, _, above = map(int, narrow.groups())
        beyond = "exceeds MAX" if value > above else "is less than MIN"
        return QueryFailed(
            f"GENERIC_INTERNAL_ERROR: Value {value} {beyond}_{_INTEGERS[above]}", ENGINE_ERROR, SYSTEM
        )
    if _NANOSECONDS.search(message):
        return not_supported(
            "these timestamps of nanoseconds: inside an array, map or row, or outside 1677 to 2262"
        )
    for pattern, words in _IN_TRINO_WORDS.items():
        if pattern.search(message):
            return QueryFailed(words, DATA_ERROR)
    first_line = message.partition("\n")[0]
    kind, _, reason = first_line.partition(" Error: ")
    return QueryFailed(f"{_DATA_ERRORS[kind]}: {reason}", DATA_ERROR)
