"""A regular expression that DuckDB matches itself has the results of the Python functions, which have Trino's."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.sql.functions import regexp_functions
from localaws.athena.sql.functions.native_patterns import native
from localaws.athena.sql.functions.regexp_patterns import compiled
from localaws.athena.sql.functions.regexp_rules import REGEXP_RULES
from localaws.athena.sql.types.typed_sql import TypedSql

_LETTERS = ["a", "b", "1", " ", "-", "é", ".", r"\.", r"\d", r"\w", r"\s", r"\S", r"\D", "/"]
_ITEMS = ["a", "b", "1-3", "a-c", r"\d", r"\s", " ", "é", ".", r"\-", "_"]
_REPEATS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}"]
_SPLITTING = "aabbc1 2-_é./\n"


def _alternatives(made: random.Random, depth: int) -> str:
    return "|".join(_branch(made, depth) for _ in range(1 if made.random() < 0.7 else 2))


def _branch(made: random.Random, depth: int) -> str:
    repeats = (made.choice(_REPEATS) if made.random() < 0.35 else "" for _ in range(3))
    return "".join(_atom(made, depth) + repeat for repeat in list(repeats)[: made.randint(1, 3)])


def _atom(made: random.Random, depth: int) -> str:
    drawn = made.random()
    if drawn < 0.5:
        return made.choice(_LETTERS)
    if drawn < 0.65 or not depth:
        items = "".join(made.choice(_ITEMS) for _ in range(made.randint(1, 3)))
        return f"[{made.choice(['', '^'])}{items}{made.choice(['', '-'])}]"
    return made.choice(["(", "(?:"]) + _alternatives(made, depth - 1) + ")"


def _calls(count: int) -> list[tuple[str, list[exp.Expr], Callable[..., Any], list[Any]]]:
    """Return the name of each function, its further arguments, and the Python function with its arguments."""
    text, number = exp.Literal.string, exp.Literal.number
    calls: list[tuple[str, list[exp.Expr], Callable[..., Any], list[Any]]] = [
        ("regexp_like", [], regexp_functions._like, []),
        ("regexp_count", [], regexp_functions._count, []),
        ("regexp_split", [], regexp_functions._split, []),
        ("regexp_replace", [], regexp_functions._replace, [""]),
        ("regexp_replace", [text(r"<$0\\>")], regexp_functions._replace, [r"<$0\\>"]),
    ]
    for group in range(count + 1):
        calls += [
            ("regexp_extract", [number(group)], regexp_functions._extract, [group]),
            ("regexp_extract_all", [number(group)], regexp_functions._extract_all, [group]),
            ("regexp_replace", [text(f"[${group}]")], regexp_functions._replace, [f"[${group}]"]),
        ]
    return calls


def test_duckdb_finds_the_same_matches() -> None:
    made, tested = random.Random(20), 0
    texts = ["", "\n", "a\n", "ab\n\n", "1a-b2\n"]
    texts += ["".join(made.choice(_SPLITTING) for _ in range(made.randint(0, 9))) for _ in range(40)]
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT unnest(?) AS s", [texts])
    subject = TypedSql("s", dt.VARCHAR)
    for _ in range(150):
        pattern = f"{made.choice(['', '', '^'])}{_alternatives(made, 2)}{made.choice(['', '', '$'])}"
        found = native(pattern)
        if found is None:
            continue
        for name, rest, function, arguments in _calls(found.count):
            nodes = [exp.column("s"), exp.Literal.string(pattern), *rest]
            sql = REGEXP_RULES[name](name, [subject] * len(nodes), nodes)
            if sql is None:
                continue
            answers = [answer for (answer,) in connection.execute(f"SELECT {sql.sql} FROM t").fetchall()]
            assert answers == [function(text, compiled(pattern), *arguments) for text in texts], (
                name,
                pattern,
            )
            tested += 1
    assert tested > 500


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?i)a",
            r"a\b",
            r"\p{L}",
            "(?=a)",
            r"(a)\1",
            "a++",
            "(?>a)",
            "a$b",
            "^a|b",
            "a|b$",
            "a**",
            "[a&&b]",
        ),
        *(
            "[[a]]",
            "[]a]",
            "[a-",
            "(a",
            "a)",
            "a{",
            "a{200}",
            "(a){2}",
            "\0",
            "\\",
            r"\Qa\E",
            "[a-b-c]",
            "[z-a]",
        ),
    ],
)
def test_other_patterns_are_not_native(pattern: str) -> None:
    assert native(pattern) is None


@pytest.mark.parametrize(
    ("replacement", "native_one"),
    [("$1", r"\1"), ("a", "a"), (r"\$", "$"), ("$2", None), ("$12", None), ("${n}", None)],
)
def test_a_replacement_is_converted(replacement: str, native_one: str | None) -> None:
    nodes = [exp.column("s"), exp.Literal.string("(a)"), exp.Literal.string(replacement)]
    found = REGEXP_RULES["regexp_replace"]("regexp_replace", [TypedSql("s", dt.VARCHAR)] * 3, nodes)
    assert (found and f"'{native_one}'" in found.sql) if native_one else found is None


def test_a_group_in_an_alternative_is_not_in_each_match() -> None:
    found = native(r"(a[\])]|b(c))(d)")
    assert found is not None
    assert found.groups.keys() == {1, 3}
