"""The JSON functions and casts have Trino's results. One row: expression, type, text."""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine

BOOKS = '{"store": {"book": [{"title": "A", "price": 8.90}, {"title": null}], "open now": true}, "n": 0}'
JSON_ANSWERS = [
    # ---- JSON texts
    ('JSON \'{"b": 1.50, "a": [1, null, "x"], "b": 2}\'', "json", '{"a":[1,null,"x"],"b":2}'),
    ("json_parse(' [1e3, -0.0, 12345678901234567890] ')", "json", "[1000.0,-0.0,12345678901234567890]"),
    (r"""json_parse('"\u00e9\n\u0001"')""", "json", r'"é\n\u0001"'),
    ("json_format(JSON '{ \"a\" : [ 1 ] }')", "varchar", '{"a":[1]}'),
    ("TRY(json_parse('[1,]'))", "json", None),
    ("JSON '{\"a\": 1, \"b\": 2}' = JSON '{\"b\": 2, \"a\": 1}'", "boolean", "true"),
    ("JSON '[1, 2]' = JSON '[2, 1]'", "boolean", "false"),
    ("is_json_scalar('7') AND is_json_scalar(JSON 'null')", "boolean", "true"),
    ("is_json_scalar('[7]')", "boolean", "false"),
    # ---- paths
    (f"json_extract_scalar('{BOOKS}', '$.store.book[0].title')", "varchar", "A"),
    (f"json_extract_scalar('{BOOKS}', '$.store.book[0].price')", "varchar", "8.90"),
    (f"json_extract_scalar('{BOOKS}', '$[\"store\"][\"open now\"]')", "varchar", "true"),
    (f"json_extract_scalar('{BOOKS}', '$.store.book[1].title')", "varchar", None),
    (f"json_extract_scalar('{BOOKS}', '$.store.book')", "varchar", None),
    (f"json_extract_scalar('{BOOKS}', '$.store.book[2]')", "varchar", None),
    (f"json_extract_scalar('{BOOKS}', '$.store.book.1.title')", "varchar", None),
    (f"json_extract_scalar(json_parse('{BOOKS}'), '$.n')", "varchar", "0"),
    (f"json_extract('{BOOKS}', '$.store.book[0]')", "json", '{"title":"A","price":8.9}'),
    (f"json_extract('{BOOKS}', '$.store.book[1].title')", "json", "null"),
    ("json_extract_scalar('{\"a\": 1} and no JSON', '$.a')", "varchar", "1"),
    ("json_extract_scalar('{\"a\": 1, \"a\": 2}', '$.a')", "varchar", "1"),
    ("json_extract_scalar('no JSON', '$.a')", "varchar", None),
    ("json_extract_scalar('{\"a\": NaN, \"b\": 1}', '$.b')", "varchar", None),
    ("json_extract('{\"a\": [1, }', '$.a')", "json", None),
    ("json_extract('{\"a\": 1e400}', '$.a')", "json", '"Infinity"'),
    ("json_extract(NULL, '$.a')", "json", None),
    ("json_size('{\"x\": {\"a\": 1, \"b\": 2}}', '$.x')", "bigint", "2"),
    ("json_size('[1, [2]]', '$[0]')", "bigint", "0"),
    ("json_size('[1, [2]]', '$[7]')", "bigint", None),
    # ---- arrays
    ("json_array_length('[1, [2, 3], {}]')", "bigint", "3"),
    ("json_array_length('{}')", "bigint", None),
    ("json_array_get('[1.50, [2, 3], \"c\", null]', 0)", "json", "1.50"),
    ("json_array_get('[1.50, [2, 3], \"c\", null]', -3)", "json", "[2,3]"),
    ("json_array_get('[1.50, [2, 3], \"c\", null]', 2)", "json", "c"),
    ("json_array_get('[1.50, [2, 3], \"c\", null]', 3)", "json", None),
    ("json_array_contains('[1, 2.5, \"x\", true]', 1)", "boolean", "true"),
    ("json_array_contains('[1, 2.5, \"x\", true]', 1e0)", "boolean", "false"),
    ("json_array_contains('[1, 2.5, \"x\", true]', 2.5e0)", "boolean", "true"),
    ("json_array_contains('[1, 2.5, \"x\", true]', 'x')", "boolean", "true"),
    ("json_array_contains('[1, 2.5, \"x\", true]', false)", "boolean", "false"),
    ("json_array_contains('7', 7)", "boolean", None),
    # ---- casts to JSON
    ("CAST('a\"b' AS JSON)", "json", '"a\\"b"'),
    ("CAST(1.5e0 AS JSON)", "json", "1.5"),
    ("CAST(nan() AS JSON)", "json", '"NaN"'),
    ("CAST(DECIMAL '1.50' AS JSON)", "json", "1.50"),
    ("CAST(DATE '2024-01-31' AS JSON)", "json", '"2024-01-31"'),
    ("CAST(TIMESTAMP '2024-01-31 01:02:03.500' AS JSON)", "json", '"2024-01-31 01:02:03.500"'),
    ("CAST(TIMESTAMP '2024-01-31 01:02:03' AS JSON)", "json", '"2024-01-31 01:02:03"'),
    ("CAST(ARRAY[TIMESTAMP '2024-01-31 01:02:03.123456'] AS JSON)", "json", '["2024-01-31 01:02:03.123456"]'),
    ("CAST(ARRAY[DATE '-0010-05-01', DATE '12301-05-01', NULL] AS JSON)", "json", '["-0010-05-01","12301-05-01",null]'),
    ("CAST(TIMESTAMP '12301-05-01 01:02:03.1234567' AS JSON)", "json", '"+12301-05-01 01:02:03.1234567"'),
    ('CAST(CAST(ROW(1, 2) AS ROW("A b" integer, c integer)) AS JSON)', "json", '{"A b":1,"c":2}'),
    ("CAST(NULL AS JSON)", "json", None),
    ("CAST(ARRAY[1, NULL] AS JSON)", "json", "[1,null]"),
    ("CAST(MAP(ARRAY['b', 'a'], ARRAY[true, NULL]) AS JSON)", "json", '{"a":null,"b":true}'),
    ("CAST(MAP(ARRAY[2, 10], ARRAY[JSON '[1]', NULL]) AS JSON)", "json", '{"10":null,"2":[1]}'),
    ("CAST(ROW(1, 'x', NULL) AS JSON)", "json", '{"":1,"":"x","":null}'),
    ("CAST(CAST(ROW(1, ARRAY[2]) AS ROW(a integer, b array(integer))) AS JSON)", "json", '{"a":1,"b":[2]}'),
    # ---- casts from JSON
    ("CAST(JSON '\"x\"' AS varchar)", "varchar", "x"),
    ("CAST(JSON '128.9' AS varchar)", "varchar", "1.289E2"),
    ("CAST(JSON 'null' AS varchar)", "varchar", None),
    ("CAST(JSON '\"12\"' AS integer)", "integer", "12"),
    ("CAST(JSON '2.5' AS bigint)", "bigint", "3"),
    ("CAST(JSON 'true' AS tinyint)", "tinyint", "1"),
    ("CAST(JSON '12' AS double)", "double", "12.0"),
    ("CAST(JSON '\"-Infinity\"' AS real)", "float", "-Infinity"),
    ("CAST(JSON '0.0' AS boolean)", "boolean", "false"),
    ("CAST(JSON '\"T\"' AS boolean)", "boolean", "true"),
    ("CAST(JSON '1.255' AS decimal(5,2))", "decimal", "1.26"),
    ("TRY_CAST(JSON '200' AS tinyint)", "tinyint", None),
    ("TRY_CAST(JSON '{}' AS varchar)", "varchar", None),
    ("CAST(JSON '[1, \"2\", null]' AS array(bigint))", "array", "[1, 2, null]"),
    ("CAST(JSON '{\"1\": [true], \"2\": null}' AS map(integer, array(boolean)))", "map", "{1=[true], 2=null}"),
    ("CAST(JSON '[[1, 23], \"x\"]' AS array(json))", "array", '[[1,23], "x"]'),
    ("CAST(JSON '{\"B\": 7, \"c\": 1}' AS ROW(a varchar, b integer))", "row", "{a=null, b=7}"),
    ("CAST(JSON '[7, [8]]' AS ROW(integer, array(varchar)))", "row", "{field0=7, field1=[8]}"),
    ("TRY_CAST(JSON '[\"x\"]' AS array(bigint))", "array", None),
    ("CAST(ARRAY[JSON '\"x\"', NULL] AS array(varchar))", "array", "[x, null]"),
    ("x FROM UNNEST(CAST(json_extract('{\"a\": [{\"x\": 7}]}', '$.a') AS array(row(x integer))))", "integer", "7"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "type_", "text"), JSON_ANSWERS)
def test_answer(engine: Engine, expression: str, type_: str, text: str | None) -> None:
    result = engine.run(engine.prepare(f"SELECT {expression}"), "default")
    assert ([column.type for column in result.columns], list(result.rows)) == ([type_], [(text,)])


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("json_parse('[1] 2')", "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '[1] 2'"),
        ("JSON 'x'", "INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: 'x'"),
        ("is_json_scalar('[1] x')", "INVALID_FUNCTION_ARGUMENT: Invalid JSON value: [1] x"),
        *(
            (f"json_extract('{{}}', '{path}')", f"INVALID_FUNCTION_ARGUMENT: Invalid JSON path: '{path}'")
            for path in ("", "a", "$.", "$..a", "$.a[*]", "$[", '$["a]')
        ),
        ("CAST(JSON '{\"a\": 1}' AS varchar)", "INVALID_CAST_ARGUMENT: Cannot cast '{\"a\":1}' to VARCHAR"),
        ("CAST(JSON '128' AS tinyint)", "INVALID_CAST_ARGUMENT: Cannot cast '128' to TINYINT"),
        ("CAST(JSON '1000' AS decimal(3,1))", "INVALID_CAST_ARGUMENT: Cannot cast '1000' to DECIMAL(3,1)"),
        ("CAST(JSON '7' AS array(integer))", "INVALID_CAST_ARGUMENT: Cannot cast to array(integer). Expected a json"),
        ("CAST(JSON '{}' AS ROW(integer))", "INVALID_CAST_ARGUMENT: Cannot cast to row(integer). Cannot cast a JSON"),
        ("CAST(JSON '[1]' AS ROW(a integer, b integer))", "INVALID_CAST_ARGUMENT: Cannot cast to row(a integer, b"),
        ("CAST(JSON '\"2024-01-31\"' AS date)", "TYPE_MISMATCH: line 1:18: Cannot cast json to date"),
        ("CAST(MAP(ARRAY[ARRAY[1]], ARRAY[1]) AS JSON)", "TYPE_MISMATCH: line 1:13: Cannot cast map(array(integer),"),
        ("JSON '1' < JSON '2'", "TYPE_MISMATCH: line 1:13: Cannot apply operator: json < json"),
    ],
)  # fmt: skip
def test_invalid_calls_fail_with_trinos_message(engine: Engine, expression: str, message: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        list(engine.run(engine.prepare(f"SELECT {expression}"), "default").rows)
    assert failure.value.message.startswith(message)
