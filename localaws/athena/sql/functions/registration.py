"""Registers the functions that DuckDB does not have: SQL macros (``*.sql``) and Python functions."""

from __future__ import annotations

from importlib.resources import files

from duckdb import DuckDBPyConnection

from localaws.athena.sql.functions import (
    array_functions,
    byte_functions,
    ip_addresses,
    iso_moments,
    java_formats,
    joda_formats,
    json_functions,
    number_functions,
    regexp_functions,
    sql_json,
    text_functions,
    time_zones,
    url_functions,
    wide_decimals,
)


def register_functions(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    for module in (
        wide_decimals,
        text_functions,
        url_functions,
        ip_addresses,
        byte_functions,
        number_functions,
        iso_moments,
        joda_formats,
        java_formats,
        time_zones,
        array_functions,
        json_functions,
        sql_json,
        regexp_functions,
    ):
        module.register(connection)
    for name in ("trino.sql", "moments.sql"):
        connection.execute(files(__package__).joinpath(name).read_text(encoding="utf-8"))
