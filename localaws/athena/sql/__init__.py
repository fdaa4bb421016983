"""Queries: the translation of Trino's SQL to DuckDB's."""
