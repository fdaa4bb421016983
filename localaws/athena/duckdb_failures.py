"""DuckDB's errors in Trino's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from localaws.athena.errors import (
    BY_USER,
    DATA_ERROR,
    ENGINE_ERROR,
    SYNTAX_ERROR,
    SYSTEM,
    QueryCancelled,
    QueryFailed,
    not_supported,
)

_RAISED = re.compile(r"'@(.*)' to INT32", re.DOTALL)  # by trino_raise
_REFUSED = re.compile(r"Unknown TimeZone '@(.*?)'!", re.DOTALL)  # by trino_refuse
_TOO_MANY_DIGITS = re.compile(r"Could not cast value -?\d{39} to DECIMAL\(38,0\)")  # by decimals' arithmetic
# Arrow's, where a Parquet file has a wider type than the table; the words are those of Trino's integer types.
_NARROW = re.compile(r"Integer value (-?\d+) not in range: (-?\d+) to (\d+)")
_INTEGERS = {2**7 - 1: "BYTE", 2**15 - 1: "SHORT", 2**31 - 1: "INT"}
_NANOSECONDS = re.compile(r"Casting from timestamp\[\w+\b.* would (lose data|result in out of bounds)")
_DATA_ERRORS = {"Out of Range": "NUMERIC_VALUE_OUT_OF_RANGE", "Conversion": "INVALID_CAST_ARGUMENT"}


@contextmanager
def duckdb_failures() -> Iterator[None]:
    """Inside the block what DuckDB raises becomes QueryFailed or QueryCancelled."""
    try:
        yield
    except duckdb.InterruptException:
        raise QueryCancelled(BY_USER) from None
    except duckdb.BinderException as error:
        raise _binder_failure(str(error)) from None
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        raise _data_failure(str(error)) from None
    except (duckdb.ProgrammingError, duckdb.NotSupportedError) as error:
        # A text that DuckDB does not take: whatever was meant, it is not answered.
        if refused := _REFUSED.search(str(error)):
            raise not_supported(refused.group(1)) from None
        raise not_supported(str(error).partition("\n")[0]) from None
    except duckdb.Error as error:
        raise QueryFailed(f"GENERIC_INTERNAL_ERROR: {error}", ENGINE_ERROR, SYSTEM) from None


def _binder_failure(message: str) -> QueryFailed:
    """The rules about grouping are left to DuckDB, which has the same."""
    first_line = message.partition("\n")[0].removeprefix("Binder Error: ")
    if "GROUP BY" not in first_line:
        return not_supported(first_line)
    named = re.search(r'column "(?!c\d)([^"]+)"', first_line)
    what = f"'{named.group(1)}'" if named else "each selected expression"
    return QueryFailed(
        f"EXPRESSION_NOT_AGGREGATE: {what} must be an aggregate expression or appear in GROUP BY clause",
        SYNTAX_ERROR,
    )


def _data_failure(message: str) -> QueryFailed:
    raised = _RAISED.search(message)
    if raised:
        return QueryFailed(raised.group(1), DATA_ERROR)
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
    if _TOO_MANY_DIGITS.search(message):
        return QueryFailed("NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow", DATA_ERROR)
    if "More than one row returned by a subquery" in message:
        return QueryFailed("SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows", DATA_ERROR)
    first_line = message.partition("\n")[0]
    kind, _, reason = first_line.partition(" Error: ")
    return QueryFailed(
        f"{_DATA_ERRORS.get(kind, 'INVALID_FUNCTION_ARGUMENT')}: {reason or first_line}", DATA_ERROR
    )
