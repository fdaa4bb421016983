"""CREATE TABLE AS and INSERT INTO of Iceberg tables."""

from __future__ import annotations

from typing import Any

import pytest


def test_create_table_as_writes_a_partitioned_table_in_one_commit(warehouse: Any) -> None:
    sql = (
        "CREATE TABLE made_as WITH (table_type = 'ICEBERG', is_external = false, "
        f"location = 's3://{warehouse.bucket}/made_as/', partitioning = ARRAY['region', 'bucket(id, 2)']) "
        "AS SELECT 1 AS id, 'eu' AS region, CAST(TIMESTAMP '2024-01-01 00:00:00' AS timestamp(6)) AS ts"
    )
    assert warehouse.run(sql).state == "SUCCEEDED"
    paths = warehouse.rows('SELECT id, ts, "$path" FROM made_as')
    assert paths[0][:2] == ("1", "2024-01-01 00:00:00.000000")
    assert f"s3://{warehouse.bucket}/made_as/data/region=eu/id_bucket=" in paths[0][2]
    assert "already exists" in warehouse.failure(sql)
    listed = warehouse.s3.list_objects_v2(Bucket=warehouse.bucket, Prefix="made_as/metadata/00000-")
    assert listed["KeyCount"] == 1


@pytest.mark.parametrize(
    ("properties", "column", "reason"),
    [
        ("is_external = false", "1", "needs location"),
        ("location = 's3://b/x/'", "1", "is_external = false"),
        ("is_external = false, location = 's3://b/x/'", "CAST(1 AS tinyint)", "Iceberg: tinyint"),
        (
            "is_external = false, location = 's3://b/x/'",
            "TIMESTAMP '2024-01-01 00:00:00.000'",
            'Timestamp precision (3) not supported for Iceberg. Use "timestamp(6)" instead.',
        ),
        (
            "is_external = false, location = 's3://b/x/', partitioning = ARRAY['bucket(2, a)']",
            "1",
            "Invalid partition field declaration",
        ),
    ],
)
def test_an_invalid_create_table_as_is_refused(
    warehouse: Any, properties: str, column: str, reason: str
) -> None:
    sql = f"CREATE TABLE x WITH (table_type = 'ICEBERG', {properties}) AS SELECT {column} AS a"
    assert reason in warehouse.failure(sql)


def test_an_insert_that_fails_leaves_no_files(warehouse: Any) -> None:
    warehouse.create_iceberg("failing", "id int, part int", "PARTITIONED BY (part)")
    many = "SELECT CAST(x AS int), CAST(x AS int) FROM UNNEST(sequence(1, 101)) AS t(x)"
    assert "ICEBERG_TOO_MANY_OPEN_PARTITIONS" in warehouse.failure(f"INSERT INTO failing {many}")
    assert "DIVISION_BY_ZERO" in warehouse.failure("INSERT INTO failing VALUES (1 / 0, 1)")
    listed = warehouse.s3.list_objects_v2(Bucket=warehouse.bucket, Prefix="failing/data/")
    assert listed["KeyCount"] == 0
    assert warehouse.rows("SELECT count(*) FROM failing") == [("0",)]


def test_an_insert_casts_its_columns_and_fills_missing_ones_with_null(warehouse: Any) -> None:
    warehouse.create_iceberg("cast_to", "id bigint, at timestamp, name string")
    warehouse.rows("INSERT INTO cast_to (at, id) SELECT DATE '2024-01-01', CAST(1 AS tinyint)")
    assert warehouse.rows("SELECT * FROM cast_to") == [("1", "2024-01-01 00:00:00.000000", None)]
    assert "TYPE_MISMATCH" in warehouse.failure("INSERT INTO cast_to VALUES ('x', NULL, NULL)")
    assert "mismatched column types: Table: [bigint, timestamp(6), varchar]" in warehouse.failure(
        "INSERT INTO cast_to VALUES (1)"
    )
