"""Parses the text of a query into sqlglot's syntax tree."""
