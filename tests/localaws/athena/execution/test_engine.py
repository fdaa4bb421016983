"""The engine alone: its limits of memory, time and row size, cancellation, and isolation from Python and files."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from localaws.athena.errors import QUERY_TIMEOUT, RESOURCES_EXHAUSTED, QueryCancelled, QueryFailed
from localaws.athena.execution.cancellation import Cancellation
from localaws.athena.execution.engine import Engine

# A hundred million pairs, which exceed each of the limits below.
PAIRS = "UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y)"


def bounded(tmp_path: Path, **limits: Any) -> Engine:
    return Engine(None, lambda uri: tmp_path, **limits)


def rows(engine: Engine, sql: str) -> list[tuple[str | None, ...]]:
    return list(engine.run(engine.prepare(sql), "default").rows)


def test_a_query_cancelled_before_it_runs_does_not_run(engine: Engine) -> None:
    cancellation = Cancellation()
    cancellation.request()
    with pytest.raises(QueryCancelled):
        engine.run(engine.prepare("SELECT 1"), "default", cancellation)


def test_a_wrong_entry_of_the_function_table_fails_the_query(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result with another type than Trino's is an internal error."""
    from localaws.athena.sql.functions import supported
    from localaws.athena.sql.functions.overloads import overload

    monkeypatch.setitem(supported.SCALARS, "length", [overload("varchar -> integer", "length({0})")])
    with pytest.raises(QueryFailed, match="GENERIC_INTERNAL_ERROR"):
        list(engine.run(engine.prepare("SELECT length('abc')"), "default").rows)


def test_a_query_cannot_access_python_variables_or_files(tmp_path: Path) -> None:
    """A name in a query never refers to a Python variable or a file."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    glue = MagicMock()
    glue.exceptions.EntityNotFoundException = KeyError
    glue.get_table.side_effect = KeyError
    engine = Engine(glue, Path)
    for name in ("secret", f'"{secret}"', "glue"):
        with pytest.raises(QueryFailed, match="TABLE_NOT_FOUND"):
            engine.run(engine.prepare(f"SELECT * FROM {name}"), "default")


def test_a_query_beyond_the_memory_limit_fails_with_athenas_error(tmp_path: Path) -> None:
    engine = bounded(tmp_path, memory="100MB")
    with pytest.raises(QueryFailed) as failure:
        rows(engine, f"SELECT cardinality(array_agg(x + y)) FROM {PAIRS}")
    assert failure.value.message == "Query exhausted resources at this scale factor"
    assert failure.value.error_type == RESOURCES_EXHAUSTED
    assert rows(engine, "SELECT 1") == [("1",)]


def test_data_beyond_the_memory_limit_is_spilled_to_the_folder(tmp_path: Path) -> None:
    """The keys and texts of the sort need about 60 MB."""
    sql = (
        "SELECT s FROM (SELECT CAST(x * 1000 + y AS varchar) || 'some text that is not short' AS s "
        "FROM UNNEST(sequence(1, 1000)) a(x) CROSS JOIN UNNEST(sequence(1, 1000)) b(y)) ORDER BY s"
    )
    with pytest.raises(QueryFailed, match="exhausted resources"):
        rows(bounded(tmp_path, memory="40MB"), sql)
    running = bounded(tmp_path, memory="40MB", spill=tmp_path / "spill")
    found = iter(running.run(running.prepare(sql), "default").rows)
    assert next(found) == ("1000000some text that is not short",)
    assert any((tmp_path / "spill").iterdir())
    assert sum(1 for _ in found) == 999_999


def test_a_query_fails_after_the_timeout(tmp_path: Path) -> None:
    engine = bounded(tmp_path, time_limit=timedelta(seconds=0.3))
    with pytest.raises(QueryFailed) as failure:
        rows(engine, f"SELECT count(*) FROM {PAIRS} WHERE sin(x) * cos(y) > 2")
    assert (failure.value.message, failure.value.error_type) == ("Query timeout", QUERY_TIMEOUT)


def test_a_query_can_be_cancelled_while_its_rows_are_read(engine: Engine) -> None:
    cancellation = Cancellation()
    found = engine.run(engine.prepare(f"SELECT x, y FROM {PAIRS}"), "default", cancellation).rows
    taken = iter(found)
    assert len(list(islice(taken, 20_000))) == 20_000
    cancellation.request()
    with pytest.raises(QueryCancelled):
        list(islice(taken, 20_000))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT rpad('', 34000000, 'x')",
        "SELECT array_agg(x * 5000 + y) FROM UNNEST(sequence(1, 1000)) a(x) CROSS JOIN UNNEST(sequence(1, 5000)) b(y)",
    ],
)
def test_a_row_larger_than_athenas_limit_is_refused(engine: Engine, sql: str) -> None:
    with pytest.raises(QueryFailed, match="32 MB"):
        rows(engine, sql)


def test_an_error_after_many_rows_is_translated(engine: Engine) -> None:
    sql = "SELECT 1 / (450000 - x * 50 - y) FROM UNNEST(sequence(1, 9999)) a(x) CROSS JOIN UNNEST(sequence(0, 49)) b(y)"
    found = iter(engine.run(engine.prepare(sql), "default").rows)
    next(found)
    with pytest.raises(QueryFailed, match="DIVISION_BY_ZERO: Division by zero"):
        list(found)
