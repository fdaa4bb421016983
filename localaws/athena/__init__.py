"""Athena: queries are translated to DuckDB's SQL and read the files of their tables on S3; the catalog is Glue."""
