"""Queries that Trino rejects fail with Trino's message; syntax that sqlglot cannot parse is named."""

from __future__ import annotations

import pytest
from sqlglot import exp

from localaws.athena.errors import MalformedQuery, QueryFailed
from localaws.athena.sql.parsing.parser import parse_query


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT CAST(1 AS string)", "TYPE_NOT_FOUND: line 1:8: Unknown type: string"),
        ("SELECT TRY_CAST(1 AS array(float))", "TYPE_NOT_FOUND: line 1:8: Unknown type: float"),
        ("SELECT 1, text 'a'", "TYPE_NOT_FOUND: line 1:11: Unknown type: text"),
        ("SELECT N'a'", "TYPE_NOT_FOUND: line 1:8: Unknown type: n"),
        ("SELECT if(true)", "not supported by the local Athena: the syntax at line 1:15: ')'"),
    ],
)  # fmt: skip
def test_rejected(text: str, message: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        parse_query(text)
    assert failure.value.message == message


@pytest.mark.parametrize(
    "word", ["isnull", "notnull", "div", "ilike", "asof", "semi", "qualify", "final", "running", "any"]
)
def test_a_word_that_only_sqlglot_reserves_is_a_name(word: str) -> None:
    tree = parse_query(
        f"SELECT a {word}, {word}.{word} {word} FROM t {word} CROSS JOIN u AS {word} ({word}) ORDER BY {word}"
    )
    first, second = tree.expressions
    assert (first.this.name, first.alias) == ("a", word)
    assert (second.this.table, second.this.name, second.alias) == (word, word, word)
    assert [source.alias for source in tree.find_all(exp.Table)] == [word, word]


def test_a_hint_is_a_comment() -> None:
    assert parse_query("SELECT /*+ BROADCAST(t) */ 1").args.get("hint") is None


@pytest.mark.parametrize(("parameters", "found"), [((), 0), (("1", "2"), 2)])
def test_each_question_mark_needs_a_parameter(parameters: tuple[str, ...], found: int) -> None:
    with pytest.raises(MalformedQuery, match=f"expected 1 but found {found}"):
        parse_query("SELECT ?", parameters)


@pytest.mark.parametrize(
    "value",
    [
        "1 LIMIT 1",
        "a b",
        "1 x",
        "1::int",
        "",
        "1, 2",
        "1 UNION SELECT 2",
        "1 WHERE true",
        "DISTINCT 1",
        "*",
        "?",
        "\n",
    ],
)
def test_a_parameter_must_fit_the_grammar(value: str) -> None:
    with pytest.raises(MalformedQuery):
        parse_query("SELECT ?", (value,))
