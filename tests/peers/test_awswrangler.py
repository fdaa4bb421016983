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
