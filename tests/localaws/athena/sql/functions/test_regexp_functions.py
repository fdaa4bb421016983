"""Regular expression functions: groups, replacements, empty matches, and rejections at run time."""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine


def ask(engine: Engine, expression: str) -> str | None:
    ((answer,),) = engine.run(engine.prepare(f"SELECT {expression}"), "default").rows
    return answer


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("regexp_extract('ac', '(b)?c', 1)", None),
        ("regexp_extract('ac', '(b)?c', 0)", "c"),
        ("regexp_extract('ac', '(b*)c', 1)", ""),
        ("regexp_replace('ab', '.*', '-')", "--"),
        ("regexp_replace('ab', '', '-')", "-a-b-"),
        ("regexp_replace('aab', 'a|', '-')", "---b-"),
        ("regexp_replace('aab', '|a', '-')", "-a-a-b-"),
        ("regexp_replace('0123456789X', '(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(X)', '$11$10$12')", "X902"),
        ("regexp_replace('ac', '(b)?c', '[$1]')", "a[]"),
        ("regexp_replace('ac', '(?<first>a)', '${first}${first}')", "aac"),
        (r"regexp_replace('a', 'a', '\$1\\')", "$1\\"),
        ("regexp_replace('💶a', '.', '-')", "--"),
        ("regexp_split('', 'a')", "[]"),
        ("regexp_split('ab', '')", "[, a, b, ]"),
        ("regexp_position('äöä', 'ä', 2)", "3"),
        ("regexp_position('a', 'a', 2)", "-1"),
        ("regexp_like(CAST(NULL AS varchar), 'a')", None),
        ("regexp_like('a', CAST(NULL AS varchar))", None),
        ("regexp_like('aab', p) FROM (VALUES 'a{2}b') t(p)", "true"),
        ("TRY(regexp_like('a', '('))", None),
    ],
)
def test_result(engine: Engine, expression: str, text: str | None) -> None:
    assert ask(engine, expression) == text


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("regexp_like('a', '(')", "INVALID_FUNCTION_ARGUMENT: end pattern with unmatched parenthesis: ("),
        ("regexp_extract('a', 'a', 1)", "INVALID_FUNCTION_ARGUMENT: Pattern has 0 groups. Cannot access group 1"),
        ("regexp_extract('a', 'a', -1)", "INVALID_FUNCTION_ARGUMENT: Group cannot be negative"),
        ("regexp_replace('a', 'a', '$')", "INVALID_FUNCTION_ARGUMENT: Illegal replacement sequence: $"),
        ("regexp_replace('a', 'a', '$x')", "INVALID_FUNCTION_ARGUMENT: Illegal replacement sequence: $x"),
        ("regexp_replace('a', 'a', '$1')", "INVALID_FUNCTION_ARGUMENT: Illegal replacement sequence: unknown group 1"),
        ("regexp_replace('a', 'a', '${x}')",
         "INVALID_FUNCTION_ARGUMENT: Illegal replacement sequence: unknown group { x }"),
        ("regexp_position('a', 'a', 0)", "INVALID_FUNCTION_ARGUMENT: start position cannot be smaller than 1"),
        ("regexp_position('a', 'a', 1, 0)", "INVALID_FUNCTION_ARGUMENT: occurrence cannot be smaller than 1"),
        (r"regexp_like('a', '\h')", r"not supported by the local Athena: \h in the regular expression \h"),
    ],
)  # fmt: skip
def test_failure(engine: Engine, expression: str, message: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        ask(engine, expression)
    assert failure.value.message == message


@pytest.mark.parametrize(
    "expression",
    [
        r"TRY(regexp_like('a', '\h'))",
        r"coalesce(TRY(regexp_like('a', p)), true) FROM (VALUES '\h') t(p)",
        r"count(*) FROM (VALUES '\h') t(p) WHERE TRY(regexp_like('a', p))",
    ],
)
def test_a_rejection_is_not_caught_by_try(engine: Engine, expression: str) -> None:
    with pytest.raises(QueryFailed, match="not supported by the local Athena: "):
        ask(engine, expression)
    assert ask(engine, "TRY(regexp_like('a', 'a'))") == "true"


def test_a_pattern_that_takes_too_long_is_rejected(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localaws.athena.sql.functions.regexp_functions._SECONDS", 0.1)
    with pytest.raises(QueryFailed, match=r"takes over 0\.1 seconds on one text"):
        ask(engine, f"regexp_like('{'a' * 60}!', '(?=a)(a|aa)+$')")
