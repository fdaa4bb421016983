"""SQL queries: the translation from Trino's SQL to DuckDB's SQL."""
