"""date_format and date_parse interpret MySQL's letters like Joda-Time."""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine


def ask(engine: Engine, expression: str) -> str | None:
    ((answer,),) = engine.run(engine.prepare(f"SELECT {expression}"), "default").rows
    return answer


@pytest.mark.parametrize(
    ("text", "pattern", "moment"),
    [
        ("7", "%H", "1970-01-01 07:00:00.000"),
        ("7", "%k", "1970-01-01 07:00:00.000"),
        ("12", "%h", "1970-01-01 00:00:00.000"),
        ("12 PM", "%I %p", "1970-01-01 12:00:00.000"),
        ("3 am", "%l %p", "1970-01-01 03:00:00.000"),
        ("11:22:33 PM", "%r", "1970-01-01 23:22:33.000"),
        ("11:22:33", "%T", "1970-01-01 11:22:33.000"),
        ("2024-02-29 12:34:56.789123456", "%Y-%m-%d %H:%i:%s.%f", "2024-02-29 12:34:56.789"),
        ("1.5", "%S.%f", "1970-01-01 00:00:01.500"),
        ("69", "%y", "2069-01-01 00:00:00.000"),
        ("70", "%y", "1970-01-01 00:00:00.000"),
        ("24060", "%y%j", "2024-02-29 00:00:00.000"),
        ("05 march 2024", "%d %M %Y", "2024-03-05 00:00:00.000"),
        ("MAR 5", "%M %e", "2000-03-05 00:00:00.000"),
        ("May2024", "%b%Y", "2024-05-01 00:00:00.000"),
        ("20240305", "%Y%m%d", "2024-03-05 00:00:00.000"),
        ("2024 week%", "%Y WEEK%%", "2024-01-01 00:00:00.000"),
        ("2024q1", "%Y%q%c", "2024-01-01 00:00:00.000"),
    ],
)
def test_date_parse(engine: Engine, text: str, pattern: str, moment: str) -> None:
    assert ask(engine, f"date_parse('{text}', '{pattern}')") == moment


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("2023-02-29", "%Y-%m-%d"),
        ("366 2023", "%j %Y"),
        ("0 2023", "%j %Y"),
        ("24", "%H"),
        ("13", "%h"),
        ("0", "%h"),
        ("60", "%i"),
        ("2024 ", "%Y"),
        (" 2024", "%Y"),
        ("202415", "%Y%m%d"),
        ("12345", "%Y"),
        ("5", "%y"),
        ("Foo", "%b"),
        ("", "%Y"),
    ],
)
def test_a_string_in_another_format_fails(engine: Engine, text: str, pattern: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        ask(engine, f"date_parse('{text}', '{pattern}')")
    assert failure.value.message == f'INVALID_FUNCTION_ARGUMENT: Invalid format: "{text}"'
    assert ask(engine, f"TRY(date_parse('{text}', '{pattern}'))") is None


@pytest.mark.parametrize("pattern", ["%W", "%v", "%Y %y", "%H %p", "%j %m", "x", "%"])
def test_an_unsupported_format_is_rejected(engine: Engine, pattern: str) -> None:
    with pytest.raises(QueryFailed, match="not supported by the local Athena: date_parse with"):
        ask(engine, f"date_parse('x', '{pattern}')")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%f", "007000"),
        ("%h %I %l %k %H", "02 02 2 14 14"),
        ("%r|%T", "02:05:06 PM|14:05:06"),
        ("%x-%v", "2025-01"),
        ("%q%%%Z", "q%Z"),
        ("%%r", "%r"),
    ],
)
def test_date_format(engine: Engine, pattern: str, text: str) -> None:
    moment = "timestamp '2024-12-30 14:05:06.007'"
    assert ask(engine, f"date_format({moment}, '{pattern}')") == text


@pytest.mark.parametrize("letter", "DUuVwX")
def test_letters_that_trino_rejects(engine: Engine, letter: str) -> None:
    with pytest.raises(QueryFailed, match=f"%{letter} not supported in date format string"):
        ask(engine, f"date_format(localtimestamp, '%{letter}')")
