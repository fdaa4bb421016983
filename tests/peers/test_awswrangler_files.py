"""awswrangler: datasets that it writes to S3 and the Glue catalog, read through Athena."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import awswrangler as wr
import pandas as pd
import pytest

pytestmark = pytest.mark.peers


@pytest.fixture
def table() -> str:
    return f"t_{uuid4().hex[:8]}"


def query(lake: Any, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query, which reads the result file of Athena instead of creating a table."""
    frame = wr.athena.read_sql_query(sql, lake.database, ctas_approach=False, s3_output=lake.output)
    return [
        tuple(None if value is None or value is pd.NA or value is pd.NaT else value for value in row)
        for row in frame.itertuples(index=False)
    ]


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": pd.array([1, 2, None], "Int64"),
            "name": pd.array(["a", "it's", None], "string"),
            "price": [1.5, 2.25, 3.0],
            "flag": pd.array([True, False, None], "boolean"),
            "day": [date(2024, 1, 31), date(2024, 2, 29), None],
            "moment": [datetime(2024, 1, 31, 10, 11, 12), datetime(2024, 2, 29), None],
            "part": pd.array(["x", "x", "y"], "string"),
        }
    )


ROWS = [
    (1, "a", 1.5, True, date(2024, 1, 31), pd.Timestamp("2024-01-31 10:11:12"), "x"),
    (2, "it's", 2.25, False, date(2024, 2, 29), pd.Timestamp("2024-02-29"), "x"),
    (None, None, 3.0, None, None, None, "y"),
]


OPTIONS = {
    "csv": {"index": False, "sep": "|"},
    "json": {"index": False, "orient": "records", "lines": True, "date_format": "iso"},
}


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "orc"])
def test_a_dataset_is_written_and_read(lake: Any, table: str, form: str) -> None:
    # pandas writes dates as timestamps to JSON.
    columns = [name for name in frame() if not (form == "json" and name == "day")]
    dtype = {"day": "date"} if "day" in columns else {}
    options: dict[str, Any] = OPTIONS.get(form, {})
    write = getattr(wr.s3, f"to_{form}")
    for mode in ("overwrite", "append"):
        write(
            frame()[columns],
            path=f"s3://{lake.bucket}/{table}/",
            dataset=True,
            mode=mode,
            database=lake.database,
            table=table,
            partition_cols=["part"],
            dtype=dtype,
            **options,
        )
    rows = query(lake, f"SELECT * FROM {table} WHERE part IN ('x', 'y') ORDER BY price")
    expected = pd.DataFrame(ROWS, columns=list(frame()), dtype="object")[columns]
    assert rows == [tuple(row) for row in expected.itertuples(index=False) for _ in range(2)]
    assert wr.catalog.table(lake.database, table)["Column Name"].tolist() == columns
    assert len(wr.catalog.get_partitions(lake.database, table)) == 2


def test_modes_of_a_csv_dataset(lake: Any, table: str) -> None:
    location = {"path": f"s3://{lake.bucket}/{table}/", "database": lake.database, "table": table}
    for mode, frame_ in (
        ("overwrite", pd.DataFrame({"k": ["a", "b"], "n": [1, 2]})),
        ("overwrite_partitions", pd.DataFrame({"k": ["b", "c"], "n": [20, 30]})),
        ("append", pd.DataFrame({"k": ["a"], "n": [4]})),
    ):
        wr.s3.to_csv(
            frame_, **location, dataset=True, mode=mode, partition_cols=["k"], index=False, header=True,
            glue_table_settings={"description": mode, "columns_comments": {"n": "a number"}},
        )  # fmt: skip
    assert query(lake, f"SELECT k, n FROM {table} ORDER BY n") == [("a", 1), ("a", 4), ("b", 20), ("c", 30)]
    assert wr.catalog.get_table_description(lake.database, table) == "append"
    assert wr.catalog.get_columns_comments(lake.database, table) == {"n": "a number", "k": None}


@pytest.mark.parametrize("compression", ["gzip", "bz2"])
def test_compressed_csv_files_with_a_header(lake: Any, table: str, compression: str) -> None:
    path = f"s3://{lake.bucket}/{table}/"
    suffix = {"gzip": "gz", "bz2": "bz2"}[compression]
    wr.s3.to_csv(
        pd.DataFrame({"a": [1, 2], "b": ["x,y", 'say "hi"']}),
        f"{path}0.csv.{suffix}",
        index=False,
        compression=compression,
    )
    wr.catalog.create_csv_table(
        database=lake.database,
        table=table,
        path=path,
        columns_types={"a": "bigint", "b": "string"},
        skip_header_line_count=1,
        serde_library="org.apache.hadoop.hive.serde2.OpenCSVSerde",
        serde_parameters={"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"},
    )
    assert query(lake, f"SELECT * FROM {table} ORDER BY a") == [(1, "x,y"), (2, 'say "hi"')]


def test_a_json_table_is_declared_over_files(lake: Any, table: str) -> None:
    path = f"s3://{lake.bucket}/{table}/"
    rows = pd.DataFrame({"id": [1, 2], "tags": [["a", "b"], []], "who": [{"name": "x", "age": 1}, None]})
    wr.s3.to_json(rows, f"{path}0.json", orient="records", lines=True)
    wr.catalog.create_json_table(
        database=lake.database,
        table=table,
        path=path,
        columns_types={"id": "bigint", "tags": "array<string>", "who": "struct<name:string,age:int>"},
    )
    assert query(lake, f"SELECT id, cardinality(tags), who.name FROM {table} ORDER BY id") == [
        (1, 2, "x"),
        (2, 0, None),
    ]


def test_partitions_are_projected(lake: Any, table: str) -> None:
    rows = pd.DataFrame(
        {
            "n": [0, 1, 2],
            "day": [date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2)],
            "moment": pd.to_datetime(["2024-01-01 00:00:01", "2024-01-01 00:00:02", "2024-01-01 00:00:03"]),
            "hour": [0, 10, 20],
            "region": ["EU", "US", "EU"],
            "tenant": ["x", "y", "z"],
        }
    )
    wr.s3.to_parquet(
        rows,
        path=f"s3://{lake.bucket}/{table}/",
        dataset=True,
        database=lake.database,
        table=table,
        partition_cols=["day", "moment", "hour", "region", "tenant"],
        glue_table_settings={"regular_partitions": False},
        athena_partition_projection_settings={
            "projection_types": {
                "day": "date", "moment": "date", "hour": "integer", "region": "enum", "tenant": "injected"
            },
            "projection_ranges": {
                "day": "2024-01-30,2024-02-05", "moment": "2024-01-01 00:00:00,2024-01-01 00:00:05", "hour": "0,23"
            },
            "projection_values": {"region": "EU,US,AP"},
            "projection_intervals": {"hour": "10"},
        },
    )  # fmt: skip
    assert wr.catalog.get_partitions(lake.database, table) == {}
    assert query(lake, f"SELECT n, hour FROM {table} WHERE tenant = 'y'") == [(1, 10)]
    assert query(lake, f"SELECT n FROM {table} WHERE tenant IN ('x', 'z') AND day > DATE '2024-02-01'") == [
        (2,)
    ]
    with pytest.raises(wr.exceptions.QueryFailed, match="CONSTRAINT_VIOLATION: For the injected"):
        query(lake, f"SELECT n FROM {table}")


def test_a_table_without_ddl_is_described(lake: Any, table: str) -> None:
    wr.s3.to_csv(
        pd.DataFrame({"a": [1]}), f"s3://{lake.bucket}/{table}/", dataset=True, index=False, sep="\t",
        database=lake.database, table=table, glue_table_settings={"columns_comments": {"a": "it's a"}},
    )  # fmt: skip
    statement = wr.athena.show_create_table(table, lake.database, s3_output=lake.output)
    assert r"'field.delim'='\t'" in statement
    assert "`a` bigint COMMENT 'it\\'s a'" in statement
    described = wr.athena.describe_table(table, lake.database, s3_output=lake.output)
    assert described.values.tolist() == [["a", "bigint", False, "it's a"]]


def test_all_data_types_of_parquet(lake: Any, table: str) -> None:
    rows = pd.DataFrame(
        {
            "a": pd.array([1], "Int8"),
            "b": pd.array([2], "Int32"),
            "c": pd.array([0.5], "float32"),
            "d": [Decimal("1.20")],
            "e": [b"\x01"],
            "f": [[1, 2]],
            "g": [{"x": 1, "y": ["z"]}],
        }
    )
    wr.s3.to_parquet(
        rows,
        path=f"s3://{lake.bucket}/{table}/",
        dataset=True,
        database=lake.database,
        table=table,
        dtype={"d": "decimal(5,2)", "g": "struct<x:bigint,y:array<string>>"},
    )
    assert query(lake, f"SELECT a, b, c, d, f[2], g.x, g.y[1] FROM {table}") == [
        (1, 2, 0.5, Decimal("1.20"), 2, 1, "z")
    ]
