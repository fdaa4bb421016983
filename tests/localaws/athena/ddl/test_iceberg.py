"""Iceberg tables by DDL, compared with the documentation of Athena."""

from __future__ import annotations

import json
from typing import Any

import pytest

ICEBERG = "TBLPROPERTIES ('table_type'='ICEBERG')"


def metadata(warehouse: Any, name: str) -> dict[str, Any]:
    glue = warehouse.glue.get_table(DatabaseName=warehouse.database, Name=name)["Table"]
    key = glue["Parameters"]["metadata_location"].partition(f"{warehouse.bucket}/")[2]
    found: dict[str, Any] = json.loads(
        warehouse.s3.get_object(Bucket=warehouse.bucket, Key=key)["Body"].read()
    )
    return found


def test_a_table_has_its_metadata_below_its_location_and_the_type_iceberg_in_glue(warehouse: Any) -> None:
    warehouse.create_iceberg(
        "made", "id bigint COMMENT 'key', ts timestamp", "PARTITIONED BY (day(ts), bucket(4, id))"
    )
    glue = warehouse.glue.get_table(DatabaseName=warehouse.database, Name="made")["Table"]
    assert glue["TableType"] == "EXTERNAL_TABLE"
    assert glue["Parameters"]["table_type"] == "ICEBERG"
    assert glue["Parameters"]["metadata_location"].startswith(f"s3://{warehouse.bucket}/made/metadata/00000-")
    found = metadata(warehouse, "made")
    assert found["format-version"] == 2
    assert [field["name"] for field in found["partition-specs"][0]["fields"]] == ["ts_day", "id_bucket"]
    assert warehouse.rows("DESCRIBE made") == [
        ("# Table schema:\t\t",),
        ("# col_name\tdata_type\tcomment",),
        ("id\tbigint\tkey",),
        ("ts\ttimestamp\t",),
        ("\t\t",),
        ("# Partition spec:\t\t",),
        ("# field_name\tfield_transform\tcolumn_name",),
        ("ts_day\tday\tts",),
        ("id_bucket\tbucket[4]\tid",),
    ]


def test_show_create_table_creates_an_equal_table(warehouse: Any) -> None:
    fields = "year(a), month(b), day(c), hour(c), truncate(3, d), bucket(8, e), f"
    columns = (
        "a date, b date, c timestamp, d string, e int, f decimal(10,2), g map<string,array<struct<x:int>>>"
    )
    warehouse.create_iceberg(
        "shown", columns, f"COMMENT 'it''s' PARTITIONED BY ({fields})".replace("''", "\\'")
    )
    text = "\n".join(line for (line,) in warehouse.rows("SHOW CREATE TABLE shown"))
    before = metadata(warehouse, "shown")
    warehouse.rows("DROP TABLE shown")
    assert warehouse.rows(text) == []
    after = metadata(warehouse, "shown")
    for part in ("schemas", "partition-specs", "properties", "location"):
        assert after[part] == before[part]


def test_drop_table_removes_its_files(warehouse: Any) -> None:
    warehouse.create_iceberg("dropped")
    warehouse.rows("INSERT INTO dropped VALUES (1, 'a')")
    listed = {"Bucket": warehouse.bucket, "Prefix": "dropped/"}
    assert warehouse.s3.list_objects_v2(**listed)["KeyCount"] > 3
    warehouse.rows("DROP TABLE dropped")
    assert warehouse.s3.list_objects_v2(**listed)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE TABLE x (a int) {iceberg}", "table location must be set"),
        ("CREATE EXTERNAL TABLE x (a int) LOCATION 's3://b/x/' {iceberg}", "External keyword not supported"),
        (
            "CREATE TABLE x (a tinyint) LOCATION 's3://b/x/' {iceberg}",
            "Type not supported for Iceberg: tinyint",
        ),
        ("CREATE TABLE x (a varchar(3)) LOCATION 's3://b/x/' {iceberg}", "Iceberg: varchar"),
        ("CREATE TABLE x (a int, a int) LOCATION 's3://b/x/' {iceberg}", "DUPLICATE_COLUMN_NAME"),
        ("CREATE TABLE x (a int) PARTITIONED BY (b) LOCATION 's3://b/x/' {iceberg}", "COLUMN_NOT_FOUND"),
        ("CREATE TABLE x (a int) PARTITIONED BY (day(a)) LOCATION 's3://b/x/' {iceberg}", "invalid type"),
        (
            "CREATE TABLE x (a int) PARTITIONED BY (bucket(a)) LOCATION 's3://b/x/' {iceberg}",
            "Invalid partition",
        ),
        ("CREATE TABLE x (a int) LOCATION 's3://b/x/'", "table_type"),
        (
            "CREATE TABLE x (a int) LOCATION 's3://b/x/' TBLPROPERTIES ('table_type'='ICEBERG', 'format'='orc')",
            "not supported by the local Athena: writing Iceberg tables with the format orc",
        ),
        (
            "CREATE TABLE x (a int) LOCATION 's3://b/x/' TBLPROPERTIES ('table_type'='ICEBERG', 'y'='1')",
            "Unsupported table property key: y",
        ),
    ],
)
def test_an_invalid_table_is_refused(warehouse: Any, statement: str, reason: str) -> None:
    assert reason in warehouse.failure(statement.format(iceberg=ICEBERG))
