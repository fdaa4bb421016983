"""Registers the functions that DuckDB does not have: SQL macros (``trino.sql``) and Python functions."""

from __future__ import annotations

from importlib.resources import files

from duckdb import DuckDBPyConnection

from localaws.athena.sql.functions import (
    array_functions,
    json_functions,
    regexp_functions,
    text_functions,
    wide_decimals,
)


def register_functions(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    for module in (wide_decimals, text_functions, array_functions, json_functions, regexp_functions):
        module.register(connection)
    connection.execute(files(__package__).joinpath("trino.sql").read_text(encoding="utf-8"))
