"""DELETE, UPDATE and MERGE INTO, with the results of Trino."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

ROWS = "(1, 'a', 1), (2, 'a', 2), (3, 'b', 3), (4, NULL, NULL)"


@pytest.fixture
def items(warehouse: Any) -> Any:
    warehouse.create_iceberg("items", "id int, name string, n bigint", "PARTITIONED BY (name)")
    warehouse.rows(f"INSERT INTO items VALUES {ROWS}")
    yield warehouse
    warehouse.rows("DROP TABLE items")


def changed(warehouse: Any, sql: str) -> tuple[int, list[tuple[str | None, ...]]]:
    """Return the number of changed rows, and all rows after the change."""
    outcome = warehouse.run(sql)
    assert outcome.state == "SUCCEEDED", outcome.reason
    return outcome.pages["UpdateCount"], warehouse.rows("SELECT * FROM items ORDER BY id")


def test_delete_keeps_rows_whose_condition_is_null(items: Any) -> None:
    assert changed(items, "DELETE FROM items WHERE n < 3") == (2, [("3", "b", "3"), ("4", None, None)])
    assert changed(items, "DELETE FROM items WHERE id IN (SELECT max(id) FROM items)") == (
        1,
        [("3", "b", "3")],
    )
    assert changed(items, "DELETE FROM items") == (1, [])


def test_update_uses_the_old_values_and_moves_rows_to_other_partitions(items: Any) -> None:
    sql = "UPDATE items SET name = 'c', n = id + n WHERE name = 'a' AND id > ?"
    assert changed(items, f"PREPARE up FROM {sql}")[1][1] == ("2", "a", "2")
    assert changed(items, "EXECUTE up USING 1") == (
        1,
        [("1", "a", "1"), ("2", "c", "4"), ("3", "b", "3"), ("4", None, None)],
    )
    assert items.rows("SELECT \"$path\" LIKE '%/name=c/%' FROM items WHERE id = 2") == [("true",)]


def test_merge_applies_the_first_clause_whose_condition_is_true(items: Any) -> None:
    sql = """
        MERGE INTO items AS t USING (VALUES (1, 'x'), (2, 'y'), (3, 'z'), (8, NULL), (9, 'w')) AS s(k, v) ON t.id = s.k
        WHEN MATCHED AND s.v = 'x' THEN DELETE
        WHEN MATCHED AND t.id = 2 THEN UPDATE SET n = CASE WHEN t.n > 1 THEN 20 ELSE 0 END, name = s.v
        WHEN NOT MATCHED AND s.v IS NULL THEN INSERT (id, n) VALUES (s.k, -1)
        WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v, NULL)
    """
    assert changed(items, sql) == (
        4,
        [("2", "y", "20"), ("3", "b", "3"), ("4", None, None), ("8", None, "-1"), ("9", "w", None)],
    )


@pytest.mark.parametrize(
    ("clause", "rows"),
    [
        ("AND s.v = 'x' THEN UPDATE SET name = s.v", [("1", "x", "1"), ("2", "a", "2")]),
        ("AND s.v = 'y' THEN DELETE", [("2", "a", "2"), ("3", "b", "3")]),
    ],
)
def test_merge_may_match_a_row_once_with_a_clause_and_once_without(
    items: Any, clause: str, rows: list[tuple[str, ...]]
) -> None:
    """As in testMergeMultipleRowsMatchFails of Trino."""
    sql = (
        f"MERGE INTO items t USING (VALUES (1, 'x'), (1, 'y')) AS s(k, v) ON t.id = s.k WHEN MATCHED {clause}"
    )
    count, found = changed(items, sql)
    assert (count, found[:2]) == (1, rows)


def test_merge_with_a_table_is_an_upsert(items: Any) -> None:
    items.create_iceberg("news", "id int, name string, n bigint")
    items.rows("INSERT INTO news VALUES (4, 'd', 4), (5, 'e', 5)")
    sql = (
        "MERGE INTO items USING news ON items.id = news.id WHEN MATCHED THEN UPDATE SET name = news.name, n = news.n "
        "WHEN NOT MATCHED THEN INSERT (id, name, n) VALUES (news.id, news.name, news.n)"
    )
    count, rows = changed(items, sql)
    assert (count, rows[3:]) == (2, [("4", "d", "4"), ("5", "e", "5")])
    items.rows("DROP TABLE news")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "MERGE INTO items t USING (VALUES 1, 1) AS s(k) ON t.id = s.k WHEN MATCHED THEN DELETE",
            "MERGE_TARGET_ROW_MULTIPLE_MATCHES",
        ),
        (
            "MERGE INTO items t USING (VALUES 1, 1) AS s(k) ON t.id = s.k WHEN MATCHED AND t.id > 1 THEN DELETE",
            "MERGE_TARGET_ROW_MULTIPLE_MATCHES",
        ),
        (
            "MERGE INTO items t USING (VALUES 1, 1) AS s(k) ON t.id = s.k WHEN NOT MATCHED THEN INSERT (id) VALUES (k)",
            "MERGE_TARGET_ROW_MULTIPLE_MATCHES",
        ),
        (
            "MERGE INTO items t USING (VALUES 1, 2) AS s(k) ON t.id = 1 WHEN MATCHED AND k = 1 THEN DELETE "
            "WHEN MATCHED THEN UPDATE SET n = k",
            "not supported by the local Athena: a MERGE INTO that changes a row by two clauses",
        ),
        (
            "MERGE INTO items t USING (SELECT id FROM items LIMIT 1) AS s ON t.id = s.id WHEN MATCHED THEN DELETE",
            "not supported by the local Athena: a MERGE INTO whose source has LIMIT",
        ),
        ("UPDATE items SET n = 0 WHERE random() < 0.5", "local Athena: random in a condition of UPDATE"),
        ("UPDATE items SET n = 'x'", "Table: [bigint], Expressions: [varchar]"),
        ("UPDATE items SET missing = 1", "Column 'missing' does not exist"),
        ("DELETE FROM items WHERE missing = 1", "COLUMN_NOT_FOUND"),
        ("DELETE FROM absent", "TABLE_NOT_FOUND"),
        ("UPDATE items SET n = 1 / 0 WHERE id = 1", "DIVISION_BY_ZERO"),
    ],
)
def test_an_invalid_change_fails_and_changes_nothing(items: Any, sql: str, reason: str) -> None:
    assert reason in items.failure(sql)
    assert items.rows("SELECT count(*), sum(n) FROM items") == [("4", "6")]


def test_rows_of_hive_tables_cannot_be_changed(warehouse: Any) -> None:
    warehouse.rows(f"CREATE EXTERNAL TABLE hive (a int) LOCATION 's3://{warehouse.bucket}/hive/'")
    assert "NOT_SUPPORTED: Updating Hive tables" in warehouse.failure("UPDATE hive SET a = 1")


def test_of_concurrent_updates_no_one_is_lost(warehouse: Any) -> None:
    warehouse.create_iceberg("counter", "n int")
    warehouse.rows("INSERT INTO counter VALUES (0)")
    with ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(lambda _: warehouse.run("UPDATE counter SET n = n + 1"), range(6)))
    failed = [end for end in ends if end.state == "FAILED"]
    assert all(end.reason.startswith("ICEBERG_COMMIT_ERROR: Failed to commit") for end in failed)
    assert warehouse.rows("SELECT n FROM counter") == [(str(len(ends) - len(failed)),)]
