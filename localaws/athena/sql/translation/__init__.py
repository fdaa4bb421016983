"""Translates the syntax tree into DuckDB SQL and table scans."""
