from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import array, col

from segmentation.blocks import as_blocks, distinct, partition_count, total


@pytest.mark.parametrize(
    ("rows", "partitions"), [(0, 1), (2_500, 1), (10_000, 2), (1_000_000, 20), (100_000_000, 200)]
)
def test_partitions_follow_the_number_of_rows(rows: int, partitions: int) -> None:
    assert partition_count(rows) == partitions


@pytest.mark.parametrize("partitions", [1, 4])
def test_blocks_do_not_depend_on_the_partitions_of_the_input(spark: SparkSession, partitions: int) -> None:
    """Three blocks of two partitions, each customer once, in the same order bit for bit."""
    rows = [(f"CUS{number}", float(number), number / 7) for number in range(9_000)]
    frame = spark.createDataFrame(rows, "customer_id string, a double, b double")
    blocks = as_blocks(frame.repartition(partitions, "b"), array("a", "b"), 9_000).collect()

    reference = as_blocks(frame.coalesce(1), array("a", "b"), 9_000).collect()
    assert [block.shape for block in blocks] == [block.shape for block in reference]
    assert all((block == other).all() for block, other in zip(blocks, reference, strict=True))
    assert sorted(np.hstack(blocks)[0]) == [float(number) for number in range(9_000)]


def test_total_adds_in_the_order_of_the_blocks(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(str(n), float(n)) for n in range(9_000)], "customer_id string, a double")
    blocks = as_blocks(frame, array("a"), 9_000)

    assert total(blocks, lambda block: [float(block[0, 0])], lambda a, b: a + b) == [
        float(block[0, 0]) for block in blocks.collect()
    ]


def test_distinct_stops_counting_at_enough(spark: SparkSession) -> None:
    frame = spark.range(9_000).select(
        col("id").cast("string").alias("customer_id"), (col("id") % 3).cast("double").alias("a")
    )
    blocks = as_blocks(frame, array("a"), 9_000)

    assert distinct(blocks, 10) == 3
    assert distinct(blocks, 2) == 2
