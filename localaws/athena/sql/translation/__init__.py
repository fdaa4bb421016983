"""From the syntax tree to DuckDB's SQL and the scans of tables."""
