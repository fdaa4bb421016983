"""Which texts are queries in Trino, independently of sqlglot."""

from __future__ import annotations

import re

import pytest

from localaws.athena.errors import MalformedQuery
from localaws.athena.sql.parsing.grammar import recognize

QUERIES = [
    "SELECT 1",
    "(((SELECT 1)))",
    "TABLE a.b",
    "VALUES 1, (2, 3), ROW(4)",
    "WITH RECURSIVE a(x) AS (SELECT 1), b AS (TABLE a) SELECT ALL * FROM b",
    "SELECT DISTINCT t.*, a.b.* AS (x, y), 1 one, 2 AS \"two\" FROM t",
    "SELECT row_to(x).* AS (a, b)",
    "SELECT 1 ORDER BY 1 DESC NULLS FIRST, 2 ASC OFFSET 1 ROWS LIMIT ALL",
    "SELECT 1 OFFSET ? FETCH NEXT ROW WITH TIES",
    "SELECT a FROM t FETCH FIRST 5 ROWS ONLY",
    "SELECT limit LIMIT 1",
    "SELECT 1 limit, 2 offset FROM t fetch LIMIT 1",
    "SELECT 1 INTERSECT ALL (SELECT 2 ORDER BY 1) EXCEPT SELECT 3 UNION DISTINCT VALUES 4",
    # ---- relations
    "SELECT 1 FROM a, b AS c(x, y) CROSS JOIN d NATURAL LEFT OUTER JOIN e",
    "SELECT 1 FROM a JOIN b JOIN c ON x = y ON z = w LEFT JOIN d USING (x, y)",
    "SELECT 1 FROM (a CROSS JOIN (SELECT 1)) x",
    "SELECT 1 FROM ((SELECT 1) a JOIN b ON true)",
    "SELECT 1 FROM UNNEST(a, b) WITH ORDINALITY AS t(a, b, n), LATERAL (SELECT 1)",
    "SELECT 1 FROM t TABLESAMPLE BERNOULLI (10)",
    "SELECT 1 FROM t FOR TIMESTAMP AS OF TIMESTAMP '2024-01-01 00:00:00' AS u",
    # ---- grouping and windows
    "SELECT 1 FROM t WHERE a GROUP BY ALL (), a + 1, ROLLUP (a, b), CUBE (), GROUPING SETS ((a), ()) HAVING b",
    "SELECT a FROM t GROUP BY ALL",
    "SELECT sum(x) FILTER (WHERE x > 1) OVER (w PARTITION BY a ROWS 1 PRECEDING) FROM t WINDOW w AS (), v AS (w)",
    "SELECT lag(x) IGNORE NULLS OVER w, rank() OVER (RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
    "SELECT count(*), count(DISTINCT a, b), count(ALL a), array_agg(a ORDER BY b DESC), count()",
    "SELECT listagg(DISTINCT a, ',' ON OVERFLOW TRUNCATE '...' WITHOUT COUNT) WITHIN GROUP (ORDER BY a)",
    # ---- expressions
    "SELECT NOT a = 1 AND b IS NOT NULL OR c IS DISTINCT FROM d",
    "SELECT a NOT BETWEEN 1 AND 2 AND b LIKE 'x' ESCAPE '\\' OR c NOT IN (1, 2)",
    "SELECT a IN (SELECT 1), a >= ALL (SELECT 1), EXISTS (WITH b AS (SELECT 1) TABLE b)",
    "SELECT ((1) + (SELECT 2)), (1, 2), (((SELECT 1)) + 1)",
    "SELECT - + -a % 2 || b, a[1][b + 1].c.d, f(x)[1], \"A b\".f(1)",
    "SELECT CASE WHEN a THEN b END, CASE a WHEN 1 THEN 2 WHEN 3 THEN 4 ELSE 5 END",
    "SELECT 'it''s', U&'d\\0061t' UESCAPE '!', X'00 ff', 1., .5, 1.5e-3, 1E9, ?, NULL, TRUE",
    "SELECT date '2024-01-01', interval - '1' day, INTERVAL '1-2' YEAR TO MONTH, json '1', double precision '1'",
    "SELECT CAST(a AS decimal(10, 2)), TRY_CAST(b AS ROW(x bigint, array(varchar), timestamp(3) with time zone))",
    "SELECT CAST(a AS array<map<varchar, double precision>>), CAST(a AS int array[3] array)",
    "SELECT CAST(a AS interval day to second), CAST(b AS interval year), CAST(c AS time without time zone)",
    "SELECT x -> x + 1, (a, b) -> a, () -> 1, f(a, x -> (y -> x))",
    "SELECT extract(day FROM a), trim(BOTH 'x' FROM a), trim(a), trim(leading FROM a), trim(a, 'x'), trim(leading)",
    "SELECT substring(a FROM 1 FOR 2), substring(a, 1), position('a' IN b), position(a, b), normalize(a, NFD)",
    "SELECT current_date, current_timestamp(6), localtime, current_user, grouping(a, b.c)",
    "SELECT a AT TIME ZONE 'UTC' AT TIME ZONE INTERVAL '1' hour",
    "SELECT day, date, time, year, filter, array, map, row, if(a, b), replace(c, d) FROM t",
    "SELECT 1 -- the end\n/* no ' string; /* not nested */ , 2",
]  # fmt: skip

MALFORMED = [
    ("SELECT 1 LIMIT 1 OFFSET 1", "line 1:18: mismatched input 'OFFSET'"),
    ("SELECT 1 LIMIT 1 + 1", "line 1:18: mismatched input '+'"),
    ("SELECT 1, extract(millisecond FROM a)", "line 1:11: Invalid EXTRACT field: MILLISECOND"),
    ("SELECT 1 LIMIT 1.5", "line 1:16: mismatched input '1.5'"),
    ("SELECT 1 LIMIT 1, 2", "line 1:17: mismatched input ','"),
    ("SELECT * FROM a JOIN b", "line 1:23: mismatched input '<EOF>'"),
    ("SELECT * FROM a LEFT JOIN b WHERE x", "line 1:29: mismatched input 'WHERE'"),
    ("SELECT * FROM a CROSS JOIN b ON x", "line 1:30: mismatched input 'ON'"),
    ("SELECT * FROM a ASOF JOIN b ON x SEMI JOIN c ON x", "line 1:34: mismatched input 'SEMI'"),
    ("SELECT * FROM VALUES 1", "line 1:15: mismatched input 'VALUES'"),
    ("SELECT * FROM t USING SAMPLE 10", "line 1:17: mismatched input 'USING'"),
    ("SELECT * FROM t\n  PIVOT (sum(x) FOR y IN (1))", "line 2:13: mismatched input '('"),
    ("SELECT * EXCEPT (a) FROM t", "line 1:18: mismatched input 'a'"),
    ("SELECT TOP 5 a FROM t", "line 1:12: mismatched input '5'"),
    ("SELECT a FROM t QUALIFY rank() OVER () = 1", "line 1:25: mismatched input 'rank'"),
    ("SELECT a FROM t GROUP BY a WITH ROLLUP", "line 1:28: mismatched input 'WITH'"),
    ("SELECT DISTINCT ON (a) b FROM t", "line 1:17: mismatched input 'ON'"),
    ("SELECT a,", "line 1:10: mismatched input '<EOF>'"),
    ("SELECT f(a,)", "line 1:12: mismatched input ')'"),
    ("SELECT a = b = c", "line 1:14: mismatched input '='"),
    ("SELECT a ILIKE 'x'", "line 1:16: mismatched input ''x''"),
    ("SELECT a RLIKE b", "line 1:16: mismatched input 'b'"),
    ("SELECT a == b", "line 1:11: mismatched input '='"),
    ("SELECT a <=> b", "line 1:12: mismatched input '>'"),
    ("SELECT a & b", "line 1:10: mismatched input '&'"),
    ("SELECT a // b", "line 1:11: mismatched input '/'"),
    ("SELECT a::int", "line 1:9: mismatched input ':'"),
    ("SELECT {'a': 1}", "line 1:8: mismatched input '{'"),
    ("SELECT [1, 2]", "line 1:8: mismatched input '['"),
    ("SELECT a[1:2]", "line 1:11: mismatched input ':'"),
    ("SELECT 'a' 'b'", "line 1:12: mismatched input ''b''"),
    ("SELECT 'a\\' b'", "line 1:14: mismatched input '''"),
    ("SELECT 1_000", "line 1:8: identifiers must not start with a digit"),
    ("SELECT 0x1F", "line 1:8: identifiers must not start with a digit"),
    ("SELECT `a` FROM t", "line 1:8: backquoted identifiers are not supported"),
    ("SELECT date + INTERVAL 1 DAY", "line 1:24: mismatched input '1'"),
    ("SELECT INTERVAL '1' WEEK", "line 1:21: mismatched input 'WEEK'"),
    ("SELECT INTERVAL '1 day'", "line 1:24: mismatched input '<EOF>'"),
    ("SELECT TRY_CAST(a AS)", "line 1:21: mismatched input ')'"),
    ("SELECT sum(x) OVER (ROWS BETWEEN 1 PRECEDING)", "line 1:45: mismatched input ')'"),
    ("SELECT lag(x) IGNORE NULLS", "line 1:27: mismatched input '<EOF>'"),
    ("SELECT listagg(x) FROM t", "line 1:19: mismatched input 'FROM'"),
    ("SELECT listagg(x) WITHIN GROUP (ORDER BY x) OVER (ORDER BY y)", "line 1:50: mismatched input '('"),
    ("SELECT a FROM t ORDER BY a NULLS", "line 1:33: mismatched input '<EOF>'"),
    ("SELECT select FROM t", "line 1:8: mismatched input 'select'"),
    ("SELECT (SELECT 1", "line 1:17: mismatched input '<EOF>'"),
    ("SELECT 1)", "line 1:9: mismatched input ')'"),
    ("SELECT X'6', 1", "line 1:8: Binary literal must contain an even number of digits"),
    ("SELECT 1, X'6g'", "line 1:11: Binary literal can only contain hexadecimal digits"),
    ("SELECT a\u00a0FROM t", "line 1:9: mismatched input '\u00a0'"),
]  # fmt: skip


@pytest.mark.parametrize("text", QUERIES)
def test_valid_query(text: str) -> None:
    recognize(text)


@pytest.mark.parametrize(("text", "message"), MALFORMED)
def test_invalid_query(text: str, message: str) -> None:
    with pytest.raises(MalformedQuery) as failure:
        recognize(text)
    assert str(failure.value).startswith(message)


def test_the_white_space_of_a_binary_literal_is_moved_behind_it() -> None:
    assert recognize("SELECT x'6 8 65', 'X''6 8', 1").text == "SELECT x'6865'  , 'X''6 8', 1"


def test_comments_are_replaced_by_white_space() -> None:
    text = "SELECT/*+ a\n */1, '--'-- é\n, 2"
    assert recognize(text).text == "SELECT     \n   1, '--'    \n, 2"


def test_types_are_found_with_the_start_of_their_cast() -> None:
    found = recognize("SELECT CAST(a AS ROW(x string,\n array(Float))), \"B\"'c'").types
    assert [(named.name, named.start) for named in found] == [
        ("string", 7),
        ("array", 7),
        ("float", 7),
        ("B", 48),
    ]


def test_names_are_columns_relations_and_aliases() -> None:
    text = (
        "WITH a AS (SELECT f(b.c) d, date '1', CAST(e AS varchar) FROM s.g) SELECT extract(day FROM h) OVER_"
    )
    found = [re.findall(r"\w+", text[at:])[0] for at in sorted(recognize(text).names)]
    assert found == ["a", "b", "c", "d", "e", "s", "g", "h", "OVER_"]


@pytest.mark.parametrize(
    ("text", "construct"),
    [
        ("SELECT * FROM TABLE(f(a => 1))", "table functions other than sequence"),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A+) DEFINE A AS true) m", "MATCH_RECOGNIZE"),
        ("SELECT x OVER w FROM t WINDOW w AS (ORDER BY a MEASURES b AS c ROWS CURRENT ROW)", "measures of a window"),
    ],
)  # fmt: skip
def test_constructs_unknown_to_sqlglot_are_named(text: str, construct: str) -> None:
    assert recognize(text).unsupported[0] == construct


def test_deep_parentheses_take_linear_time() -> None:
    recognize(f"SELECT {'(' * 60}SELECT 1{')' * 60} + 1")
    recognize(f"SELECT 1 FROM {'(' * 60}SELECT 1{')' * 30} a CROSS JOIN b{')' * 30}")
