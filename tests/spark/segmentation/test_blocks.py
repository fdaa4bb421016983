from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from segmentation.blocks import aggregate, arrange, as_blocks, count_customers, partition_count


@pytest.mark.parametrize(
    ("rows", "partitions"), [(0, 1), (2_500, 1), (10_000, 2), (1_000_000, 20), (100_000_000, 200)]
)
def test_the_number_of_partitions_depends_on_the_rows(rows: int, partitions: int) -> None:
    assert partition_count(rows) == partitions


@pytest.mark.parametrize("partitions", [1, 4])
def test_blocks_do_not_depend_on_the_partitions_of_the_input(spark: SparkSession, partitions: int) -> None:
    """Three blocks in two partitions, each customer once, in the same order, bit for bit."""
    rows = [(f"CUS{number}", float(number), number / 7) for number in range(9_000)]
    frame = spark.createDataFrame(rows, "customer_id string, a double, b double")
    blocks = as_blocks(arrange(9_000, frame.repartition(partitions, "b")), F.array("a", "b")).collect()

    reference = as_blocks(arrange(9_000, frame.coalesce(1)), F.array("a", "b")).collect()
    assert [block.shape for block in blocks] == [block.shape for block in reference]
    assert all((block == other).all() for block, other in zip(blocks, reference, strict=True))
    assert sorted(np.hstack(blocks)[0]) == [float(number) for number in range(9_000)]


def test_aggregate_adds_in_the_order_of_the_blocks(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(str(n), float(n)) for n in range(9_000)], "customer_id string, a double")
    blocks = as_blocks(arrange(9_000, frame), F.array("a"))

    assert aggregate(blocks, lambda block: [float(block[0, 0])]) == [
        float(block[0, 0]) for block in blocks.collect()
    ]


def test_the_count_of_different_customers_stops_at_the_limit(spark: SparkSession) -> None:
    frame = spark.range(9_000).select(
        F.col("id").cast("string").alias("customer_id"), (F.col("id") % 3).cast("double").alias("a")
    )
    blocks = as_blocks(arrange(9_000, frame), F.array("a"))

    assert count_customers(blocks, 10) == (9_000, 3)
    assert count_customers(blocks, 2) == (9_000, 2)
