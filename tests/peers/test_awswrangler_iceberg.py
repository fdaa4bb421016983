"""awswrangler with Iceberg tables: rows are merged, replaced and deleted, and the columns change."""

from __future__ import annotations

from typing import Any

import awswrangler as wr
import pandas as pd
import pytest

pytestmark = pytest.mark.peers


@pytest.fixture
def options(lake: Any) -> dict[str, Any]:
    return {
        "database": lake.database,
        "s3_output": lake.output,
        "temp_path": f"s3://{lake.bucket}/temporary/",
        "keep_files": False,
    }


def query(lake: Any, sql: str) -> list[tuple[Any, ...]]:
    read = wr.athena.read_sql_query(sql, lake.database, s3_output=lake.output, ctas_approach=False)
    return [tuple(row) for row in read.astype(object).where(read.notna(), None).itertuples(index=False)]


@pytest.mark.parametrize("partitions", [None, ["region"], ["region", "day(ts)"]])
def test_rows_are_merged_and_deleted(
    lake: Any, options: dict[str, Any], partitions: list[str] | None
) -> None:
    table = f"merged_{len(partitions or [])}"
    old = pd.DataFrame(
        {"id": [1, 2], "region": ["a", "b"], "ts": pd.to_datetime(["2024-01-30", "2024-01-31"])}
    )
    wr.athena.to_iceberg(
        old, table=table, table_location=f"s3://{lake.bucket}/{table}/", partition_cols=partitions, **options
    )
    new = pd.DataFrame({"id": [2, 3], "region": ["c", None], "ts": pd.to_datetime(["2024-02-01", None])})
    wr.athena.to_iceberg(new, table=table, merge_cols=["id"], **options)
    assert query(lake, f"SELECT id, region FROM {table} ORDER BY id") == [(1, "a"), (2, "c"), (3, None)]
    wr.athena.to_iceberg(old, table=table, merge_cols=["id"], merge_condition="ignore", **options)
    wr.athena.delete_from_iceberg_table(old.iloc[:1], table=table, merge_cols=["id"], **options)
    assert query(lake, f"SELECT id, region FROM {table} ORDER BY id") == [(2, "c"), (3, None)]


def test_partitions_and_the_table_are_overwritten(lake: Any, options: dict[str, Any]) -> None:
    place = {"table": "overwritten", "table_location": f"s3://{lake.bucket}/overwritten/", **options}
    rows = pd.DataFrame({"x": [1, 2, 3], "part": ["a", "a", "b"]})
    wr.athena.to_iceberg(rows, partition_cols=["part"], **place)
    again = rows.iloc[:1].assign(x=9)
    wr.athena.to_iceberg(again, mode="overwrite_partitions", partition_cols=["part"], **place)
    assert query(lake, "SELECT x, part FROM overwritten ORDER BY x") == [(3, "b"), (9, "a")]
    wr.athena.to_iceberg(again, mode="overwrite", **place)
    assert query(lake, "SELECT x, part FROM overwritten") == [(9, "a")]


def test_columns_are_added_and_promoted(lake: Any, options: dict[str, Any]) -> None:
    place = {"table": "evolved", "table_location": f"s3://{lake.bucket}/evolved/", **options}
    wr.athena.to_iceberg(
        pd.DataFrame({"i": pd.array([1], "Int32"), "f": pd.array([0.5], "Float32")}), **place
    )
    wider = pd.DataFrame({"i": [2**40], "f": [1e300], "s": ["new"]})
    wr.athena.to_iceberg(wider, schema_evolution=True, **place)
    wr.athena.to_iceberg(pd.DataFrame({"i": [3]}), fill_missing_columns_in_df=True, **place)
    types = wr.catalog.get_table_types(lake.database, "evolved")
    assert types == {"i": "bigint", "f": "double", "s": "string"}
    assert query(lake, "SELECT i, f, s FROM evolved ORDER BY i") == [
        (1, 0.5, None),
        (3, None, None),
        (2**40, 1e300, "new"),
    ]
    described = wr.athena.describe_table("evolved", lake.database, s3_output=lake.output)
    assert described["Column Name"].tolist() == ["i", "f", "s"]
