"""Running query executions: threads, DuckDB, limits and cancellation."""
