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


def test_added_columns_are_null_in_old_rows_and_a_dropped_column_does_not_return(warehouse: Any) -> None:
    warehouse.create_iceberg("evolved")
    warehouse.rows("INSERT INTO evolved VALUES (1, 'a')")
    old = metadata(warehouse, "evolved")["current-snapshot-id"]
    columns = "tags array<struct<k: string, v: int>> COMMENT 'c', at timestamp"
    assert warehouse.rows(f"ALTER TABLE evolved ADD COLUMNS ({columns})") == []
    warehouse.rows(
        "INSERT INTO evolved VALUES (2, 'b', ARRAY[CAST(ROW('x', 1) AS ROW(k varchar, v int))], "
        "TIMESTAMP '2024-01-01 00:00:00.000001')"
    )
    assert warehouse.rows("SELECT id, tags[1].v, at FROM evolved ORDER BY id") == [
        ("1", None, None),
        ("2", "1", "2024-01-01 00:00:00.000001"),
    ]
    warehouse.rows("ALTER TABLE evolved DROP COLUMN name")
    names = "SELECT column_name FROM information_schema.columns WHERE table_name = 'evolved'"
    assert warehouse.rows(names) == [("id",), ("tags",), ("at",)]
    assert warehouse.rows(f"SELECT * FROM evolved FOR VERSION AS OF {old}") == [("1", "a")]
    warehouse.rows("ALTER TABLE evolved ADD COLUMNS (name string)")
    assert warehouse.rows("SELECT id, name FROM evolved ORDER BY id") == [("1", None), ("2", None)]
    warehouse.rows("UPDATE evolved SET name = 'z' WHERE id = 1")
    assert warehouse.rows("SELECT id, name FROM evolved ORDER BY id") == [("1", "z"), ("2", None)]


def test_change_column_changes_name_type_comment_and_position(warehouse: Any) -> None:
    columns = "a int, b float, c decimal(4,2), d map<string,int>"
    warehouse.create_iceberg("changed", columns, "PARTITIONED BY (a, bucket(4, c))")
    warehouse.rows("INSERT INTO changed VALUES (1, REAL '0.5', 12.34, MAP(ARRAY['k'], ARRAY[7]))")
    for change in (
        "COLUMN a key bigint COMMENT 'the key' AFTER d",
        "b b double",
        "c c decimal(20,2) FIRST",
        "d e map<string,int>",
    ):
        assert warehouse.rows(f"ALTER TABLE changed CHANGE {change}") == []
    lines = warehouse.rows("DESCRIBE changed")[2:6]
    assert lines == [
        ("c\tdecimal(20, 2)\t",),
        ("b\tdouble\t",),
        ("e\tmap<string, int>\t",),
        ("key\tbigint\tthe key",),
    ]
    warehouse.rows(
        "INSERT INTO changed VALUES (DECIMAL '123456789012345678.90', 1e300, MAP(ARRAY['k'], ARRAY[8]), 5000000000)"
    )
    assert warehouse.rows("SELECT c, b, e['k'], key FROM changed ORDER BY key") == [
        ("12.34", "0.5", "7", "1"),
        ("123456789012345678.90", "1.0E300", "8", "5000000000"),
    ]
    assert warehouse.rows("SELECT key FROM changed WHERE key = 1 AND c = 12.34") == [("1",)]
    warehouse.rows("UPDATE changed SET b = 2 WHERE key = 1")
    warehouse.rows("DELETE FROM changed WHERE key > 1")
    assert warehouse.rows("SELECT c, b, e['k'], key FROM changed") == [("12.34", "2.0", "7", "1")]


def test_a_renamed_table_keeps_its_rows(warehouse: Any) -> None:
    warehouse.create_iceberg("before_rename")
    warehouse.rows("INSERT INTO before_rename VALUES (1, 'a')")
    warehouse.create_iceberg("other")
    assert "already exists" in warehouse.failure("ALTER TABLE before_rename RENAME TO other")
    assert "Database does not exist: no_db" in warehouse.failure(
        "ALTER TABLE before_rename RENAME TO no_db.other"
    )
    assert warehouse.rows("ALTER TABLE before_rename RENAME TO renamed") == []
    assert "TABLE_NOT_FOUND" in warehouse.failure("SELECT * FROM before_rename")
    warehouse.rows("INSERT INTO renamed VALUES (2, 'b')")
    assert warehouse.rows("SELECT * FROM renamed ORDER BY id") == [("1", "a"), ("2", "b")]


def test_properties_are_set_and_unset_in_the_metadata(warehouse: Any) -> None:
    warehouse.create_iceberg("with_properties")
    before = metadata(warehouse, "with_properties")["properties"]
    warehouse.rows(
        "ALTER TABLE with_properties SET TBLPROPERTIES ('write_compression'='snappy', "
        "'vacuum_max_snapshot_age_seconds'='10')"
    )
    found = metadata(warehouse, "with_properties")["properties"]
    assert found["write.parquet.compression-codec"] == found["write_compression"] == "snappy"
    assert found["vacuum_max_snapshot_age_seconds"] == "10"
    warehouse.rows(
        "ALTER TABLE with_properties UNSET TBLPROPERTIES ('write_compression', 'vacuum_max_snapshot_age_seconds')"
    )
    after = metadata(warehouse, "with_properties")["properties"]
    assert after.keys() == before.keys() - {"write.parquet.compression-codec"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ADD COLUMNS (NAME int)", "Duplicate column name: name"),
        ("ADD COLUMNS (x int, x int)", "Duplicate column name: x"),
        ("ADD COLUMNS (x varchar(3))", "Type not supported for Iceberg: varchar"),
        ("ADD COLUMNS (ts_day int)", "ts_day"),
        ("DROP COLUMN missing", "Invalid column reference missing"),
        ("DROP COLUMN ts", "Cannot drop a column of the partition spec or sort order: ts"),
        ("DROP COLUMN `s.x`", "Invalid column reference s.x"),
        ("CHANGE id id int", "Cannot change column type: id: bigint -> int"),
        ("CHANGE name name binary", "Cannot change column type"),
        ("CHANGE s s struct<x: bigint>", "Cannot change column type"),
        ("CHANGE id name bigint", "Duplicate column name: name"),
        ("CHANGE id id bigint AFTER missing", "Invalid column reference missing"),
        ("CHANGE id id bigint AFTER id", "Cannot move id after itself"),
        ("REPLACE COLUMNS (a int)", "REPLACE COLUMNS is not supported for Iceberg tables"),
        ("SET TBLPROPERTIES ('a'='b')", "Unsupported table property key: a"),
        ("SET TBLPROPERTIES ('write.data.path'='s3://b/')", "not supported by the local Athena"),
        ("UNSET TBLPROPERTIES ('comment')", "Unsupported table property key: comment"),
        ("SET LOCATION 's3://b/x/'", "not supported by the local Athena"),
    ],
)
def test_an_invalid_alteration_fails_and_changes_nothing(warehouse: Any, change: str, reason: str) -> None:
    warehouse.create_iceberg(
        "kept", "id bigint, name string, ts timestamp, s struct<x: int>", "PARTITIONED BY (day(ts))"
    )
    before = metadata(warehouse, "kept")
    try:
        assert reason in warehouse.failure(f"ALTER TABLE kept {change}")
        assert metadata(warehouse, "kept") == before
    finally:
        warehouse.rows("DROP TABLE kept")


def test_the_only_column_cannot_be_dropped(warehouse: Any) -> None:
    warehouse.create_iceberg("narrow", "a int")
    assert "only column" in warehouse.failure("ALTER TABLE narrow DROP COLUMN a")


@pytest.mark.parametrize("change", ["DROP COLUMN a", "RENAME TO x", "UNSET TBLPROPERTIES ('a')"])
def test_statements_for_iceberg_tables_are_refused_for_other_tables(warehouse: Any, change: str) -> None:
    warehouse.rows(
        f"CREATE EXTERNAL TABLE IF NOT EXISTS hive_t (a int) LOCATION 's3://{warehouse.bucket}/hive/'"
    )
    assert "Queries of this type are not supported" in warehouse.failure(f"ALTER TABLE hive_t {change}")


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
