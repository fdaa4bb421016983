"""Tables of Avro files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pytest

from tests.localaws.athena.conftest import Warehouse
from tests.localaws.athena.tables.test_delimited import table


def record(*fields: tuple[str, Any]) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "r",
        "fields": [{"name": name, "type": type_} for name, type_ in fields],
    }


def upload(warehouse: Warehouse, name: str, schema: Any, rows: list[Any], codec: str = "null") -> int:
    content = BytesIO()
    fastavro.writer(content, schema, rows, codec)
    warehouse.upload(f"{name}/part-0.avro", content.getvalue())
    return len(content.getvalue())


SCHEMA = record(
    ("A", ["null", "long"]),
    ("b", "double"),
    ("c", ["null", "string"]),
    ("d", {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}),
    ("e", {"type": "int", "logicalType": "date"}),
    ("f", {"type": "long", "logicalType": "timestamp-millis"}),
    ("g", {"type": "array", "items": "int"}),
    ("h", {"type": "map", "values": "boolean"}),
    ("i", {"type": "record", "name": "inner", "fields": [{"name": "X", "type": "int"}]}),
    ("j", {"type": "enum", "name": "e", "symbols": ["ON", "OFF"]}),
    ("k", "bytes"),
)
ROW = {
    **{"A": 1, "b": 0.5, "c": "ä", "d": Decimal("1.20"), "e": date(2024, 2, 29)},
    **{"f": datetime(2024, 2, 29, 10, 11, 12, 345000, UTC), "g": [1, 2], "h": {"k": True}, "i": {"X": 7}},
    **{"j": "OFF", "k": b"\x01"},
}


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_values_have_the_types_of_the_columns(warehouse: Warehouse, codec: str) -> None:
    name = table(
        warehouse,
        "a bigint, b double, c string, d decimal(6,2), e date, f timestamp, g array<int>, h map<string,boolean>, "
        "i struct<x:int>, j string, k binary, missing int",
        "STORED AS AVRO",
    )
    size = upload(warehouse, name, SCHEMA, [ROW, {**ROW, "A": None, "c": None}], codec)
    first = (
        *(
            "1",
            "0.5",
            "ä",
            "1.20",
            "2024-02-29",
            "2024-02-29 10:11:12.345",
            "[1, 2]",
            "{k=true}",
            "{x=7}",
            "OFF",
        ),
        *("01", None),
    )
    found = warehouse.run(f"SELECT * FROM {name} ORDER BY a")
    assert (found.rows[0], found.rows[1][:3], found.scanned) == (first, (None, "0.5", None), size)
    assert warehouse.rows(f"SELECT count(*) FROM {name}") == [("2",)]


def test_a_schema_of_the_table_fills_missing_fields_with_defaults(warehouse: Warehouse) -> None:
    schema = record(("a", "int"))
    schema["fields"].append({"name": "b", "type": "string", "default": "x"})
    properties = f"WITH SERDEPROPERTIES ('avro.schema.literal'='{json.dumps(schema)}')"
    serde = f"ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.avro.AvroSerDe' {properties} STORED AS AVRO"
    name = table(warehouse, "a int, b string", serde)
    upload(warehouse, name, record(("a", "int")), [{"a": n} for n in range(20_000)])
    assert warehouse.rows(f"SELECT sum(a), min(b), max(b) FROM {name}") == [("199990000", "x", "x")]


def test_a_value_of_another_type_and_an_invalid_file_fail_the_query(warehouse: Warehouse) -> None:
    name = table(warehouse, "a int, b string", "STORED AS AVRO")
    upload(warehouse, name, record(("a", "long"), ("b", "int")), [{"a": 2**40, "b": 1}])
    for column, type_ in (("a", "integer"), ("b", "varchar")):
        reason = warehouse.failure(f"SELECT {column} FROM {name}")
        assert reason.startswith(
            f"HIVE_BAD_DATA: Field {column} in Avro file s3://{warehouse.bucket}/{name}/part-0.avro"
        )
        assert f"is incompatible with type {type_}" in reason
    other = table(warehouse, "a int", "STORED AS AVRO")
    warehouse.upload(f"{other}/x.avro", "text")
    assert warehouse.failure(f"SELECT * FROM {other}").startswith("HIVE_BAD_DATA: Invalid Avro file")
