"""CSV tables of OpenCSVSerde."""

from __future__ import annotations

import pytest

from tests.localaws.athena.conftest import Warehouse
from tests.localaws.athena.tables.test_delimited import Rows, table

SERDE = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"


def read(warehouse: Warehouse, columns: str, text: str, clauses: str = SERDE, properties: str = "") -> Rows:
    name = table(warehouse, columns, clauses, properties)
    warehouse.upload(f"{name}/part-0.csv", text)
    return warehouse.rows(f"SELECT * FROM {name}")


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ('plain,"in, quotes",last', ("plain", "in, quotes", "last")),
        ('"","a",""', ("", "a", "")),
        ('"say ""hi""",b,c', ('say "hi"', "b", "c")),
        (r'"back\"slash\\",b\c,\d', ('back"slash\\', "bc", "d")),
        ("a,b", ("a", "b", None)),
        ("a,b,c,d", ("a", "b", "c")),
        ("", (None, None, None)),
        (",,", ("", "", "")),
        ('a,"no end', ("a", None, None)),
        ('a, "b" ,c', ("a", 'b" ', "c")),
        ('a,b"c"d,e', ("a", 'b"c"d', "e")),
    ],
)
def test_a_line_is_split_as_by_opencsv(warehouse: Warehouse, line: str, row: tuple[str | None, ...]) -> None:
    assert read(warehouse, "a string, b string, c string", f'1,2,3\n"x",y,"z"\n{line}\n4,5,6\n') == [
        ("1", "2", "3"),
        ("x", "y", "z"),
        row,
        ("4", "5", "6"),
    ]


def test_the_characters_can_be_chosen(warehouse: Warehouse) -> None:
    clauses = (
        SERDE + r""" WITH SERDEPROPERTIES ("separatorChar" = ";", "quoteChar" = "'", "escapeChar" = "^")"""
    )
    text = "a;b\r\n'x;y';'it^'s'\r\n\"q\";r"
    skipped = "TBLPROPERTIES ('skip.header.line.count'='1')"
    assert read(warehouse, "a string, b string", text, clauses, skipped) == [("x;y", "it's"), ('"q"', "r")]


def test_other_types_than_string_are_parsed(warehouse: Warehouse) -> None:
    columns = "a int, b bigint, c double, d boolean, e date, f timestamp"
    text = '"1","-2","1.5e3","TRUE","18276","1579059880123"\n'
    assert read(warehouse, columns, text) == [
        ("1", "-2", "1500.0", "true", "2020-01-15", "2020-01-15 03:44:40.123")
    ]


@pytest.mark.parametrize(
    ("column", "value"), [("int", ""), ("double", "x"), ("bigint", "1.5"), ("date", "2024-01-01")]
)
def test_a_value_that_cannot_be_parsed_fails_the_query(warehouse: Warehouse, column: str, value: str) -> None:
    name = table(warehouse, f"a string, b {column}", SERDE)
    warehouse.upload(f"{name}/x", f'one,"{value}"\n')
    expected = (
        f"HIVE_BAD_DATA: Error parsing field value '{value}' for field 1: For input string: \"{value}\""
    )
    assert warehouse.failure(f"SELECT * FROM {name}") == expected
    assert warehouse.rows(f"SELECT a FROM {name}") == [("one",)]


def test_a_value_that_cannot_be_parsed_can_be_null(warehouse: Warehouse) -> None:
    properties = "TBLPROPERTIES ('use.null.for.invalid.data'='true')"
    assert read(warehouse, "a int, b double", "1,x\n,2\n", SERDE, properties) == [("1", None), (None, "2.0")]


def test_types_that_opencsv_does_not_have_are_refused(warehouse: Warehouse) -> None:
    name = table(warehouse, "a decimal(5,2), b array<string>", SERDE)
    warehouse.upload(f"{name}/x", "1")
    assert "column a decimal(5,2)" in warehouse.failure(f"SELECT a FROM {name}")
    assert "column b array<string>" in warehouse.failure(f"SELECT b FROM {name}")
