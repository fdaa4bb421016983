"""Reading Iceberg tables, also those that other clients write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException


@pytest.fixture
def catalog(warehouse: Any) -> GlueCatalog:
    """pyiceberg's own catalog, with its own S3 client, as users of AWS have it."""
    endpoint = warehouse.aws.endpoint_url
    keys = {"client.access-key-id": "a", "client.secret-access-key": "b", "client.region": "us-east-1"}
    return GlueCatalog("glue", **keys, **{"glue.endpoint": endpoint, "s3.endpoint": endpoint})


def test_values_of_all_types_are_read_as_they_were_written(warehouse: Any) -> None:
    columns = (
        "a boolean, b int, c bigint, d float, e double, f decimal(20,3), g string, h binary, i date, j timestamp, "
        "k array<struct<x:int>>, l map<string,struct<y:timestamp>>, m struct<z:array<string>>"
    )
    warehouse.create_iceberg("typed", columns)
    warehouse.rows(
        "INSERT INTO typed VALUES (true, 1, 2, REAL '1.5', 2.5, DECIMAL '1.250', 'é', X'00ff', DATE '2024-02-29', "
        "TIMESTAMP '2024-01-02 03:04:05.123456', ARRAY[ROW(1), NULL], MAP(ARRAY['k'], ARRAY[ROW(TIMESTAMP "
        "'2024-01-01 00:00:00')]), ROW(ARRAY['u']))"
    )
    nulls = ", ".join(["NULL"] * 13)
    warehouse.rows(f"INSERT INTO typed VALUES ({nulls})")
    outcome = warehouse.run("SELECT * FROM typed ORDER BY b NULLS LAST")
    assert outcome.rows == [
        (
            *("true", "1", "2", "1.5", "2.5", "1.250", "é", "00 ff", "2024-02-29"),
            *("2024-01-02 03:04:05.123456", "[{x=1}, null]", "{k={y=2024-01-01 00:00:00.000000}}", "{z=[u]}"),
        ),
        (None,) * 13,
    ]
    assert warehouse.rows("SELECT typeof(j), typeof(k) FROM typed LIMIT 1") == [
        ("timestamp(6)", "array(row(x integer))")
    ]


def test_another_client_reads_and_writes_the_same_table(warehouse: Any, catalog: GlueCatalog) -> None:
    warehouse.create_iceberg("shared", "id bigint, ts timestamp, note string", "PARTITIONED BY (day(ts))")
    warehouse.rows("INSERT INTO shared VALUES (1, TIMESTAMP '2024-01-01 10:00:00', 'x')")
    table = catalog.load_table((warehouse.database, "shared"))
    assert table.scan().to_arrow().to_pylist() == [{"id": 1, "ts": datetime(2024, 1, 1, 10), "note": "x"}]
    table.append(pa.table({"id": [2], "ts": pa.array([datetime(2024, 1, 2)], pa.timestamp("us"))}))
    with table.update_schema() as schema:
        schema.rename_column("id", "number")
        schema.delete_column("note")
    warehouse.rows("INSERT INTO shared VALUES (3, NULL)")
    assert warehouse.rows("SELECT number FROM shared ORDER BY number") == [("1",), ("2",), ("3",)]
    table.refresh().delete("number = 1")
    assert warehouse.rows("SELECT count(*), min(number) FROM shared") == [("2", "2")]


def test_a_table_of_another_client_with_time_zones_is_read(warehouse: Any, catalog: GlueCatalog) -> None:
    rows = pa.table(
        {
            "Id": pa.array([1, None], pa.int32()),
            "at": pa.array([datetime(2024, 1, 1, 12, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        }
    )
    table = catalog.create_table((warehouse.database, "zoned"), rows.schema, f"s3://{warehouse.bucket}/zoned")
    table.append(rows)
    assert warehouse.rows("SELECT id, at, at AT TIME ZONE 'Europe/Berlin' FROM zoned WHERE id = 1") == [
        ("1", "2024-01-01 12:00:00.000000 UTC", "2024-01-01 13:00:00.000000 Europe/Berlin")
    ]
    moment = "TIMESTAMP '2024-01-01 01:00:00.123456 Asia/Tokyo'"
    warehouse.rows(f"INSERT INTO zoned VALUES (2, {moment}), (3, {moment} + INTERVAL '1' HOUR), (4, NULL)")
    warehouse.rows("UPDATE zoned SET at = at + INTERVAL '1' DAY WHERE id = 3")
    warehouse.rows(
        f"MERGE INTO zoned t USING (SELECT 5 AS id, {moment} AS at) s ON t.id = s.id "
        "WHEN NOT MATCHED THEN INSERT (id, at) VALUES (s.id, s.at)"
    )
    assert warehouse.rows("SELECT * FROM zoned WHERE id > 1 ORDER BY id") == [
        ("2", "2023-12-31 16:00:00.123456 UTC"),
        ("3", "2024-01-01 17:00:00.123456 UTC"),
        ("4", None),
        ("5", "2023-12-31 16:00:00.123456 UTC"),
    ]
    assert (
        warehouse.run(
            "CREATE TABLE zoned_too WITH (table_type = 'ICEBERG', is_external = false, "
            f"location = 's3://{warehouse.bucket}/zoned_too/', partitioning = ARRAY['day(at)']) AS SELECT * FROM zoned"
        ).state
        == "SUCCEEDED"
    )
    assert warehouse.rows("SELECT * FROM zoned_too EXCEPT SELECT * FROM zoned") == []
    read = catalog.load_table((warehouse.database, "zoned_too")).scan("id = 3").to_arrow()
    assert read["at"].to_pylist() == [datetime(2024, 1, 1, 17, 0, 0, 123456, tzinfo=UTC)]


def test_concurrent_inserts_lose_no_rows(warehouse: Any) -> None:
    warehouse.create_iceberg("busy", "id int")
    with ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(lambda at: warehouse.run(f"INSERT INTO busy VALUES ({at})"), range(8)))
    done = [at for at, end in enumerate(ends) if end.state == "SUCCEEDED"]
    assert len(done) >= 4
    assert all("ICEBERG_COMMIT_ERROR" in end.reason for end in ends if end.state == "FAILED")
    assert warehouse.rows("SELECT id FROM busy ORDER BY id") == [(str(at),) for at in done]


def test_a_commit_on_an_old_version_is_refused(warehouse: Any, catalog: GlueCatalog) -> None:
    warehouse.create_iceberg("raced", "id int")
    glue = warehouse.glue.get_table(DatabaseName=warehouse.database, Name="raced")["Table"]
    warehouse.rows("INSERT INTO raced VALUES (1)")
    old = {name: glue[name] for name in ("Name", "TableType", "Parameters", "StorageDescriptor")}
    with pytest.raises(CommitFailedException):
        catalog._update_glue_table(warehouse.database, "raced", old, glue["VersionId"])
    assert warehouse.rows("SELECT id FROM raced") == [("1",)]


def test_time_travel_reads_an_older_snapshot_with_its_columns(warehouse: Any, catalog: GlueCatalog) -> None:
    warehouse.create_iceberg("old", "id int, note string")
    warehouse.rows("INSERT INTO old VALUES (1, 'x')")
    table = catalog.load_table((warehouse.database, "old"))
    first = table.current_snapshot()
    assert first is not None
    with table.update_schema() as schema:
        schema.delete_column("note")
    warehouse.rows("INSERT INTO old VALUES (2)")
    assert warehouse.rows("SELECT * FROM old ORDER BY id") == [("1",), ("2",)]
    assert warehouse.rows(f"SELECT * FROM old FOR VERSION AS OF {first.snapshot_id}") == [("1", "x")]
    moment = datetime.fromtimestamp(first.timestamp_ms / 1000, UTC)
    for zone, shown in (("UTC", moment), ("Asia/Tokyo", moment.astimezone(ZoneInfo("Asia/Tokyo")))):
        text = f"{shown:%Y-%m-%d %H:%M:%S.%f} {zone}"
        both = (
            f"SELECT o.id, o.note, n.id FROM old FOR TIMESTAMP AS OF TIMESTAMP '{text}' AS o JOIN old AS n "
            "ON o.id < n.id"
        )
        assert warehouse.rows(both) == [("1", "x", "2")]
    before = "SELECT * FROM old FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00 UTC'"
    assert "No version history table" in warehouse.failure(before)
    assert "Iceberg snapshot ID does not exists: 5" in warehouse.failure(
        "SELECT * FROM old FOR VERSION AS OF 5"
    )
    past = f"FOR TIMESTAMP AS OF from_unixtime_nanos({first.timestamp_ms} * 1000000)"
    assert warehouse.rows(f"SELECT * FROM old {past}") == [("1", "x")]
    assert warehouse.rows("SELECT count(*) FROM old FOR TIMESTAMP AS OF current_timestamp") == [("2",)]
    assert warehouse.rows(f"SELECT * FROM old FOR VERSION AS OF ({first.snapshot_id - 1} + 1)") == [
        ("1", "x")
    ]


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("FOR TIMESTAMP AS OF (current_timestamp - INTERVAL '1' DAY)", "No version history table"),
        ("FOR TIMESTAMP AS OF DATE '2020-01-01'", "No version history table"),
        ("FOR TIMESTAMP AS OF 5", "Type integer invalid. Temporal pointers"),
        ("FOR TIMESTAMP AS OF id", "COLUMN_NOT_FOUND"),
        ("FOR TIMESTAMP AS OF CAST(NULL AS timestamp)", "cannot be NULL"),
        ("FOR TIMESTAMP AS OF (SELECT now())", "FOR TIMESTAMP AS OF with a subquery"),
        ("FOR VERSION AS OF 'main'", "FOR VERSION AS OF a varchar"),
    ],
)
def test_an_invalid_version_is_refused(warehouse: Any, version: str, reason: str) -> None:
    if warehouse.rows("SHOW TABLES 'versioned'") == []:
        warehouse.create_iceberg("versioned")
        warehouse.rows("INSERT INTO versioned VALUES (1, 'a')")
    assert reason in warehouse.failure(f"SELECT * FROM versioned {version}")
