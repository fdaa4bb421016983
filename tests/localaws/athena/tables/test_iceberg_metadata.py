"""The metadata tables of an Iceberg table, compared with the metadata file and with the columns of Trino."""

from __future__ import annotations

import re
from typing import Any

import pytest


@pytest.fixture(scope="module")
def changed(warehouse: Any) -> Any:
    """A table with two snapshots."""
    warehouse.create_iceberg("t")
    warehouse.rows("INSERT INTO t VALUES (1, 'a')")
    warehouse.rows("UPDATE t SET name = 'b'")
    return warehouse


def test_snapshots(changed: Any) -> None:
    outcome = changed.run('SELECT * FROM "t$snapshots" ORDER BY committed_at')
    assert outcome.types == ["timestamp with time zone", "bigint", "bigint", "varchar", "varchar", "map"]
    first, second = outcome.rows
    assert (first[2], first[3]) == (None, "append")
    assert (second[2], second[3]) == (first[1], "overwrite")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC", first[0])
    assert first[4].startswith(f"s3://{changed.bucket}/t/metadata/snap-{first[1]}-")
    assert changed.rows(
        "SELECT element_at(summary, 'added-records'), element_at(summary, 'operation') "
        f'FROM {changed.database}."t$snapshots" WHERE parent_id IS NULL'
    ) == [("1", None)]
    assert changed.rows(f"SELECT name FROM t FOR VERSION AS OF {first[1]}") == [("a",)]


def test_history_and_refs_name_the_current_snapshot(changed: Any) -> None:
    outcome = changed.run('SELECT * FROM "t$history" ORDER BY made_current_at')
    assert outcome.types == ["timestamp with time zone", "bigint", "bigint", "boolean"]
    history = outcome.rows
    assert [row[3] for row in history] == ["true", "true"]
    assert changed.rows('SELECT * FROM "t$refs"') == [("main", "BRANCH", history[1][1], None, None, None)]
    joined = (
        'SELECT r.name FROM "t$refs" r JOIN "t$snapshots" s ON r.snapshot_id = s.snapshot_id CROSS JOIN t'
    )
    assert changed.rows(joined) == [("main",)]
    assert changed.rows('SELECT count(*) FROM "t$history"') == [("2",)]


def test_files_are_those_of_the_current_snapshot(changed: Any) -> None:
    outcome = changed.run(
        "SELECT content, file_path, file_format, record_count, file_size_in_bytes, value_counts, null_value_counts, "
        'key_metadata, cardinality(split_offsets), equality_ids FROM "t$files"'
    )
    [(path,)] = changed.rows('SELECT DISTINCT "$path" FROM t')
    size = changed.s3.head_object(Bucket=changed.bucket, Key=path.split("/", 3)[3])["ContentLength"]
    assert outcome.rows == [
        ("0", path, "PARQUET", "1", str(size), "{1=1, 2=1}", "{1=0, 2=0}", None, "1", None)
    ]
    assert changed.rows('SELECT count(*), sum(record_count) FROM "t$files"') == [("1", "1")]


def test_a_table_without_snapshots_has_empty_metadata_tables(warehouse: Any) -> None:
    warehouse.create_iceberg("unused")
    for kind in ("snapshots", "history", "refs", "files"):
        assert warehouse.rows(f'SELECT 1 FROM "unused${kind}"') == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ('SELECT * FROM "t$manifests"', 'local Athena: the metadata table "t$manifests"'),
        ('SELECT * FROM "t$files"', "not supported by the local Athena: "),
        ('SELECT lower_bounds FROM "t$files"', "not supported by the local Athena: "),
        ('SELECT * FROM "absent$refs"', "metadata table"),
        ('SELECT "$path" FROM "t$refs"', "COLUMN_NOT_FOUND"),
        ('SELECT * FROM "t$refs" FOR VERSION AS OF 1', "not supported by the local Athena"),
    ],
)
def test_an_invalid_query_of_a_metadata_table_is_refused(changed: Any, query: str, reason: str) -> None:
    assert reason in changed.failure(query)
