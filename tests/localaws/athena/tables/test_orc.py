"""Tables of ORC files."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import orc

from tests.localaws.athena.conftest import Warehouse
from tests.localaws.athena.tables.test_delimited import table


def upload(warehouse: Warehouse, name: str, rows: pa.Table) -> int:
    sink = pa.BufferOutputStream()
    orc.write_table(rows, sink, compression="zlib", stripe_size=1024)
    content = sink.getvalue().to_pybytes()
    warehouse.upload(f"{name}/part-0.orc", content)
    return len(content)


def test_values_have_the_types_of_the_columns(warehouse: Warehouse) -> None:
    name = table(
        warehouse,
        "a tinyint, b bigint, c double, d decimal(6,2), e boolean, f date, g timestamp, h string, i binary, "
        "j array<int>, k map<string,int>, l struct<x:int,y:string>, m int",
        "STORED AS ORC",
    )
    rows = pa.table(
        {
            "a": pa.array([1, None], pa.int8()),
            "b": pa.array([2, None]),
            "c": [0.5, None],
            "d": pa.array([Decimal("1.20"), None], pa.decimal128(6, 2)),
            "e": [True, None],
            "f": [date(2024, 2, 29), None],
            "g": [datetime(2024, 2, 29, 10, 11, 12, 345600), None],
            "h": ["ä", None],
            "i": [b"\x01\xff", None],
            "j": pa.array([[1, None], None], pa.list_(pa.int32())),
            "k": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
            "l": pa.array([{"x": 1, "y": "z"}, None], pa.struct([("x", pa.int32()), ("y", pa.string())])),
        }
    )
    size = upload(warehouse, name, rows)
    found = warehouse.run(f"SELECT * FROM {name} ORDER BY a")
    assert found.rows == [
        (
            *("1", "2", "0.5", "1.20", "true", "2024-02-29", "2024-02-29 10:11:12.346", "ä", "01 ff"),
            *("[1, null]", "{k=1}", "{x=1, y=z}", None),
        ),
        (None,) * 13,
    ]
    assert found.scanned == size
    assert warehouse.run(f"SELECT count(*) FROM {name}").rows == [("2",)]


def test_columns_are_found_by_position_or_by_name(warehouse: Warehouse) -> None:
    rows = pa.table({"_col0": pa.array(range(5000), pa.int64()), "B": ["x"] * 5000})
    name = table(warehouse, "a bigint, c string", "STORED AS ORC")
    upload(warehouse, name, rows)
    assert warehouse.rows(f"SELECT sum(a), max(c) FROM {name}") == [("12497500", "x")]
    by_name = (
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.orc.OrcSerde' "
        "WITH SERDEPROPERTIES ('orc.column.index.access'='false') STORED AS ORC"
    )
    other = table(warehouse, "a bigint, b string", by_name)
    upload(warehouse, other, rows)
    assert warehouse.rows(f"SELECT count(*), sum(a), max(b) FROM {other}") == [("5000", None, "x")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("a string", "Cannot read SQL type 'varchar' from ORC stream '.a' of type INT64"),
        ("a int", "SQL type 'integer'"),
    ],
)
def test_a_column_of_another_type_fails_the_query(warehouse: Warehouse, columns: str, message: str) -> None:
    name = table(warehouse, columns, "STORED AS ORC")
    upload(warehouse, name, pa.table({"a": [1]}))
    assert warehouse.failure(f"SELECT * FROM {name}").startswith("HIVE_BAD_DATA: Malformed ORC file.")
    assert message in warehouse.failure(f"SELECT * FROM {name}")


def test_a_file_that_is_not_orc_fails_the_query(warehouse: Warehouse) -> None:
    name = table(warehouse, "a string", "STORED AS ORC")
    warehouse.upload(f"{name}/x", "text")
    assert warehouse.failure(f"SELECT * FROM {name}").startswith("HIVE_BAD_DATA: Malformed ORC file")
