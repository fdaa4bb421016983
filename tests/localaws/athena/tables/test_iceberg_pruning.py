"""A query does not read the data files of an Iceberg table in which its conditions are false for all rows."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.table import Table
from pyiceberg.types import LongType, StringType

from localaws.athena import datatypes as dt
from localaws.athena.sql.translation.iceberg_filters import exact_value
from tests.localaws.athena.position_deletes import delete_rows

# The four rows are in four files, because each is inserted alone.
_ROWS = (
    "(1, 10, DECIMAL '1.50', 'EU', DATE '2024-01-01', TIMESTAMP '2024-01-01 00:00:00.000001')",
    "(2, 20, DECIMAL '2.50', 'US', DATE '2024-01-02', TIMESTAMP '2024-01-01 23:59:59.999999')",
    "(3, 30, DECIMAL '-3.5', 'é😀', DATE '1969-12-31', TIMESTAMP '2024-01-02 00:00:00')",
    "(4, NULL, NULL, NULL, NULL, NULL)",
)


@pytest.fixture(scope="module")
def catalog(warehouse: Any) -> GlueCatalog:
    endpoint = warehouse.aws.endpoint_url
    keys = {"client.access-key-id": "a", "client.secret-access-key": "b", "client.region": "us-east-1"}
    return GlueCatalog("glue", **keys, **{"glue.endpoint": endpoint, "s3.endpoint": endpoint})


# Conditions, and the number of files that are read
_CONDITIONS = {
    "id = 2": 1,
    "2 < id": 2,
    "id <> 2 AND region <> 'EU' AND id > 2": 2,
    "d < DATE '20000-01-01' AND ts > TIMESTAMP '-0001-01-01 00:00:00'": 4,
    "id IN (1, 3)": 2,
    "id = 3000000000": 4,
    "big BETWEEN 15 AND 25": 1,
    "big IS NULL": 1,
    "big IS NOT NULL AND id > 1": 2,
    "price = DECIMAL '2.5'": 1,
    "price < 0": 1,
    "price = DECIMAL '2.505'": 4,
    "price > 1.0": 4,
    "region >= 'é'": 1,
    "region = 'EU' OR d = DATE '2024-01-02'": 2,
    "region = 'EU' OR length(region) = 2": 4,
    "region = 'EU' AND length(region) = 2": 1,
    "NOT (region = 'EU')": 4,
    "d < DATE '1970-01-01'": 1,
    "d >= DATE '2023-12-31' + INTERVAL '1' DAY": 2,
    "d < TIMESTAMP '1970-01-01 00:00:00'": 4,
    "ts < TIMESTAMP '2024-01-01 00:00:00.00001'": 1,
    "ts > TIMESTAMP '2024-01-01 23:59:59.9999985'": 4,
    "ts >= TIMESTAMP '2024-01-01 23:59:59.999999'": 2,
    "ts >= TIMESTAMP '2024-01-02 00:00:00 UTC'": 4,
}


@pytest.mark.parametrize(
    "partitioned", ["", "day(ts), region", "bucket(4, id), month(d), truncate(2, price)"]
)
def test_only_files_with_possible_rows_are_read(warehouse: Any, partitioned: str) -> None:
    table = f"pruned{len(partitioned)}"
    columns = "id int, big bigint, price decimal(6,2), region string, d date, ts timestamp"
    warehouse.create_iceberg(table, columns, f"PARTITIONED BY ({partitioned})" if partitioned else "")
    for row in _ROWS:
        warehouse.rows(f"INSERT INTO {table} VALUES {row}")
    tested = ", ".join(f"coalesce({condition}, false)" for condition in _CONDITIONS)
    every = warehouse.run(f"SELECT id, {tested} FROM {table} ORDER BY id")  # not pruned
    sizes = sorted(int(size) for (size,) in warehouse.rows(f'SELECT file_size_in_bytes FROM "{table}$files"'))
    assert every.scanned == sum(sizes)
    for at, (condition, files) in enumerate(_CONDITIONS.items(), 1):
        found = warehouse.run(f"SELECT id FROM {table} WHERE {condition} ORDER BY id")
        assert found.rows == [(row[0],) for row in every.rows if row[at] == "true"], condition
        assert sum(sizes[:files]) <= found.scanned <= sum(sizes[-files:]), condition


def test_an_alias_and_a_join_keep_their_rows(warehouse: Any) -> None:
    warehouse.create_iceberg("joined", "id int, region string")
    for row in ("(1, 'EU')", "(2, 'US')"):
        warehouse.rows(f"INSERT INTO joined VALUES {row}")
    whole = warehouse.run("SELECT * FROM joined").scanned
    found = warehouse.run("SELECT y FROM joined AS t(y, id) WHERE id = 'US'")
    assert (found.rows, found.scanned < whole) == ([("2",)], True)
    outer = "FROM joined a LEFT JOIN joined b ON a.id = b.id AND b.region = 'EU'"
    assert warehouse.rows(f"SELECT a.id {outer} WHERE b.id IS NULL") == [("2",)]
    merged = (
        "MERGE INTO joined t USING (SELECT * FROM joined WHERE id = 2) s ON t.id = s.id + 0 - 1 "
        "WHEN MATCHED THEN UPDATE SET region = s.region"
    )
    warehouse.rows(merged)
    warehouse.rows("UPDATE joined SET region = 'CH' WHERE id = 2")
    assert warehouse.rows("SELECT * FROM joined ORDER BY id") == [("1", "US"), ("2", "CH")]


def _changed(warehouse: Any, catalog: GlueCatalog) -> Table:
    warehouse.create_iceberg("changed", "id int, old string, kept string", "PARTITIONED BY (kept)")
    table = catalog.load_table((warehouse.database, "changed"))
    for start, kept in ((0, "a"), (10, "b"), (20, "c")):
        ids = pa.array(range(start, start + 10), pa.int32())
        table.append(pa.table({"id": ids, "old": [f"o{n.as_py():02}" for n in ids], "kept": [kept] * 10}))
    return table


def test_deleted_rows_and_renamed_columns_of_older_snapshots(warehouse: Any, catalog: GlueCatalog) -> None:
    """After the changes, the name ``old`` belongs to another column, so an older snapshot must use ids."""
    table = _changed(warehouse, catalog)
    first = table.current_snapshot()
    assert first is not None
    file = next(task.file for task in table.scan("kept = 'b'").plan_files())
    delete_rows(table, file, [0, 1])
    table.refresh()
    with table.update_schema() as schema:
        schema.rename_column("old", "new")
    with table.update_schema() as schema:
        schema.add_column("old", StringType())
        schema.update_column("id", LongType())
    warehouse.rows("INSERT INTO changed (id, new, kept, old) VALUES (30, 'o30', 'a', 'x')")
    whole = warehouse.run("SELECT id, new, kept, old FROM changed").scanned
    for condition, rows in (
        ("kept = 'b'", 8),
        ("id BETWEEN 10 AND 12", 1),
        ("new > 'o19'", 11),
        ("old = 'x'", 1),
        ("old IS NULL AND kept = 'a'", 10),
    ):
        found = warehouse.run(f"SELECT count(*), count(new) FROM changed WHERE {condition}")
        assert found.rows == [(str(rows), str(rows))], condition
        assert found.scanned < whole or condition == "old = 'x'"
    before = f"FROM changed FOR VERSION AS OF {first.snapshot_id}"
    whole = warehouse.run(f"SELECT old {before}").scanned
    for condition, rows, pruned in (
        ("old = 'o11'", 1, True),
        ("kept = 'b'", 10, True),
        ("id = 11", 1, False),  # an int then, a bigint now
    ):
        found = warehouse.run(f"SELECT count(old) {before} WHERE {condition}")
        assert (found.rows, found.scanned < whole) == ([(str(rows),)], pruned), condition


@pytest.mark.parametrize(
    ("value", "type_", "wanted", "exact"),
    [
        (2**31, dt.BIGINT, dt.INTEGER, None),
        (2**31, dt.BIGINT, dt.BIGINT, 2**31),
        (1.5, dt.DOUBLE, pa.decimal128(6, 2), None),
        (1, dt.INTEGER, pa.decimal128(6, 2), Decimal("1.00")),
        (10_000, dt.INTEGER, pa.decimal128(6, 2), None),
        (Decimal("1.505"), pa.decimal128(4, 3), pa.decimal128(6, 2), None),
        (1, dt.INTEGER, dt.DOUBLE, None),
        (date(2024, 1, 1), dt.DATE, dt.timestamp(6), None),
        (datetime(2024, 1, 1), dt.timestamp(3), dt.timestamp(6), datetime(2024, 1, 1)),
        (datetime(2024, 1, 1), dt.timestamp(9), dt.timestamp(6), None),
        (datetime(2024, 1, 1), dt.timestamp(3), dt.zoned(6), None),
        (None, dt.NULL, dt.VARCHAR, None),
    ],
)
def test_a_constant_is_used_only_if_its_value_is_exact(
    value: Any, type_: Any, wanted: Any, exact: Any
) -> None:
    assert exact_value(value, type_, wanted) == exact
