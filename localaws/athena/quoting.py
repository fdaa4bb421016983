"""Names and strings in DuckDB's SQL."""

from __future__ import annotations


def duckdb_string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def duckdb_identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
