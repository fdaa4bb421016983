"""The JSON functions of the SQL standard have Trino's results. One row: expression, type, text."""

from __future__ import annotations

import pytest

from localaws.athena.errors import MalformedQuery, QueryFailed
from localaws.athena.execution.engine import Engine

ITEMS = '\'{"items": [{"name": "a", "price": 8}, {"name": "b", "price": 12.5}], "id": "7", "none": null}\''
SQL_JSON_ANSWERS = [
    (f"json_value({ITEMS}, 'lax $.items[0].name')", "varchar", "a"),
    (f"json_value({ITEMS}, 'lax $.items[1].price')", "varchar", "1.25E1"),
    (f"json_value({ITEMS}, 'lax $.items[1].price' RETURNING decimal(5,2))", "decimal", "12.50"),
    (f"json_value({ITEMS}, 'strict $.id' RETURNING integer)", "integer", "7"),
    (f"json_value({ITEMS}, 'strict $.none' DEFAULT 'x' ON EMPTY DEFAULT 'y' ON ERROR)", "varchar", None),
    (f"json_value({ITEMS}, 'lax $.nothing' DEFAULT 'x' ON EMPTY DEFAULT 'y' ON ERROR)", "varchar", "x"),
    (f"json_value({ITEMS}, 'strict $.nothing' DEFAULT 'x' ON EMPTY DEFAULT 'y' ON ERROR)", "varchar", "y"),
    (f"json_value({ITEMS}, 'lax $.items[*].name' DEFAULT 'several' ON ERROR)", "varchar", "several"),
    (f"json_value({ITEMS}, 'lax $.items[0].name' RETURNING bigint)", "bigint", None),
    (f"json_value({ITEMS}, 'lax $.items[$at].name' PASSING 1 AS \"at\")", "varchar", "b"),
    (f"json_value({ITEMS}, 'lax $AT[1]' PASSING '[5, 6]' FORMAT JSON AS at RETURNING bigint)", "bigint", "6"),
    ("json_value('no JSON', 'lax $')", "varchar", None),
    ("json_value(NULL, 'lax $' DEFAULT 'x' ON ERROR)", "varchar", None),
    ("json_value('[7]', 'strict 2 + $[0] * 3 - 7 / 2' RETURNING integer)", "integer", "20"),
    ("json_value('[7]', 'lax -$ % 4')", "varchar", "-3"),
    ("json_value('[1]', 'lax $ / 0' DEFAULT 'error' ON ERROR)", "varchar", "error"),
    (f"json_query({ITEMS}, 'lax $.items?(@.price > 10).name')", "varchar", '"b"'),
    (f"json_query({ITEMS}, 'lax $.items?(@.price > 10).name' OMIT QUOTES)", "varchar", "b"),
    (f"json_query({ITEMS}, 'lax $.items[*].name' WITH ARRAY WRAPPER)", "varchar", '["a","b"]'),
    (f"json_query({ITEMS}, 'lax $.items[0]' WITH CONDITIONAL ARRAY WRAPPER)", "varchar", '{"name":"a","price":8}'),
    (f"json_query({ITEMS}, 'lax $.items[*].name')", "varchar", None),
    (f"json_query({ITEMS}, 'lax $.items[*].name' EMPTY OBJECT ON ERROR)", "varchar", "{}"),
    (f"json_query({ITEMS}, 'lax $.nothing' EMPTY ARRAY ON EMPTY)", "varchar", "[]"),
    (f"json_query({ITEMS}, 'lax $.items[last].*' WITH ARRAY WRAPPER)", "varchar", '["b",12.5]'),
    ("json_query('[1, 2, 3, 4]', 'strict $[0, 2 to last]' WITH ARRAY WRAPPER)", "varchar", "[1,3,4]"),
    ("json_query('[1, \"x\", null]', 'lax $[*].type()' WITH ARRAY WRAPPER)", "varchar", '["number","string","null"]'),
    ("json_query('[[1, 2], 3]', 'lax $[*].size()' WITH ARRAY WRAPPER)", "varchar", "[2,1]"),
    ("json_query('[-1.5]', 'lax $.abs().ceiling()')", "varchar", "2.0"),
    ("json_query('[\"1e1\"]', 'lax $.double().floor()')", "varchar", "10.0"),
    ("json_query('[1, 2, 3]', 'lax $?(@ >= 2 && !(@ == 3) || @ < 2)' WITH ARRAY WRAPPER)", "varchar", "[1,2]"),
    ("json_query('[\"ab\", \"b\"]', 'lax $?(@ starts with \"a\")')", "varchar", '"ab"'),
    ("json_query('[{\"a\": 1}, {\"b\": 2}]', 'lax $?(exists(@.a))')", "varchar", '{"a":1}'),
    ("json_query('[1, \"x\"]', 'lax $?((@ > 0) is unknown)')", "varchar", '"x"'),
    ("json_query('[null, 1]', 'lax $?(@ == null)')", "varchar", "null"),
    (f"json_exists({ITEMS}, 'lax $.items?(@.name == \"b\" && @.price < 13)')", "boolean", "true"),
    (f"json_exists({ITEMS}, 'lax $.nothing')", "boolean", "false"),
    (f"json_exists({ITEMS}, 'strict $.nothing')", "boolean", "false"),
    (f"json_exists({ITEMS}, 'strict $.nothing' TRUE ON ERROR)", "boolean", "true"),
    (f"json_exists({ITEMS}, 'strict $.nothing' UNKNOWN ON ERROR)", "boolean", None),
    ("json_exists('[1]', 'lax $x' PASSING NULL FORMAT JSON AS \"x\")", "boolean", "false"),
    ("json_object('key_1' : 1, KEY 'key_2' VALUE 'x', 'n' : NULL)", "varchar", '{"key_2":"x","key_1":1,"n":null}'),
    ("json_object('a' : NULL, 'b' : '[1, 2]' FORMAT JSON ABSENT ON NULL)", "varchar", '{"b":[1,2]}'),
    ("json_object('a' : json_array(1, NULL, true NULL ON NULL), 'b' : '[1]')", "varchar",
     '{"a":[1,null,true],"b":"[1]"}'),
    ("json_array(1, NULL, 1e0, 'x')", "varchar", '[1,1.0,"x"]'),
    ("json_array()", "varchar", "[]"),
    ("json_object(RETURNING varchar)", "varchar", "{}"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "type_", "text"), SQL_JSON_ANSWERS)
def test_answer(engine: Engine, expression: str, type_: str, text: str | None) -> None:
    result = engine.run(engine.prepare(f"SELECT {expression}"), "default")
    assert ([column.type for column in result.columns], list(result.rows)) == ([type_], [(text,)])


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("json_value('[1]', '$')", "INVALID_PATH: invalid JSON path: $"),
        ("json_value('[1]', 'lax $x')", "INVALID_PATH: no value passed for parameter x"),
        ("json_value('[1]', 'strict $.a' ERROR ON ERROR)", "PATH_EVALUATION_ERROR: path evaluation failed: "),
        (
            "json_exists('{', 'lax $' ERROR ON ERROR)",
            "PATH_EVALUATION_ERROR: path evaluation failed: malformed",
        ),
        ("json_object('a' : 1, 'a' : 2)", "NOT_SUPPORTED: cannot construct a JSON object with duplicate key"),
        (
            "json_object('a' : '{\"b\": 1, \"b\": 2}' FORMAT JSON WITH UNIQUE KEYS)",
            "INVALID_FUNCTION_ARGUMENT: duplicate",
        ),
        (
            "json_exists('[1]' FORMAT JSON ENCODING UTF8, 'lax $')",
            "not supported by the local Athena: FORMAT JSON ENC",
        ),
        ("json_object('a' : '{' FORMAT JSON)", "JSON_INPUT_CONVERSION_ERROR: conversion to JSON failed"),
        ("json_value('[1]', 'lax $.keyvalue()')", "not supported by the local Athena: the method keyvalue()"),
        ("json_value('[1]', 'lax $' RETURNING date)", "not supported by the local Athena: RETURNING date"),
    ],
)
def test_a_failure_is_named(engine: Engine, expression: str, message: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        list(engine.run(engine.prepare(f"SELECT {expression}"), "default").rows)
    assert failure.value.message.startswith(message)


@pytest.mark.parametrize(
    "expression",
    [
        "json_value('[1]')",
        "json_value('[1]', 'lax $' DEFAULT 1 ON ERROR NULL ON EMPTY)",
        "json_query('[1]', 'lax $' TRUE ON ERROR)",
        "json_object('a')",
        "json_array(1 NULL ON EMPTY)",
    ],
)
def test_a_clause_out_of_place_is_a_syntax_error(engine: Engine, expression: str) -> None:
    with pytest.raises(MalformedQuery, match="mismatched input"):
        engine.prepare(f"SELECT {expression}")
