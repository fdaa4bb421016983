"""OPTIMIZE and VACUUM of Iceberg tables, compared with the documentation of Athena."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pyiceberg.catalog.glue import GlueCatalog

from localaws.athena.writing.iceberg_optimize import _Rewrite
from tests.localaws.athena.position_deletes import delete_rows


@pytest.fixture
def catalog(warehouse: Any) -> GlueCatalog:
    endpoint = warehouse.aws.endpoint_url
    keys = {"client.access-key-id": "a", "client.secret-access-key": "b", "client.region": "us-east-1"}
    return GlueCatalog("glue", **keys, **{"glue.endpoint": endpoint, "s3.endpoint": endpoint})


def fill(warehouse: Any, name: str, files: int, part: str = "x") -> None:
    for at in range(files):
        warehouse.rows(f"INSERT INTO {name} VALUES ({at}, '{part}')")


def paths(warehouse: Any, name: str) -> set[str]:
    return {path for (path,) in warehouse.rows(f'SELECT file_path FROM "{name}$files"')}


def keys(warehouse: Any, prefix: str) -> set[str]:
    listed = warehouse.s3.list_objects_v2(Bucket=warehouse.bucket, Prefix=prefix).get("Contents", [])
    return {found["Key"] for found in listed}


def optimize(warehouse: Any, name: str, where: str = "") -> Any:
    outcome = warehouse.run(f"OPTIMIZE {name} REWRITE DATA USING BIN_PACK {where}")
    assert outcome.state == "SUCCEEDED", outcome.reason
    return outcome


def test_optimize_merges_small_files_of_a_partition(warehouse: Any) -> None:
    warehouse.create_iceberg("merged", "id bigint, part string", "PARTITIONED BY (part)")
    fill(warehouse, "merged", 5)
    fill(warehouse, "merged", 4, "few")
    before = warehouse.rows("SELECT * FROM merged ORDER BY part, id")
    outcome = optimize(warehouse, "merged")
    assert outcome.execution["StatementType"] == "DML"
    assert outcome.scanned > 0
    assert len(paths(warehouse, "merged")) == 1 + 4
    assert warehouse.rows("SELECT * FROM merged ORDER BY part, id") == before
    operations = warehouse.rows('SELECT operation FROM "merged$snapshots" ORDER BY committed_at DESC LIMIT 1')
    assert operations == [("replace",)]
    files = paths(warehouse, "merged")
    assert optimize(warehouse, "merged").scanned == 0
    assert paths(warehouse, "merged") == files


def test_optimize_rewrites_the_partitions_of_its_condition(warehouse: Any) -> None:
    warehouse.create_iceberg("by_day", "id bigint, ts timestamp, name string", "PARTITIONED BY (day(ts))")
    warehouse.rows("ALTER TABLE by_day SET TBLPROPERTIES ('optimize_rewrite_data_file_threshold'='2')")
    for day in ("01", "02"):
        for at in range(2):
            warehouse.rows(f"INSERT INTO by_day VALUES ({at}, TIMESTAMP '2024-01-{day} 10:00:00', 'x')")
    before = paths(warehouse, "by_day")
    optimize(warehouse, "by_day", "WHERE ts < TIMESTAMP '2024-01-02 00:00:00'")
    after = paths(warehouse, "by_day")
    assert len(after) == 3
    assert {path for path in after & before if "ts_day=2024-01-02" in path} == after & before
    assert warehouse.rows("SELECT count(*), count(DISTINCT ts) FROM by_day") == [("4", "2")]
    for where, reason in [
        ("WHERE name = 'x'", "can only use partition columns: name"),
        ("WHERE ts IN (SELECT ts FROM by_day)", "OPTIMIZE with a subquery"),
    ]:
        assert reason in warehouse.failure(f"OPTIMIZE by_day REWRITE DATA USING BIN_PACK {where}")


def test_optimize_splits_files_larger_than_the_maximum(warehouse: Any) -> None:
    warehouse.create_iceberg("large")
    warehouse.rows("INSERT INTO large SELECT x, CAST(x AS varchar) FROM UNNEST(sequence(1, 5000)) AS t(x)")
    warehouse.rows("ALTER TABLE large SET TBLPROPERTIES ('write_target_data_file_size_bytes'='5000')")
    optimize(warehouse, "large")
    assert len(paths(warehouse, "large")) > 1
    assert warehouse.rows("SELECT count(*), sum(id) FROM large") == [("5000", "12502500")]


def test_vacuum_removes_old_snapshots_and_their_files(warehouse: Any) -> None:
    warehouse.create_iceberg("cleaned")
    warehouse.rows("INSERT INTO cleaned VALUES (1, 'a')")
    warehouse.rows("UPDATE cleaned SET name = 'b'")
    [(old,)] = warehouse.rows('SELECT snapshot_id FROM "cleaned$snapshots" WHERE parent_id IS NULL')
    warehouse.upload("cleaned/data/orphan.parquet", b"x")
    before = keys(warehouse, "cleaned/")
    assert warehouse.rows("VACUUM cleaned") == []  # all snapshots are younger than five days
    assert keys(warehouse, "cleaned/") == before
    warehouse.rows("ALTER TABLE cleaned SET TBLPROPERTIES ('vacuum_max_snapshot_age_seconds'='1')")
    time.sleep(1.1)
    outcome = warehouse.run("VACUUM cleaned")
    assert (outcome.state, outcome.execution["StatementType"]) == ("SUCCEEDED", "DML")
    assert warehouse.rows('SELECT count(*) FROM "cleaned$snapshots"') == [("1",)]
    assert "snapshot ID does not exists" in warehouse.failure(
        f"SELECT * FROM cleaned FOR VERSION AS OF {old}"
    )
    assert warehouse.rows("SELECT * FROM cleaned") == [("1", "b")]
    assert len(keys(warehouse, "cleaned/data/")) == 1
    assert len(keys(warehouse, "cleaned/metadata/snap-")) == 1
    warehouse.rows("INSERT INTO cleaned VALUES (2, 'c')")
    assert warehouse.rows("SELECT count(*) FROM cleaned") == [("2",)]


def test_vacuum_keeps_the_minimum_number_of_snapshots_and_tags(warehouse: Any, catalog: GlueCatalog) -> None:
    warehouse.create_iceberg("tagged", "id bigint, part string")
    fill(warehouse, "tagged", 5)
    table = catalog.load_table((warehouse.database, "tagged"))
    first = table.snapshots()[0].snapshot_id
    table.manage_snapshots().create_tag(first, "release").commit()
    kept = {first, *(snapshot.snapshot_id for snapshot in table.snapshots()[3:])}
    warehouse.rows(
        "ALTER TABLE tagged SET TBLPROPERTIES ('vacuum_max_snapshot_age_seconds'='0', "
        "'vacuum_min_snapshots_to_keep'='2')"
    )
    warehouse.rows("VACUUM tagged")
    assert {snapshot.snapshot_id for snapshot in table.refresh().snapshots()} == kept
    assert table.scan(snapshot_id=first).to_arrow().num_rows == 1


def test_a_concurrent_insert_does_not_conflict_with_optimize(warehouse: Any, catalog: GlueCatalog) -> None:
    warehouse.create_iceberg("rewritten", "id bigint, part string")
    fill(warehouse, "rewritten", 2)
    table = catalog.load_table((warehouse.database, "rewritten"))
    tasks = list(table.scan().plan_files())
    transaction = table.transaction()
    warehouse.rows("INSERT INTO rewritten VALUES (9, 'new')")
    with transaction, _Rewrite(transaction) as snapshot:
        for task in tasks:
            snapshot.delete_data_file(task.file)
        snapshot.append_data_file(tasks[0].file)
    assert warehouse.rows("SELECT count(*) FROM rewritten WHERE part = 'new'") == [("1",)]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("VACUUM absent", "Table not found"),
        ("VACUUM hive_vacuum", "unless they change an Iceberg table"),
        ("OPTIMIZE hive_vacuum REWRITE DATA USING BIN_PACK", "Optimizing Hive tables is not supported"),
        ("OPTIMIZE absent REWRITE DATA USING BIN_PACK", "TABLE_NOT_FOUND"),
    ],
)
def test_other_tables_are_refused(warehouse: Any, statement: str, reason: str) -> None:
    warehouse.rows(
        f"CREATE EXTERNAL TABLE IF NOT EXISTS hive_vacuum (a int) LOCATION 's3://{warehouse.bucket}/hv/'"
    )
    assert reason in warehouse.failure(statement)


def test_optimize_applies_the_position_deletes_of_another_writer(
    warehouse: Any, catalog: GlueCatalog
) -> None:
    warehouse.create_iceberg("deleted_from", "id bigint, part string")
    warehouse.rows("INSERT INTO deleted_from VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    table = catalog.load_table((warehouse.database, "deleted_from"))
    [task] = table.scan().plan_files()
    for position in (0, 2):
        delete_rows(table.refresh(), task.file, [position])
    assert warehouse.rows("SELECT * FROM deleted_from") == [("2", "b")]
    assert optimize(warehouse, "deleted_from").scanned > task.file.file_size_in_bytes
    assert paths(warehouse, "deleted_from") != {task.file.file_path}
    assert warehouse.rows("SELECT * FROM deleted_from") == [("2", "b")]
    assert [len(task.delete_files) for task in table.refresh().scan().plan_files()] == [0]
