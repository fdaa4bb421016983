"""Expressions in DuckDB's SQL with their Trino types, and casts."""
