"""Deep and long statements run, or are refused quickly with Trino's errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from localaws.athena.errors import MalformedQuery, QueryFailed
from localaws.athena.execution.depth import allow_deep_calls
from localaws.athena.execution.engine import Engine

PARSING = r"^line 1:1: statement is too large \(stack overflow while parsing\)$"
ANALYSIS = r"^STACK_OVERFLOW: statement is too large \(stack overflow during analysis\)$"


def rows(engine: Engine, sql: str) -> list[tuple[str | None, ...]]:
    return list(engine.run(engine.prepare(sql), "default").rows)


def around(before: str, after: str, times: int, inside: str = "1") -> str:
    return f"SELECT {before * times}{inside}{after * times}"


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        (around("(", ")", 50), "1"),
        (around("(", ")", 200), "1"),
        (around("abs(", ")", 100), "1"),
        (around("CAST(", " AS bigint)", 100), "1"),
        (around("CASE WHEN true THEN ", " END", 100), "1"),
        (around("(true AND ", ")", 200, "true"), "true"),
        (around("NOT ", "", 100, "true"), "true"),
        (around("- ", "", 100), "1"),
        (around("ARRAY[", "]", 30), "[" * 30 + "1" + "]" * 30),
        (around("(SELECT ", ")", 8), "1"),
        ("SELECT 1 FROM " + "(SELECT 1 FROM " * 50 + "(SELECT 1)" + ")" * 50, "1"),
        ("SELECT " + " OR ".join(["1 = 2"] * 300), "false"),
        ("SELECT " + " AND ".join(["1 = 1"] * 300), "true"),
        ("SELECT " + " || ".join(["'a'"] * 500), "a" * 500),
        ("SELECT " + " || ".join(["'a'", "NULL", "'b'"] * 10), None),
        ("SELECT " + " || ".join(["1", "ARRAY[2]", "3", "ARRAY[4, 5]"]), "[1, 2, 3, 4, 5]"),
        ("SELECT " + " + ".join(["1"] * 100), "100"),
        ("SELECT n" + " / two" * 30 + " FROM (VALUES (1073741824, 2)) t(n, two)", "1"),
        ("SELECT n" + " % two" * 30 + " FROM (VALUES (1073741825, 2)) t(n, two)", "1"),
        ("SELECT count(*) FROM (" + " UNION ALL ".join(["SELECT 1"] * 1000) + ")", "1000"),
        (
            "WITH c0 AS (SELECT 1 AS x)"
            + "".join(f", c{n} AS (SELECT x + 1 AS x FROM c{n - 1})" for n in range(1, 200))
            + " SELECT x FROM c199",
            "200",
        ),
        ("SELECT 1 IN (" + ", ".join(map(str, range(1000))) + ")", "true"),
    ],
    ids=lambda value: value[:30] if value else "NULL",
)
def test_usual_nesting_and_length_is_supported(engine: Engine, sql: str, value: str | None) -> None:
    assert rows(engine, sql) == [(value,)]


@pytest.mark.parametrize(
    ("call", "value", "answer"),
    [
        ("substr({}, 1)", "'ab'", "ab"),
        ("upper({})", "'AB'", "AB"),
        ("replace({}, 'x', 'y')", "'ab'", "ab"),
        ("nullif({}, 'x')", "'ab'", "ab"),
        ("greatest({}, 'a')", "'ab'", "ab"),
        ("CAST(CAST({} AS varchar) AS integer)", "12", "12"),
        ("round({}, 1)", "1.5e0", "1.5"),
        ("IF({} > 1e0, 2e0, 3e0)", "1.5e0", "2.0"),
        ("element_at(ARRAY[{}], 1)", "7", "7"),
        ("ARRAY[1, 2][{}]", "1", "1"),
        ("IF({} BETWEEN 1e0 AND 2e0, 1.5e0, 3e0)", "1.5e0", "1.5"),
        ("date_format(date_parse({}, '%Y'), '%Y')", "'2026'", "2026"),
    ],
)
def test_nested_calls_compute_their_operand_once(engine: Engine, call: str, value: str, answer: str) -> None:
    text = "v"
    for _ in range(20):
        text = call.format(text)
    assert rows(engine, f"SELECT {text} FROM (VALUES {value}) t(v)") == [(answer,)]


@pytest.mark.parametrize(
    "sql",
    [around("(", ")", 1000), around("(", ")", 100_000), "SELECT " + "(" * 1000, around("ARRAY[", "]", 1000),
     around("CASE WHEN true THEN ", " END", 1000), around("abs(", ")", 1000), around("NOT ", "", 20_000, "true")],
    ids=lambda sql: sql[:20],
)  # fmt: skip
def test_a_statement_that_is_nested_too_deep_is_malformed(engine: Engine, sql: str) -> None:
    with pytest.raises(MalformedQuery, match=PARSING):
        engine.prepare(sql)


@pytest.mark.parametrize(
    "sql",
    ["SELECT " + " + ".join(["1"] * 3000), around("NOT ", "", 1000, "true"), around("ARRAY[", "]", 200),
     "SELECT 1" + " UNION SELECT 1 INTERSECT SELECT 1 EXCEPT SELECT 1" * 1000],
    ids=lambda sql: sql[:20],
)  # fmt: skip
def test_a_statement_that_is_too_deep_to_run_fails(engine: Engine, sql: str) -> None:
    prepared = engine.prepare(sql)
    with pytest.raises(QueryFailed, match=ANALYSIS):
        list(engine.run(prepared, "default").rows)


def test_many_comparisons_do_not_count_as_nesting(engine: Engine) -> None:
    assert rows(engine, "SELECT " + " AND ".join(["1 < 2"] * 300)) == [("true",)]


def test_the_stack_of_a_thread_is_large_enough_for_the_recursion_limit() -> None:
    """Calls through C need most of the stack: the JSON of a request, and a call with ``*arguments``."""
    allow_deep_calls()
    ended = []

    def unbounded(*arguments: int) -> int:
        return sorted([0], key=lambda _: unbounded(*arguments))[0]

    def run() -> None:
        calls: list[Callable[[], object]] = [lambda: json.loads("[" * 100_000), unbounded]
        for call in calls:
            try:
                call()
            except RecursionError:
                ended.append(call)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(ended) == 2
