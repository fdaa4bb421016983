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


@pytest.fixture(scope="module")
def measured(warehouse: Any) -> Any:
    """A partitioned table with three files, one of which is in the partition of NULL."""
    columns = "id bigint, ts timestamp, region string, ratio double, tags array<string>, d decimal(5,2)"
    warehouse.create_iceberg("m", columns, "PARTITIONED BY (region, day(ts))")
    day = "TIMESTAMP '2024-01-31 10:00:00.5'"
    warehouse.rows(
        f"INSERT INTO m VALUES (3, {day}, 'eu', 1.5, ARRAY['x'], 1.25), (1, {day}, 'eu', NULL, NULL, NULL)"
    )
    warehouse.rows(f"INSERT INTO m VALUES (9, {day}, 'eu', 0.5, NULL, 0.5)")
    warehouse.rows("INSERT INTO m VALUES (NULL, NULL, NULL, NULL, NULL, NULL)")
    return warehouse


def test_files_have_their_bounds_and_partition(measured: Any) -> None:
    outcome = measured.run('SELECT * FROM "m$files" WHERE record_count = 2')
    assert outcome.types[-1] == "row"
    [row] = outcome.rows
    assert row[9] == "{1=1, 2=2024-01-31T10:00:00.500000, 3=eu, 4=1.5, 6=1.25}"
    assert row[10] == "{1=3, 2=2024-01-31T10:00:00.500000, 3=eu, 4=1.5, 6=1.25}"
    assert row[-1] == "{region=eu, ts_day=2024-01-31}"


def test_manifests_summarize_the_partitions(measured: Any) -> None:
    assert measured.rows(
        "SELECT added_data_files_count, added_rows_count, existing_rows_count, partition_summaries FROM "
        '"m$manifests" ORDER BY added_rows_count DESC LIMIT 1'
    ) == [
        (
            *("1", "2", "0"),
            "[{contains_null=false, contains_nan=false, lower_bound=eu, upper_bound=eu}, "
            "{contains_null=false, contains_nan=false, lower_bound=2024-01-31, upper_bound=2024-01-31}]",
        )
    ]
    paths = measured.rows('SELECT path, length FROM "m$manifests"')
    for path, length in paths:
        found = measured.s3.head_object(Bucket=measured.bucket, Key=path.split("/", 3)[3])
        assert str(found["ContentLength"]) == length


def test_partitions_have_the_measures_of_their_files(measured: Any) -> None:
    outcome = measured.run('SELECT * FROM "m$partitions" ORDER BY record_count DESC')
    assert outcome.types == ["row", "bigint", "bigint", "bigint", "row"]
    first, second = outcome.rows
    sizes = measured.rows("SELECT sum(file_size_in_bytes) FROM \"m$files\" WHERE partition.region = 'eu'")
    assert first[:4] == ("{region=eu, ts_day=2024-01-31}", "3", "2", sizes[0][0])
    assert first[4] == (
        "{id={min=1, max=9, null_count=0, nan_count=null}, ts={min=2024-01-31 10:00:00.500000, "
        "max=2024-01-31 10:00:00.500000, null_count=0, nan_count=null}, ratio={min=0.5, max=1.5, null_count=1, "
        "nan_count=null}, d={min=0.50, max=1.25, null_count=1, nan_count=null}}"
    )
    assert second[0] == "{region=null, ts_day=null}"
    assert measured.rows('SELECT data.id.max FROM "m$partitions" WHERE partition.region IS NULL') == [(None,)]


def test_a_table_without_partitions_has_one_row_of_measures(changed: Any) -> None:
    assert changed.rows('SELECT record_count, data.name.min FROM "t$partitions"') == [("1", "b")]


def test_a_table_without_snapshots_has_empty_metadata_tables(warehouse: Any) -> None:
    warehouse.create_iceberg("unused")
    for kind in ("snapshots", "history", "refs", "files", "manifests", "partitions"):
        assert warehouse.rows(f'SELECT 1 FROM "unused${kind}"') == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ('SELECT * FROM "t$properties"', 'local Athena: the metadata table "t$properties"'),
        ('SELECT partition FROM "t$files"', "COLUMN_NOT_FOUND"),
        ('SELECT * FROM "absent$refs"', "metadata table"),
        ('SELECT "$path" FROM "t$refs"', "COLUMN_NOT_FOUND"),
        ('SELECT * FROM "t$refs" FOR VERSION AS OF 1', "not supported by the local Athena"),
    ],
)
def test_an_invalid_query_of_a_metadata_table_is_refused(changed: Any, query: str, reason: str) -> None:
    assert reason in changed.failure(query)
