"""Partition projection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from localaws.athena.ddl.parser import hive_string
from tests.localaws.athena.conftest import Warehouse

Values = dict[str, str]


DAYS = ["2024-02-28", "2024-02-29", "2024-03-01"]


def unit(name: str) -> Values:
    return {"interval.unit": name}


def make(warehouse: Warehouse, keys: str, properties: Values, files: dict[str, int]) -> str:
    """Create a table with projected partitions. ``files`` has the value in the file of each folder."""
    name = f"projected_{uuid4().hex[:8]}"
    given = {"projection.enabled": "true", **properties}
    shown = ", ".join(f"'{key}'={hive_string(value)}" for key, value in given.items())
    shown = shown.replace("LOCATION", f"s3://{warehouse.bucket}/{name}")
    made = warehouse.run(
        f"CREATE EXTERNAL TABLE {name} (a int) PARTITIONED BY ({keys}) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        f"LOCATION 's3://{warehouse.bucket}/{name}/' TBLPROPERTIES ({shown})"
    )
    assert made.state == "SUCCEEDED", made.reason
    for folder, value in files.items():
        warehouse.upload(f"{name}/{folder}/part.csv", f"{value}\n")
    return name


def test_enum_and_integer_values_are_projected_and_pruned(warehouse: Warehouse) -> None:
    properties = {
        "projection.region.type": "Enum ",
        "projection.region.values": "EU,US",
        "projection.hour.type": "integer",
        "projection.hour.range": "0, 20",
        "projection.hour.interval": "10",
        "projection.hour.digits": "2",
    }
    files = {
        f"region={region}/hour={hour}": n
        for n, (region, hour) in enumerate(
            (region, hour) for region in ("EU", "US", "AP") for hour in ("00", "05", "10", "20")
        )
    }
    name = make(warehouse, "region string, hour int", properties, files)
    assert warehouse.rows(f"SELECT region, hour, a FROM {name} ORDER BY a") == [
        *(("EU", "0", "0"), ("EU", "10", "2"), ("EU", "20", "3")),
        *(("US", "0", "4"), ("US", "10", "6"), ("US", "20", "7")),
    ]
    pruned = warehouse.run(f"SELECT a FROM {name} WHERE region = 'US' AND hour > 10")
    assert (pruned.rows, pruned.scanned) == ([("7",)], 2)
    both = warehouse.run(
        f"SELECT a FROM {name} WHERE region = 'EU' AND hour = 0 OR region = 'US' AND hour = 20"
    )
    assert (sorted(both.rows), both.scanned) == ([("0",), ("7",)], 4)
    assert warehouse.rows(f"SHOW PARTITIONS {name}") == []


@pytest.mark.parametrize(
    ("key", "properties", "folders"),
    [
        ("d date", {"format": "yyyy-MM-dd", "range": "2024-02-28,2024-03-01"}, DAYS),
        ("d string", {"format": "yyyy/MM", "range": "2023/12,2024/01"}, ["2023/12", "2024/01"]),
        (
            "d string",
            {
                "format": "yyyy-MM-dd-HH",
                "range": "2024-01-01-22,2024-01-02-02",
                "interval": "2",
                **unit("HOURS"),
            },
            ["2024-01-01-22", "2024-01-02-00", "2024-01-02-02"],
        ),
        (
            "d int",
            {"format": "yyyy", "range": "2020,2024", "interval": "2", **unit("YEARS")},
            ["2020", "2022", "2024"],
        ),
        (
            "d string",
            {"format": "yyyy-M-d", "range": "2024-1-31,2024-4-1", **unit("MONTHS")},
            ["2024-1-31", "2024-2-29", "2024-3-31"],
        ),
        (
            "d string",
            {"format": "'day'yyyyMMdd", "range": "day20240101,day20240115", "interval": "1", **unit("weeks")},
            ["day20240101", "day20240108", "day20240115"],
        ),
    ],
)
def test_dates_are_projected(warehouse: Warehouse, key: str, properties: Values, folders: list[str]) -> None:
    given = {f"projection.d.{name}": value for name, value in properties.items()}
    files = {f"d={folder}": n for n, folder in enumerate([*folders, "2019"])}
    name = make(warehouse, key, {"projection.d.type": "date", **given}, files)
    assert warehouse.rows(f"SELECT CAST(d AS varchar) FROM {name} ORDER BY a") == [
        (folder,) for folder in folders
    ]


def test_a_range_can_be_relative_to_now(warehouse: Warehouse) -> None:
    today = datetime.now(UTC).date()
    days = [today + timedelta(days=n) for n in (-3, -2, 0, 1)]
    properties = {"type": "date", "format": "yyyy-MM-dd", "range": "NOW-2DAYS,NOW"}
    name = make(
        warehouse,
        "d date",
        {f"projection.d.{key}": value for key, value in properties.items()},
        {f"d={day}": n for n, day in enumerate(days)},
    )
    assert warehouse.rows(f"SELECT a FROM {name} ORDER BY a") == [("1",), ("2",)]


def test_a_location_template_replaces_the_folder_names_of_hive(warehouse: Warehouse) -> None:
    properties = {
        "projection.day.type": "date",
        "projection.day.format": "yyyy/MM/dd",
        "projection.day.range": "2024/01/01,2024/01/03",
        "projection.id.type": "injected",
        "storage.location.template": "LOCATION/data/${id}/${day}",
    }
    files = {"data/x/2024/01/01": 1, "data/x/2024/01/03": 2, "data/y/2024/01/01": 3}
    name = make(warehouse, "id string, day string", properties, files)
    assert warehouse.rows(f"SELECT a, day FROM {name} WHERE id = 'x' ORDER BY a") == [
        ("1", "2024/01/01"),
        ("2", "2024/01/03"),
    ]
    assert warehouse.rows(f"SELECT a FROM {name} WHERE id IN ('y', 'z')") == [("3",)]
    for condition in ("", "WHERE id <> 'x'", "WHERE id LIKE 'x%'", "WHERE id = 'x' OR a = 3"):
        assert warehouse.failure(f"SELECT a FROM {name} {condition}").startswith(
            "CONSTRAINT_VIOLATION: For the injected projected partition column id, the WHERE clause must contain only "
        )


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({}, "projection.k.type is missing"),
        ({"type": "list"}, "projection.k.type must be enum, integer, date or injected (value: 'list')"),
        ({"type": "enum"}, "projection.k.values is missing"),
        ({"type": "integer", "range": "1"}, "projection.k.range must have two values"),
        ({"type": "integer", "range": "1,x"}, "projection.k.range must have two integers"),
        (
            {"type": "integer", "range": "1,2", "interval": "0"},
            "projection.k.interval must be a positive integer",
        ),
        ({"type": "date", "format": "yyyy", "range": "2020,2024"}, "projection.k.interval.unit is missing"),
        (
            {"type": "date", "format": "yyyy-MM-dd", "range": "2020,NOW"},
            "projection.k.range must have two dates",
        ),
        (
            {"type": "date", "format": "yyyy-ww", "range": "2020-01,NOW"},
            "the letters ww in projection.k.format",
        ),
    ],
)
def test_invalid_properties_fail_the_query(warehouse: Warehouse, properties: Values, message: str) -> None:
    name = make(
        warehouse, "k string", {f"projection.k.{key}": value for key, value in properties.items()}, {}
    )
    assert message in warehouse.failure(f"SELECT * FROM {name}")


def test_a_template_without_a_key_fails_the_query(warehouse: Warehouse) -> None:
    properties = {
        "projection.k.type": "enum",
        "projection.k.values": "x",
        "storage.location.template": "s3://b/$k/",
    }
    name = make(warehouse, "k string", properties, {})
    assert "storage.location.template must contain ${k}" in warehouse.failure(f"SELECT * FROM {name}")
