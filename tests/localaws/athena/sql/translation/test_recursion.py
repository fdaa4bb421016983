"""WITH RECURSIVE has Trino's rules and limit."""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine

EDGES = "edges(a, b) AS (VALUES (1, 2), (2, 3), (3, 4), (2, 5))"


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("WITH RECURSIVE t(n) AS (VALUES 1 UNION ALL SELECT n + 1 FROM t WHERE n < 11) SELECT sum(n) FROM t",
         [("66",)]),
        (f"WITH RECURSIVE {EDGES}, r(x, depth) AS (SELECT 1, 0 "
         "UNION ALL SELECT b, depth + 1 FROM r JOIN edges ON a = x) "
         "SELECT x, depth FROM r ORDER BY x", [("1", "0"), ("2", "1"), ("3", "2"), ("4", "3"), ("5", "2")]),
        ("WITH RECURSIVE t(n) AS (VALUES 1, 1 UNION SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t ORDER BY n",
         [("1",), ("2",), ("3",)]),
        ("WITH RECURSIVE t(n) AS (SELECT BIGINT '1' UNION ALL SELECT CAST(2 AS integer) FROM t WHERE n < 2) "
         "SELECT n FROM t", [("1",), ("2",)]),
        ("WITH RECURSIVE t(n) AS (SELECT 1), u AS (SELECT n FROM t UNION ALL SELECT 2) SELECT n FROM u ORDER BY 1",
         [("1",), ("2",)]),
    ],
)  # fmt: skip
def test_recursion(engine: Engine, sql: str, rows: list[tuple[str | None, ...]]) -> None:
    assert list(engine.run(engine.prepare(sql), "default").rows) == rows


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("t(n) AS (VALUES 1 UNION ALL SELECT n + 1 FROM t WHERE n < 13)",
         "NOT_SUPPORTED: Recursion depth limit exceeded (10). Use 'max_recursion_depth' session property"),
        ("t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t)", "MISSING_COLUMN_ALIASES: line 1:16: "),
        ("t(n) AS (SELECT n FROM t UNION ALL SELECT 1)", "INVALID_RECURSIVE_REFERENCE: "),
        ("t(n) AS (SELECT 1 UNION ALL SELECT 1 FROM t a CROSS JOIN t b)", "INVALID_RECURSIVE_REFERENCE: "),
        ("t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t ORDER BY 1)", "NOT_SUPPORTED: "),
        ("t(n) AS (SELECT 1 UNION ALL SELECT n + BIGINT '1' FROM t)",
         "TYPE_MISMATCH: line 1:32: recursion step relation output type (bigint) is not coercible to recursion base "
         "relation output type (integer) at column 1"),
        ("t(n) AS (SELECT 1 UNION ALL SELECT n, n FROM t)", "TYPE_MISMATCH: "),
    ],
)  # fmt: skip
def test_an_invalid_recursion_is_an_error(engine: Engine, query: str, message: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        list(engine.run(engine.prepare(f"WITH RECURSIVE {query} SELECT * FROM t"), "default").rows)
    assert failure.value.message.startswith(message)
