"""Numeric columns as numpy matrices on the cluster, and sums over them that are the same on every cluster.

A floating-point sum depends on the order of its terms. Here the order depends only on the data: the customer id and
the number of rows decide which rows share a partition, rows are sorted within a partition, and the driver adds the
results of the partitions in the order of the partitions. So the number of cores, of input files and of executors does
not change a single bit of a result. A different processor may: its linear algebra kernels round differently, by about
1e-15.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from pyspark import RDD
from pyspark.sql import Column, DataFrame, Row

Array = npt.NDArray[np.float64]
Result = TypeVar("Result")

#: Rows of one block: its distances to some centers fit into the cache of a core.
BLOCK_ROWS = 4096
#: A partition with fewer rows takes longer to start than to process.
MIN_PARTITION_ROWS = 2500


def partition_count(rows: int) -> int:
    """Return the number of partitions for ``rows`` rows: 1 for 2,500, 2 for 10,000, 20 for a million, 200 for 10⁸.

    With the square root, both the parallelism and the size of a task grow.
    """
    return max(1, math.ceil(math.sqrt(rows / MIN_PARTITION_ROWS)))


def arrange(rows: int, *tables: DataFrame) -> DataFrame:
    """Return the inner join of ``tables`` by ``customer_id``, in the partitions and the order of the blocks.

    Each table has one row for each ``customer_id``; ``rows`` is the number of customers.
    """
    joined = reduce(lambda a, b: a.join(b, on="customer_id", how="inner"), tables)
    return joined.repartition(partition_count(rows), "customer_id").sortWithinPartitions("customer_id")


def as_blocks(arranged: DataFrame, values: Column) -> RDD[Array]:
    """Return the array column ``values`` of customers in the order of ``arrange`` as blocks (values × customers).

    Columns may have been added to them, but no shuffle. Each customer is a column of a block, so that a computation
    over all customers reads contiguous memory.
    """
    return arranged.select(values.alias("values")).rdd.mapPartitions(_stack)


def aggregate(
    blocks: RDD[Array],
    compute: Callable[[Array], Result],
    add: Callable[[Result, Result], Result] = operator.add,
) -> Result:
    """Return the results of ``compute`` for each block, added up in the order of the blocks.

    The driver receives one result from each partition. Raises TypeError if there are no blocks.
    """

    def partial(partition: Iterable[Array]) -> Iterator[Result]:
        results = map(compute, partition)
        for first in results:
            yield reduce(add, results, first)

    return reduce(add, blocks.mapPartitions(partial).collect())


def count_customers(blocks: RDD[Array], limit: int) -> tuple[int, int]:
    """Return the number of customers, and the number of customers with different values, at most ``limit``."""

    def distinct(found: list[Array]) -> list[Array]:
        return [np.unique(np.hstack(found), axis=1)[:, :limit]] if found else []

    def count(partition: Iterable[Array]) -> Iterator[tuple[int, list[Array]]]:
        customers, different = 0, list[Array]()
        for block in partition:
            customers += block.shape[1]
            different = distinct([*different, block])
        yield customers, different

    results = blocks.mapPartitions(count).collect()
    different = distinct([block for _, found in results for block in found])
    return sum(customers for customers, _ in results), sum(block.shape[1] for block in different)


def count_pairs(block: Array) -> Counter[tuple[int, int]]:
    """Return how often each pair of numbers, a column of the block, occurs."""
    found, counts = np.unique(block.astype(int), axis=1, return_counts=True)
    return Counter(dict(zip(zip(*found.tolist(), strict=True), counts.tolist(), strict=True)))


def _stack(rows: Iterable[Row]) -> Iterator[Array]:
    source = iter(rows)
    while chunk := [row[0] for row in islice(source, BLOCK_ROWS)]:
        yield np.ascontiguousarray(np.array(chunk, dtype=np.float64).T)
