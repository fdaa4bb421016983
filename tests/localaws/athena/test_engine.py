"""The engine by itself: speed matters a little, and the outside is out of reach."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import MagicMock

import pytest

from localaws.athena.engine import Cancellation, Engine
from localaws.athena.errors import QueryCancelled, QueryFailed


def test_a_query_cancelled_before_it_runs_does_not_run(engine: Engine) -> None:
    cancellation = Cancellation()
    cancellation.request()
    with pytest.raises(QueryCancelled):
        engine.run(engine.prepare("SELECT 1"), "default", cancellation)


def test_a_broken_entry_of_the_function_table_is_found_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer of another type than Trino's is no answer."""
    from localaws.athena import functions
    from localaws.athena.signatures import overload

    monkeypatch.setitem(functions.SCALARS, "length", [overload("varchar -> integer", "length({0})")])
    with pytest.raises(QueryFailed, match="GENERIC_INTERNAL_ERROR"):
        engine.run(engine.prepare("SELECT length('abc')"), "default")


def test_python_and_the_file_system_are_out_of_a_querys_reach(tmp_path: Path) -> None:
    """No name in a query can mean a Python variable or a file."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    glue = MagicMock()
    glue.exceptions.EntityNotFoundException = KeyError
    glue.get_table.side_effect = KeyError
    engine = Engine(glue, Path)
    for name in ("secret", f'"{secret}"', "glue"):
        with pytest.raises(QueryFailed, match="TABLE_NOT_FOUND"):
            engine.run(engine.prepare(f"SELECT * FROM {name}"), "default")
