"""awswrangler: its three ways to read a query, and a table that it writes."""

from __future__ import annotations

from typing import Any

import awswrangler
import pandas
import pytest

pytestmark = pytest.mark.peers


@pytest.mark.parametrize(
    "approach",
    [{"ctas_approach": True}, {"ctas_approach": False}, {"ctas_approach": False, "unload_approach": True}],
)
def test_a_query_is_read(lake: Any, approach: dict[str, bool]) -> None:
    output = f"{lake.output}{'-'.join(approach)}-{approach['ctas_approach']}/"
    frame = awswrangler.athena.read_sql_query(
        "SELECT 1 AS x, 'a' AS s, DATE '2024-01-31' AS day",
        database=lake.database,
        s3_output=output,
        **approach,
    )
    assert frame.iloc[0].to_dict()["x"] == 1
    assert str(frame.iloc[0]["day"]) == "2024-01-31"


def test_a_partitioned_dataset_is_written_and_read(lake: Any) -> None:
    frame = pandas.DataFrame({"x": [1, 2], "day": ["2024-01-30", "2024-01-31"]})
    path = f"s3://{lake.bucket}/written/"
    awswrangler.s3.to_parquet(
        frame, path, dataset=True, database=lake.database, table="written", partition_cols=["day"]
    )
    read = awswrangler.athena.read_sql_query(
        "SELECT x FROM written WHERE day = '2024-01-31'", database=lake.database, s3_output=lake.output
    )
    assert read["x"].tolist() == [2]


def test_a_parameter_of_a_query_can_be_a_word_without_quotes(lake: Any) -> None:
    read = awswrangler.athena.read_sql_query(
        "SELECT x FROM (VALUES ('Oslo'), ('Rome')) AS t (x) WHERE x = ?",
        database=lake.database,
        ctas_approach=False,
        params=["Rome"],
        paramstyle="qmark",
        s3_output=lake.output,
    )
    assert read["x"].tolist() == ["Rome"]


def test_a_table_of_avro_files_is_created_and_described(lake: Any) -> None:
    created = awswrangler.athena.create_ctas_table(
        "SELECT 1 AS x, 'a' AS s",
        database=lake.database,
        ctas_table="of_avro",
        storage_format="avro",
        write_compression="snappy",
        s3_output=lake.output,
        wait=True,
    )
    assert created["ctas_query_metadata"].raw_payload["Status"]["State"] == "SUCCEEDED"
    statement = awswrangler.athena.show_create_table("of_avro", lake.database, s3_output=lake.output)
    assert statement.startswith("CREATE EXTERNAL TABLE `of_avro`( `x` int, `s` ")
    read = awswrangler.athena.read_sql_table("of_avro", lake.database, s3_output=lake.output)
    assert read.iloc[0].tolist() == [1, "a"]


def test_objects_are_copied_with_their_encryption(lake: Any) -> None:
    source, target = f"s3://{lake.bucket}/source/", f"s3://{lake.bucket}/target/"
    awswrangler.s3.to_csv(pandas.DataFrame({"x": [1]}), f"{source}x.csv", index=False)
    [copied] = awswrangler.s3.copy_objects([f"{source}x.csv"], source_path=source, target_path=target)
    assert awswrangler.s3.describe_objects([copied])[copied]["ServerSideEncryption"] == "AES256"
    assert awswrangler.s3.read_csv(copied)["x"].tolist() == [1]
