"""Relations, scopes, grouping, ordering and set operations follow Trino's rules."""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine

PEOPLE = "(VALUES (1, 'Ann', 'EU'), (2, 'Bob', 'US'), (3, NULL, 'EU')) AS people(id, name, region)"

ANSWERS = [
    (f"SELECT * FROM {PEOPLE} ORDER BY id DESC LIMIT 1", [("3", None, "EU")]),
    (f"SELECT p.* FROM {PEOPLE.replace('people', 'p')} WHERE p.id = 2", [("2", "Bob", "US")]),
    (f"SELECT name FROM {PEOPLE} ORDER BY name", [("Ann",), ("Bob",), (None,)]),
    (f"SELECT name FROM {PEOPLE} ORDER BY name DESC", [("Bob",), ("Ann",), (None,)]),
    (f"SELECT name FROM {PEOPLE} ORDER BY name NULLS FIRST LIMIT 1", [(None,)]),
    (f"SELECT id AS x, -id AS id FROM {PEOPLE} ORDER BY id LIMIT 1", [("3", "-3")]),
    (f"SELECT id AS x FROM {PEOPLE} ORDER BY x * -1 LIMIT 1", [("3",)]),
    (f"SELECT id FROM {PEOPLE} ORDER BY region, id OFFSET 1 LIMIT 1", [("3",)]),
    (f"SELECT id FROM {PEOPLE} ORDER BY id FETCH FIRST 2 ROWS ONLY", [("1",), ("2",)]),
    (f"SELECT DISTINCT region FROM {PEOPLE} ORDER BY region", [("EU",), ("US",)]),
    (f"SELECT id FROM {PEOPLE} ORDER BY +id FETCH FIRST ROW ONLY", [("1",)]),
    (f"SELECT DISTINCT id + 1 FROM {PEOPLE} ORDER BY id + 1 LIMIT 1", [("2",)]),
    (f"SELECT region, count(*) AS n FROM {PEOPLE} GROUP BY region ORDER BY n DESC", [("EU", "2"), ("US", "1")]),
    (f"SELECT upper(region), sum(id) / 2 FROM {PEOPLE} GROUP BY 1 ORDER BY 1", [("EU", "2"), ("US", "1")]),
    (f"SELECT id / 2, count(*) FROM {PEOPLE} GROUP BY id / 2 ORDER BY 1", [("0", "1"), ("1", "2")]),
    (f"SELECT 5, count(*) FROM {PEOPLE} GROUP BY 1", [("5", "3")]),
    (f"SELECT region FROM {PEOPLE} GROUP BY region HAVING count(*) > 1", [("EU",)]),
    (f"SELECT count(*) FROM {PEOPLE} HAVING count(*) > 5", []),
    ("SELECT x FROM (VALUES (1, DECIMAL '7.2')) t(x, p) GROUP BY x HAVING sum(p) / 2 > 50 / DECIMAL '100.0' * max(p)",
     []),
    (
        f"SELECT region, name, count(*) FROM {PEOPLE} GROUP BY ROLLUP (region, name) ORDER BY 3 DESC, 1, 2 LIMIT 2",
        [(None, None, "3"), ("EU", None, "2")],
    ),
    (f"SELECT region, sum(id) FROM {PEOPLE} GROUP BY CUBE (region) ORDER BY 2",
     [("US", "2"), ("EU", "4"), (None, "6")]),
    (
        f"SELECT region, count(*) FROM {PEOPLE} GROUP BY GROUPING SETS ((region), ()) ORDER BY 2",
        [("US", "1"), ("EU", "2"), (None, "3")],
    ),
    # ---- joins
    ("SELECT a.x, b.y FROM (VALUES 1, 2) a(x) JOIN (VALUES (2, 'two')) b(x, y) ON a.x = b.x", [("2", "two")]),
    ("SELECT x, y FROM (VALUES 1, 2) a(x) LEFT JOIN (VALUES (2, 'b')) b(x, y) USING (x) ORDER BY x",
     [("1", None), ("2", "b")]),
    ("SELECT * FROM (VALUES 1) a(x) FULL JOIN (VALUES (2, 'b')) b(x, y) USING (x) ORDER BY 1",
     [("1", None), ("2", "b")]),
    ("SELECT b.x FROM (VALUES 1) a(x) RIGHT JOIN (VALUES 1, 2) b(x) ON a.x = b.x ORDER BY 1", [("1",), ("2",)]),
    ("SELECT a.x, b.x FROM (VALUES 1) a(x), (VALUES 2) b(x)", [("1", "2")]),
    ("SELECT count(*) FROM (VALUES 1, 2) a(x) CROSS JOIN (VALUES 1, 2) b(x)", [("4",)]),
    ("SELECT count(*) FROM (VALUES 1, 2) a(x) JOIN (VALUES 1.0) b(x) ON a.x = b.x", [("1",)]),
    ("SELECT * FROM (VALUES 1) a(x), (VALUES 2) b(y) RIGHT JOIN (VALUES 3) c(z) ON y = z", [("1", None, "3")]),
    ("SELECT * FROM (VALUES 1) a(x), (VALUES 2) b(y) FULL JOIN (VALUES 3) c(z) ON y = z, (VALUES 4) d(w) ORDER BY y",
     [("1", "2", None, "4"), ("1", None, "3", "4")]),
    # ---- UNNEST
    ("SELECT x, y FROM (VALUES ARRAY[1, 2]) t(a), UNNEST(a) u(x), UNNEST(ARRAY[x * 10]) v(y) ORDER BY x",
     [("1", "10"), ("2", "20")]),
    ("SELECT z, x FROM (VALUES 5) w(z), (VALUES ARRAY[1, 2]) t(a) CROSS JOIN UNNEST(a) u(x) ORDER BY x",
     [("5", "1"), ("5", "2")]),
    ("SELECT x FROM UNNEST(ARRAY[3, 1]) AS t(x)", [("3",), ("1",)]),
    ("SELECT x, n FROM UNNEST(ARRAY['b', 'a']) WITH ORDINALITY AS t(x, n) ORDER BY n DESC", [("a", "2"), ("b", "1")]),
    ("SELECT id, x FROM (VALUES (1, ARRAY[7, 8]), (2, ARRAY[]), (3, NULL)) t(id, l) CROSS JOIN UNNEST(l) AS u(x)",
     [("1", "7"), ("1", "8")]),
    ("SELECT id, x, n FROM (VALUES (1, ARRAY[7, 8]), (2, ARRAY[]), (3, NULL)) t(id, l) "
     "LEFT JOIN UNNEST(l) WITH ORDINALITY AS u(x, n) ON true",
     [("1", "7", "1"), ("1", "8", "2"), ("2", None, None), ("3", None, None)]),
    ("SELECT * FROM UNNEST(MAP(ARRAY[7, 8], ARRAY['a', 'b'])) WITH ORDINALITY", [("7", "a", "1"), ("8", "b", "2")]),
    ("SELECT a, b, z FROM UNNEST(ARRAY[CAST(ROW(1, 2) AS ROW(a integer, b integer)), NULL], ARRAY['x']) AS t(a, b, z)",
     [("1", "2", "x"), (None, None, None)]),
    ("SELECT a FROM UNNEST(ARRAY[CAST(ROW(7) AS ROW(a integer))])", [("7",)]),
    ("SELECT k, e FROM (VALUES MAP(ARRAY['x'], ARRAY[ARRAY[1, 2]])) t(m) CROSS JOIN UNNEST(m) AS u(k, v) "
     "CROSS JOIN UNNEST(v) AS w(e)", [("x", "1"), ("x", "2")]),
    ("SELECT (SELECT sum(x) FROM UNNEST(l) AS u(x)) FROM (VALUES ARRAY[1, 2]) t(l)", [("3",)]),
    ("SELECT x FROM (VALUES ROW(ARRAY[2]), ROW(ARRAY[1, 5])) t(x) ORDER BY x", [("[1, 5]",), ("[2]",)]),
    ("SELECT x, count(*) FROM (VALUES ROW(ARRAY[1, NULL]), ROW(ARRAY[1, NULL])) t(x) GROUP BY x", [("[1, null]", "2")]),
    ("SELECT x, y FROM UNNEST(ARRAY[1, 2], ARRAY['a']) AS t(x, y) ORDER BY x", [("1", "a"), ("2", None)]),
    # ---- subqueries
    ("WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT y, x FROM b CROSS JOIN a", [("2", "1")]),
    ("WITH a(p, q) AS (VALUES (1, 2)) SELECT q FROM a", [("2",)]),
    ("WITH a AS (SELECT 1 AS x) SELECT * FROM (WITH a AS (SELECT 2 AS x) SELECT x FROM a) CROSS JOIN a", [("2", "1")]),
    ("SELECT s.n FROM (SELECT count(*) AS n FROM (VALUES 1, 2) t(x)) s", [("2",)]),
    ("SELECT x FROM (VALUES 1, 2) t(x) WHERE x = (SELECT max(y) FROM (VALUES 1, 2) u(y))", [("2",)]),
    ("SELECT x, (SELECT count(*) FROM (VALUES 1, 1) u(y) WHERE y = x) FROM (VALUES 1, 2) t(x) ORDER BY 1",
     [("1", "2"), ("2", "0")]),
    ("SELECT x, (SELECT sum(x + y) FROM (VALUES 1, 1) u(y)) FROM (VALUES 1, 2) t(x) ORDER BY 1",
     [("1", "4"), ("2", "6")]),
    ("SELECT x FROM (VALUES 1, 2) t(x) WHERE EXISTS (SELECT 1 FROM (VALUES 2) u(y) WHERE y = t.x)", [("2",)]),
    ("SELECT x FROM (VALUES 1, 2) t(x) WHERE EXISTS (SELECT * FROM (VALUES 2) u(y) WHERE y = x)", [("2",)]),
    ("SELECT EXISTS (VALUES 1), NOT EXISTS (SELECT *, 1 FROM (VALUES 1) t(x) WHERE x > 1)", [("true", "true")]),
    ("SELECT x FROM (VALUES 1, 2) t(x) WHERE x NOT IN (SELECT y FROM (VALUES 2) u(y))", [("1",)]),
    (f"SELECT id FROM {PEOPLE} WHERE id >= ALL (SELECT 2 UNION SELECT 1) ORDER BY 1", [("2",), ("3",)]),
    (f"SELECT id FROM {PEOPLE} WHERE id < ANY (VALUES 1, 2) OR id = SOME (SELECT 3) ORDER BY 1", [("1",), ("3",)]),
    ("SELECT 1 = ALL (SELECT 1 WHERE false), 1 = ANY (SELECT 1 WHERE false), 1 <> ALL (VALUES 2, NULL)",
     [("true", "false", None)]),
    ("SELECT 1e0 > ALL (SELECT 0), 2 IN (VALUES 1, 2)", [("true", "true")]),
    ("SELECT (SELECT t.*) FROM (VALUES 7) t(x)", [("7",)]),
    # ---- LATERAL
    ("SELECT x, y FROM (VALUES 1, 2) t(x) CROSS JOIN LATERAL (SELECT x * 10) u(y) ORDER BY x",
     [("1", "10"), ("2", "20")]),
    ("SELECT x, n FROM (VALUES 1, 2) t(x), LATERAL (SELECT count(*) AS n FROM (VALUES 1) v(y) WHERE y = x) ORDER BY x",
     [("1", "1"), ("2", "0")]),
    ("SELECT x, y FROM (VALUES 1, 2) t(x) LEFT JOIN LATERAL (SELECT x AS y WHERE x > 1) u ON true ORDER BY x",
     [("1", None), ("2", "2")]),
    ("SELECT * FROM LATERAL (SELECT 1)", [("1",)]),
    ("SELECT * FROM (VALUES 1) t(x) FULL JOIN LATERAL (SELECT 2) u(y) ON x = y ORDER BY 1",
     [("1", None), (None, "2")]),
    # ---- other relations
    ("SELECT count(*) FROM (VALUES 1, 2) t(x) TABLESAMPLE BERNOULLI (100)", [("2",)]),
    ("SELECT count(*) FROM (SELECT 1 AS x) AS t TABLESAMPLE SYSTEM (0)", [("0",)]),
    ("SELECT a + b FROM (SELECT t.* AS (a, b) FROM (VALUES (1, 2)) t)", [("3",)]),
    ("SELECT d, z FROM ((VALUES 1) a(x) JOIN (VALUES (1, 2)) b(y, z) ON x = y), (VALUES 3) c(d)", [("3", "2")]),
    ("SELECT * FROM (VALUES (1, 'l', 2)) a(x, l, y) JOIN (VALUES (2, 1, 'r')) b(y, x, r) USING (y, x)",
     [("2", "1", "l", "r")]),
    ("SELECT x, w FROM ((SELECT 1) a(x) JOIN (VALUES 1) b(y) ON x = y) JOIN (VALUES 1) c(w) ON w = y", [("1", "1")]),
    ("SELECT t.a + b FROM ((VALUES 1) a(x) CROSS JOIN (VALUES 2) b(y)) t(a, b)", [("3",)]),
    ("SELECT x FROM (VALUES 2 UNION VALUES 1) t(x) ORDER BY x", [("1",), ("2",)]),
    ("SELECT x FROM (VALUES 1, 2, 3 ORDER BY 1 DESC LIMIT 2) t(x)", [("3",), ("2",)]),
    # ---- FETCH FIRST
    (f"SELECT id FROM {PEOPLE} ORDER BY region FETCH FIRST 1 ROW WITH TIES", [("1",), ("3",)]),
    (f"SELECT region AS id FROM {PEOPLE} ORDER BY region OFFSET 1 FETCH NEXT 1 ROWS WITH TIES", [("EU",)]),
    (f"SELECT DISTINCT region FROM {PEOPLE} ORDER BY 1 DESC FETCH FIRST ROW WITH TIES", [("US",)]),
    (f"SELECT region, count(*) FROM {PEOPLE} GROUP BY region ORDER BY min(id) FETCH FIRST 1 ROW WITH TIES",
     [("EU", "2")]),
    ("VALUES 1, 2, 2 ORDER BY 1 DESC FETCH FIRST 1 ROW WITH TIES", [("2",), ("2",)]),
    ("SELECT 1 AS x UNION ALL SELECT 2 ORDER BY -x LIMIT ALL", [("2",), ("1",)]),
    # ---- grouping sets
    (f"SELECT region, name, grouping(region, name) FROM {PEOPLE} WHERE id < 3 "
     "GROUP BY GROUPING SETS ((region), (name), ()) ORDER BY 3, 1, 2",
     [("EU", None, "1"), ("US", None, "1"), (None, "Ann", "2"), (None, "Bob", "2"), (None, None, "3")]),
    (f"SELECT region, sum(id) FROM {PEOPLE} GROUP BY ROLLUP (1) HAVING grouping(region) = 0 "
     "ORDER BY grouping(region), 1",
     [("EU", "4"), ("US", "2")]),
    ("SELECT a, b, count(*) FROM (VALUES (1, 2)) t(a, b) GROUP BY DISTINCT ROLLUP (a, b), CUBE (a) ORDER BY 1, 2",
     [("1", "2", "1"), ("1", None, "1"), (None, None, "1")]),
    ("SELECT a, count(*) FROM (VALUES (1, 2)) t(a, b) GROUP BY a, (a, b), GROUPING SETS ((), (b))",
     [("1", "1"), ("1", "1")]),
    ("SELECT count(*) FROM (VALUES 1, 2) t(x) GROUP BY ()", [("2",)]),
    # ---- set operations
    ("SELECT 1 UNION SELECT 1", [("1",)]),
    ("SELECT 1 UNION ALL SELECT 1.5 ORDER BY 1", [("1.0",), ("1.5",)]),
    ("SELECT 1 AS x UNION ALL SELECT 2 ORDER BY x DESC LIMIT 1", [("2",)]),
    ("(SELECT 1) UNION ALL (SELECT 2 LIMIT 0)", [("1",)]),
    ("SELECT x FROM (VALUES 1, 2) t(x) INTERSECT SELECT 2", [("2",)]),
    ("SELECT x FROM (VALUES 1, 2) t(x) EXCEPT SELECT 2", [("1",)]),
    ("SELECT x FROM (VALUES 1, 1, 2) t(x) EXCEPT ALL SELECT 1 ORDER BY 1", [("1",), ("2",)]),
    ("SELECT x FROM (VALUES 1, 1, 2) t(x) INTERSECT ALL VALUES 1, 1, 1", [("1",), ("1",)]),
    ("SELECT 1 UNION SELECT 2 INTERSECT SELECT 2 ORDER BY 1", [("1",), ("2",)]),
    ("SELECT NULL UNION ALL SELECT 'a' ORDER BY 1", [("a",), (None,)]),
    ("VALUES (1, 'a'), (2, NULL)", [("1", "a"), ("2", None)]),
    # ---- names of functions in quotes
    ("""SELECT "sum"(x), "Count"(*), "if"(true, 1), "coalesce"(NULL, 'a') FROM (VALUES 1, 2) t(x)""",
     [("3", "2", "1", "a")]),
    ("""SELECT "rank"() OVER (ORDER BY "max"(x)), "count"(x) FILTER (WHERE x > 1) FROM (VALUES 1, 2) t(x)""",
     [("1", "1")]),
    # ---- three-valued WHERE, and a guard before a division
    (f"SELECT count(*) FROM {PEOPLE} WHERE name <> 'Ann'", [("1",)]),
    ("SELECT 6 / x FROM (VALUES 0, 2) t(x) WHERE x <> 0 AND 6 / x > 1", [("3",)]),
    ("SELECT CASE WHEN x <> 0 THEN 6 / x END FROM (VALUES 0, 2) t(x) ORDER BY x", [(None,), ("3",)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "rows"), ANSWERS)
def test_query(engine: Engine, sql: str, rows: list[tuple[str | None, ...]]) -> None:
    assert list(engine.run(engine.prepare(sql), "default").rows) == rows


def test_columns_are_named_as_written_or_by_their_number(engine: Engine) -> None:
    sql = "SELECT Id, id AS Total, id + 1, t.ID, count(*) OVER () FROM (VALUES 1) t(id)"
    names = [column.name for column in engine.run(engine.prepare(sql), "default").columns]
    assert names == ["Id", "Total", "_col2", "ID", "_col4"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT x AS y FROM (VALUES 1) t(x) WHERE y = 1",
         "COLUMN_NOT_FOUND: line 1:42: Column 'y' cannot be resolved"),
        ("SELECT x AS y, y + 1 FROM (VALUES 1) t(x)", "COLUMN_NOT_FOUND: line 1:16"),
        ("SELECT count(*) AS n FROM (VALUES 1) t(x) GROUP BY x HAVING n > 0", "COLUMN_NOT_FOUND: "),
        ("SELECT a.x FROM (VALUES 1) a(x) JOIN (VALUES 1) b(x) USING (x)", "COLUMN_NOT_FOUND: line 1:8: Column 'a.x'"),
        ("SELECT 1 FROM (VALUES 1) a(x), (VALUES 1) b(y) JOIN (VALUES 1) c(z) ON x = z",
         "COLUMN_NOT_FOUND: line 1:72: Column 'x' cannot be resolved"),
        ("SELECT 1 FROM (VALUES ARRAY[1]) a(x), (VALUES 1) b(y) CROSS JOIN UNNEST(x) c(z)",
         "COLUMN_NOT_FOUND: line 1:73: Column 'x' cannot be resolved"),
        ("SELECT x FROM (VALUES 1) a(x), (VALUES 1) b(x)", "AMBIGUOUS_NAME: line 1:8: Column 'x' is ambiguous"),
        ("SELECT a FROM (SELECT 1 AS a, 2 AS a)", "AMBIGUOUS_NAME: "),
        ("SELECT 1 AS a, 2 AS a ORDER BY a", "AMBIGUOUS_NAME: line 1:32: Column 'a' is ambiguous"),
        ("SELECT x, y FROM (VALUES (1, 2)) t(x, y) GROUP BY x", "EXPRESSION_NOT_AGGREGATE: "),
        ("SELECT x FROM (VALUES 1) t(x) GROUP BY 2",
         "INVALID_COLUMN_REFERENCE: line 1:40: position 2 is not in select list"),
        ("SELECT DISTINCT x FROM (VALUES (1, 2)) t(x, y) ORDER BY y", "EXPRESSION_NOT_IN_DISTINCT: "),
        ("SELECT *", "SYNTAX_ERROR: line 1:8: SELECT * not allowed in queries without FROM"),
        ("SELECT t.* FROM (VALUES 1) a(x)", "SYNTAX_ERROR: line 1:8: 't' not found"),
        ("SELECT 1 UNION SELECT 'a'", "TYPE_MISMATCH: "),
        ("SELECT 1 UNION SELECT 1, 2", "TYPE_MISMATCH: "),
        ("VALUES (1, 2), (1)", "TYPE_MISMATCH: "),
        ("SELECT 1 WHERE 1", "TYPE_MISMATCH: "),
        ("SELECT 1 IN (SELECT 'a')", "TYPE_MISMATCH: "),
        ("SELECT (SELECT 1, 2)", "not supported by the local Athena: a subquery of several columns"),
        ("SELECT 1 WHERE NULL IN (SELECT 1, 2)", "not supported by the local Athena: a subquery of several"),
        ("SELECT (SELECT t.* FROM (VALUES 1)) FROM (VALUES 2) t(x)", "not supported by the local Athena: t.* of an"),
        ("SELECT DISTINCT x, x * 2 FROM (VALUES 1) t(x) ORDER BY x * 2", "EXPRESSION_NOT_IN_DISTINCT: line 1:56: "),
        ("SELECT 1 FROM (VALUES 1) a(x) JOIN (VALUES 1) b(x) USING (x, X)", "DUPLICATE_COLUMN_NAME: line 1:62: "),
        ("SELECT (SELECT x FROM (VALUES 1, 2) t(x))",
         "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"),
        ("SELECT 1 FROM information_schema.columns", "not supported by the local Athena: information_schema"),
        ("SELECT current_user", "not supported by the local Athena: current_user"),
        ("SELECT 1 FROM (VALUES 1) t(a, b)", "MISMATCHED_COLUMN_ALIASES: "),
        ("WITH a AS (SELECT 1), b AS (SELECT 2), A AS (SELECT 3) SELECT 1",
         "DUPLICATE_NAMED_QUERY: line 1:40: WITH query name 'a' specified more than once"),
        ("SELECT 1 FROM (VALUES 1) a(x) NATURAL JOIN (VALUES 1) b(x)",
         "NOT_SUPPORTED: line 1:52: Natural join not supported"),
        ("SELECT 1 FROM (VALUES ARRAY[1]) t(a) LEFT JOIN UNNEST(a) AS u(x) ON x = 1",
         "NOT_SUPPORTED: line 1:55: LEFT JOIN involving UNNEST is only supported with condition ON TRUE"),
        ("SELECT 1 FROM UNNEST(1)", "TYPE_MISMATCH: line 1:22: Cannot unnest type: integer"),
        ("SELECT DISTINCT MAP()", "not supported by the local Athena: GROUP BY or DISTINCT of map(unknown, unknown)"),
        ("SELECT count(DISTINCT x) FROM (VALUES MAP()) t(x)",
         "not supported by the local Athena: GROUP BY or DISTINCT of map(unknown, unknown)"),
        ("SELECT 1 FROM (VALUES MAP()) t(x) GROUP BY x",
         "not supported by the local Athena: GROUP BY or DISTINCT of map(unknown, unknown)"),
        ("SELECT MAP() UNION SELECT MAP()",
         "not supported by the local Athena: GROUP BY or DISTINCT of map(unknown, unknown)"),
        ("SELECT x FROM (VALUES MAP()) t(x) ORDER BY 1",
         "TYPE_MISMATCH: line 1:44: Type map(unknown, unknown) is not orderable"),
        ("SELECT 1 FROM (VALUES ARRAY[NULL]) t(x) ORDER BY x",
         "not supported by the local Athena: the order of array(unknown) with NULL or NaN inside"),
        ("SELECT (SELECT sum(x) FROM (VALUES 1, 2) u(y)) FROM (VALUES 5) t(x)",
         "not supported by the local Athena: sum of only outer query columns (line 1:"),
        ("SELECT grouping(x) FROM (VALUES 1) t(x)", "MISSING_GROUP_BY: line 1:8: A GROUPING() operation"),
        ("SELECT grouping(y) FROM (VALUES (1, 2)) t(x, y) GROUP BY x",
         "INVALID_ARGUMENTS: line 1:8: The arguments to GROUPING()"),
        ("SELECT t.* AS (a, b) FROM (VALUES 1) t(x)",
         "MISMATCHED_COLUMN_ALIASES: line 1:8: Column alias list has 2 entries but relation has 1 columns"),
        ("SELECT 1 FETCH FIRST ROW WITH TIES", "MISSING_ORDER_BY: line 1:8: FETCH FIRST WITH TIES clause requires"),
        ("SELECT 1 FETCH FIRST 0 ROWS ONLY", "INVALID_FETCH_FIRST_ROW_COUNT: "),
        ("SELECT 1 FROM (VALUES 1) t TABLESAMPLE BERNOULLI (101)", "TYPE_MISMATCH: line 1:51: Sample percentage"),
        ("SELECT 1 = ANY (SELECT 'a')", "TYPE_MISMATCH: line 1:8: Cannot apply operator: integer = varchar"),
        ("SELECT 1e0 < ALL (SELECT nan())", "not supported by the local Athena: NaN in a subquery of ALL"),
        ("SELECT 1 FROM (VALUES 1) a(x) RIGHT JOIN LATERAL (SELECT x) b ON true",
         "COLUMN_NOT_FOUND: line 1:58: Column 'x' cannot be resolved"),
    ],
)  # fmt: skip
def test_failure(engine: Engine, sql: str, message: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        engine.run(engine.prepare(sql), "default")
    assert failure.value.message.startswith(message)
