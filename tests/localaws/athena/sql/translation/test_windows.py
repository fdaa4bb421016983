"""Windows follow Trino's rules: frames, null treatment and the WINDOW clause."""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine

NUMBERS = "(VALUES (1, NULL), (2, 10), (2, 20), (5, NULL)) t(x, y)"
DAYS = "(VALUES DATE '2024-01-31', DATE '2024-02-29', DATE '2024-03-31') t(d)"


def column(engine: Engine, expression: str, source: str) -> list[str | None]:
    sql = f"SELECT {expression} FROM {source}"
    return [row[-1] for row in sorted(engine.run(engine.prepare(sql), "default").rows, key=str)]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("x, y, sum(x) OVER (ORDER BY x ROWS BETWEEN x - 1 PRECEDING AND CURRENT ROW)", None),
        ("x, sum(x) OVER (ORDER BY x GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW)", ["1", "5", "5", "9"]),
        ("x, sum(x) OVER (ORDER BY x GROUPS 0 PRECEDING)", ["1", "4", "4", "5"]),
        ("x, sum(x) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND 3 FOLLOWING)", ["5", "10", "10", "5"]),
        ("x, sum(x) OVER (ORDER BY x DESC RANGE BETWEEN DECIMAL '0.5' PRECEDING AND 1e0 FOLLOWING)",
         ["1", "5", "5", "5"]),
        ("x, count(*) OVER (ORDER BY y NULLS FIRST RANGE BETWEEN 5 PRECEDING AND CURRENT ROW)", ["2", "1", "1", "2"]),
        ("x, y, lag(y) IGNORE NULLS OVER (ORDER BY x, y)", [None, None, "10", "20"]),
        ("x, y, lead(y, 1, -1) IGNORE NULLS OVER (ORDER BY x, y)", ["10", "20", "-1", "-1"]),
        ("x, y, first_value(y) IGNORE NULLS OVER (ORDER BY x, y ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
         ["10", "10", "20", None]),
        ("x, y, nth_value(y, 2) RESPECT NULLS OVER (ORDER BY x, y)", [None, "10", "10", "10"]),
        ("x, y, row_number() OVER (ORDER BY x, y ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING)", ["1", "2", "3", "4"]),
        ("x, count(*) FILTER (WHERE y > 10) OVER (PARTITION BY x)", ["0", "1", "1", "0"]),
    ],
)  # fmt: skip
def test_window(engine: Engine, expression: str, values: list[str | None] | None) -> None:
    expected = values or ["1", "3", "4", "10"]
    assert column(engine, expression, NUMBERS) == expected


def test_an_offset_of_range_can_be_an_interval(engine: Engine) -> None:
    window = "OVER (ORDER BY d RANGE BETWEEN INTERVAL '1' MONTH PRECEDING AND CURRENT ROW)"
    assert column(engine, f"d, count(*) {window}", DAYS) == ["1", "2", "2"]


@pytest.mark.parametrize(
    ("expression", "windows", "values"),
    [
        ("x, sum(x) OVER w", "w AS (PARTITION BY x)", ["1", "4", "4", "5"]),
        ("x, y, sum(x) OVER (w ROWS 1 PRECEDING)", "w AS (ORDER BY x, y)", ["1", "3", "4", "7"]),
        ("x, y, rank() OVER W2", "w AS (PARTITION BY x), w2 AS (w ORDER BY y)", ["1", "1", "2", "1"]),
    ],
)
def test_a_window_can_be_named(engine: Engine, expression: str, windows: str, values: list[str]) -> None:
    assert column(engine, expression, f"{NUMBERS} WINDOW {windows}") == values


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("sum(x) OVER w", "INVALID_WINDOW_REFERENCE: line 1:20: Cannot resolve WINDOW name w"),
        ("lag(x) OVER ()", "MISSING_ORDER_BY: line 1:8: lag function requires an ORDER BY window clause"),
        ("lead(x) OVER (ORDER BY x ROWS 1 PRECEDING)",
         "INVALID_WINDOW_FRAME: line 1:8: Cannot specify window frame for lead function"),
        ("sum(x) OVER (ORDER BY x ROWS -1 PRECEDING)",
         "INVALID_WINDOW_FRAME: Window frame offset value must not be negative or null"),
        ("sum(x) OVER (ORDER BY x RANGE y PRECEDING)",
         "INVALID_WINDOW_FRAME: Window frame offset value must not be negative or null"),
        ("sum(x) OVER (ORDER BY x ROWS 1e0 PRECEDING)",
         "TYPE_MISMATCH: line 1:37: Window frame ROWS value type must be exact numeric type with scale 0"),
        ("sum(x) OVER (RANGE 1 PRECEDING)",
         "MISSING_ORDER_BY: Window frame of type RANGE PRECEDING or FOLLOWING requires ORDER BY"),
        ("sum(x) OVER (ORDER BY x, y RANGE 1 PRECEDING)", "INVALID_ORDER_BY: Window frame of type RANGE "),
        ("sum(x) OVER (ROWS BETWEEN CURRENT ROW AND 1 PRECEDING)",
         "INVALID_WINDOW_FRAME: Window frame starting from CURRENT ROW cannot end with PRECEDING"),
        ("rank() FILTER (WHERE x > 1) OVER (ORDER BY x)",
         "FUNCTION_NOT_AGGREGATE: line 1:8: Filter is only valid for aggregation functions"),
        ("sum(x) IGNORE NULLS OVER ()", "not supported by the local Athena: IGNORE NULLS or RESPECT NULLS of sum"),
    ],
)  # fmt: skip
def test_an_invalid_window_is_an_error(engine: Engine, call: str, message: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        engine.run(engine.prepare(f"SELECT {call} FROM {NUMBERS}"), "default")
    assert failure.value.message.startswith(message)


@pytest.mark.parametrize(
    ("call", "windows", "message"),
    [
        ("sum(x) OVER (w PARTITION BY y)", "w AS (ORDER BY x)", "INVALID_PARTITION_BY: line 1:21: "),
        ("sum(x) OVER (w ORDER BY y)", "w AS (ORDER BY x)", "INVALID_ORDER_BY: line 1:21: "),
        ("sum(x) OVER (w ORDER BY y)", "w AS (ROWS 1 PRECEDING)", "INVALID_WINDOW_REFERENCE: line 1:21: "),
        ("1", "w AS (ORDER BY x), W AS ()", "DUPLICATE_WINDOW_NAME: "),
    ],
)
def test_an_invalid_reference_to_a_window_is_an_error(
    engine: Engine, call: str, windows: str, message: str
) -> None:
    with pytest.raises(QueryFailed) as failure:
        engine.run(engine.prepare(f"SELECT {call} FROM {NUMBERS} WINDOW {windows}"), "default")
    assert failure.value.message.startswith(message)
