"""Tables of JSON lines, of the SerDes of OpenX and of Hive."""

from __future__ import annotations

import json

import pytest

from tests.localaws.athena.conftest import Warehouse
from tests.localaws.athena.tables.test_delimited import Rows, table

OPENX = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
HIVE = "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'"
BOTH = pytest.mark.parametrize("serde", [OPENX, HIVE])


def make(warehouse: Warehouse, columns: str, text: str, clauses: str = OPENX) -> str:
    name = table(warehouse, columns, clauses)
    warehouse.upload(f"{name}/part-0.json", text)
    return name


def read(warehouse: Warehouse, columns: str, text: str, clauses: str = OPENX) -> Rows:
    return warehouse.rows(f"SELECT * FROM {make(warehouse, columns, text, clauses)}")


@BOTH
def test_values_have_the_types_of_the_columns(warehouse: Warehouse, serde: str) -> None:
    columns = (
        "a tinyint, b bigint, c double, d float, e decimal(6,2), f boolean, g date, h timestamp, i string, "
        "j array<int>, k struct<X:int,y:array<string>>, l map<string,int>, m string"
    )
    row = {
        **{"a": 1, "B": 2, "c": 3.5, "d": 0.1, "e": 6.785, "f": True, "g": "2024-02-29"},
        **{"h": "2024-02-29 10:11:12.3456", "i": 'ä\n"quoted"', "j": [1, None], "k": {"x": 1, "Y": ["z"]}},
        **{"l": {"k": 1, "n": None}, "m": None, "unknown": {"x": 1}},
    }
    expected = (
        *("1", "2", "3.5", "0.1", "6.79", "true", "2024-02-29", "2024-02-29 10:11:12.346", 'ä\n"quoted"'),
        *("[1, null]", "{x=1, y=[z]}", "{k=1, n=null}", None),
    )
    assert read(warehouse, columns, json.dumps(row) + "\n{}\n", serde) == [expected, (None,) * 13]


@BOTH
def test_the_fast_and_the_slow_way_read_the_same(warehouse: Warehouse, serde: str) -> None:
    """The value of the last line does not fit Arrow's reader, so all lines are read one by one."""
    columns = "a int, b string, c double, d array<struct<e:bigint>>, f boolean"
    lines = [
        {"a": n, "b": f"{n}", "c": n / 8, "d": [{"e": n}, {"E": None}], "f": n % 2 == 0} for n in range(20)
    ]
    fast = "\n".join(map(json.dumps, lines))
    slow = fast + '\n{"a":20, "b":"\\u00e4", "f":"TRUE"}'
    rows = read(warehouse, columns, fast, serde)
    assert rows[3] == ("3", "3", "0.375", "[{e=3}, {e=null}]", "false")
    assert read(warehouse, columns, slow, serde) == [*rows, ("20", "ä", None, None, "true")]


def test_openx_converts_values_of_other_types(warehouse: Warehouse) -> None:
    columns = (
        "a int, b double, c string, d string, e array<int>, f timestamp, g timestamp, h timestamp, i string"
    )
    row = (
        '{"a":"1", "b":"1e3", "c":{"x": [1, true, null, "y"]}, "d":1.50, "e":7, "f":"2024-02-29T10:11:12.5+02:00", '
        '"g":1709201472, "h":1709201472123, "i":1e3} ignored'
    )
    assert read(warehouse, columns, row) == [
        (
            *("1", "1000.0", '{"x":[1,true,null,"y"]}', "1.50", "[7]", "2024-02-29 08:11:12.500"),
            *("2024-02-29 10:11:12.000", "2024-02-29 10:11:12.123", "1E+3"),
        )
    ]


@pytest.mark.parametrize(
    ("columns", "line", "text", "serde"),
    [
        ("a int", '{"a":"x"}', "x", OPENX),
        ("a int", '{"a":1.5}', "1.5", OPENX),
        ("a tinyint", '{"a":128}', "128", OPENX),
        ("a int", '{"a":{"b":1}}', '{"b":1}', OPENX),
        ("a date", '{"a":"yesterday"}', "yesterday", OPENX),
        ("a array<double>", '{"a":[1,"x"]}', "x", OPENX),
        ("a int", '{"a":"1"}', "1", HIVE),
        ("a string", '{"a":[1]}', "[1]", HIVE),
        ("a array<int>", '{"a":1}', "1", HIVE),
    ],
)
def test_a_value_of_another_type_fails_the_query_or_is_null(
    warehouse: Warehouse, columns: str, line: str, text: str, serde: str
) -> None:
    name = make(warehouse, columns, line, serde)
    expected = f"HIVE_BAD_DATA: Error parsing field value '{text}' for field 0: For input string: \"{text}\""
    assert warehouse.failure(f"SELECT * FROM {name}") == expected
    with_null = serde + " WITH SERDEPROPERTIES ('use.null.for.invalid.data'='TRUE')"
    assert read(warehouse, columns, line, with_null)[0][0] in (None, "[1.0, null]")


@pytest.mark.parametrize(
    ("line", "serde", "reason"),
    [
        ('{"a":1', OPENX, "Row is not a valid JSON Object - JSONException: Expecting ',' delimiter"),
        ('{"a":1', HIVE, "JsonParseException: Expecting ',' delimiter"),
        ('{"a":1,"A":2}', OPENX, 'Row is not a valid JSON Object - JSONException: Duplicate key "a"'),
        ('{"a":1,"a":2}', HIVE, 'JsonParseException: Duplicate key "a"'),
        ("text", HIVE, "JsonParseException: Start of Object expected"),
    ],
)
def test_a_malformed_line_fails_the_query_or_is_null(
    warehouse: Warehouse, line: str, serde: str, reason: str
) -> None:
    name = make(warehouse, "a int", f'{{"a":0}}\n{line}\n', serde)
    assert warehouse.failure(f"SELECT * FROM {name}").startswith(f"HIVE_CURSOR_ERROR: {reason}")
    ignoring = serde + " WITH SERDEPROPERTIES ('ignore.malformed.json'='true')"
    assert read(warehouse, "a int", f'{{"a":0}}\n{line}\n', ignoring) == [("0",), (None,)]


def test_openx_reads_null_from_a_line_without_an_object_and_values_by_position_from_an_array(
    warehouse: Warehouse,
) -> None:
    assert read(warehouse, "a int, b string", 'text\n\n[1,"x",2]\n[3]\n') == [
        (None, None),
        (None, None),
        ("1", "x"),
        ("3", None),
    ]


def test_openx_maps_keys_to_columns(warehouse: Warehouse) -> None:
    mapping = " WITH SERDEPROPERTIES ('mapping.time'='timestamp', 'dots.in.keys'='true')"
    assert read(
        warehouse, "`time` int, a_b int, c int", '{"timestamp":1,"a.b":2,"C":3}\n', OPENX + mapping
    ) == [("1", "2", "3")]
    exact = " WITH SERDEPROPERTIES ('case.insensitive'='false', 'mapping.url'='URL')"
    assert read(warehouse, "url string, a int", '{"URL":"x","url":"y","A":1}\n', OPENX + exact) == [
        ("x", None)
    ]


def test_map_keys_with_capital_letters_are_refused_for_openx(warehouse: Warehouse) -> None:
    name = make(warehouse, "a map<string,int>", '{"a":{"K":1}}')
    assert "map keys with capital letters" in warehouse.failure(f"SELECT * FROM {name}")
    assert read(warehouse, "a map<string,int>", '{"a":{"K":1}}', HIVE) == [("{K=1}",)]
