"""Names and strings in DuckDB's SQL."""

from __future__ import annotations


def duckdb_string(text: str) -> str:
    quoted = "'" + text.replace("'", "''") + "'"
    # DuckDB's parser ends a text at a NUL character.
    return "(" + quoted.replace("\0", "' || chr(0) || '") + ")" if "\0" in quoted else quoted


def duckdb_identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
