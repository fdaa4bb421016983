"""Type names of Hive, Trino and DuckDB, and implicit coercion."""

from __future__ import annotations

import pyarrow as pa
import pytest

from localaws.athena.datatypes import common_type, duckdb_name, parse_type, trino_name


@pytest.mark.parametrize(
    ("name", "trino", "duckdb"),
    [
        ("int", "integer", "INTEGER"),
        ("string", "varchar", "VARCHAR"),
        ("varchar(10)", "varchar", "VARCHAR"),
        ("float", "real", "REAL"),
        ("decimal(10,2)", "decimal(10,2)", "DECIMAL(10,2)"),
        ("DECIMAL(10, 2)", "decimal(10,2)", "DECIMAL(10,2)"),
        ("decimal", "decimal(10,0)", "DECIMAL(10,0)"),
        ("timestamp", "timestamp(3)", "TIMESTAMP"),
        ("array<double>", "array(double)", "DOUBLE[]"),
        ("ARRAY(ARRAY(BIGINT))", "array(array(bigint))", "BIGINT[][]"),
    ],
)
def test_a_type_name_is_parsed(name: str, trino: str, duckdb: str) -> None:
    assert (trino_name(parse_type(name)), duckdb_name(parse_type(name))) == (trino, duckdb)


def test_structs_and_maps_can_be_nested() -> None:
    found = parse_type("map<string,struct<a:int,b:array<date>>>")
    assert trino_name(found) == "map(varchar, row(a integer, b array(date)))"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "inet",
        "char(3)",
        "array<",
        "decimal(39,0)",
        "decimal(2,3)",
        "int int",
        "array<int>>",
        "time with time zone",
    ],
)
def test_an_unsupported_type_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown type|expected|decimal"):
        parse_type(name)


@pytest.mark.parametrize(
    ("left", "right", "common"),
    [
        ("int", "bigint", "bigint"),
        ("int", "double", "double"),
        ("bigint", "real", "real"),
        ("int", "decimal(4,2)", "decimal(12,2)"),
        ("decimal(5,4)", "decimal(38,2)", "decimal(38,4)"),
        ("date", "timestamp", "timestamp"),
        ("array<int>", "array<bigint>", "array<bigint>"),
        ("date", "string", None),
        ("int", "string", None),
        ("int", "boolean", None),
    ],
)
def test_common_type(left: str, right: str, common: str | None) -> None:
    expected = parse_type(common) if common else None
    assert common_type(parse_type(left), parse_type(right)) == expected
    assert common_type(parse_type(right), parse_type(left)) == expected


def test_null_is_coerced_to_any_type() -> None:
    assert common_type(pa.null(), pa.string()) == pa.string()
