"""Numeric columns as numpy matrices spread over the cluster, and sums over them that are the same on every cluster.

A floating-point sum depends on the order of its terms. Here the order depends on the data alone: which rows
share a partition follows from the customer's id and the number of rows, rows are sorted within a partition,
and the driver adds the partitions' results in the order of the partitions. So the number of cores, of input
files or of executors changes no bit of a result. (Another processor may: its linear algebra kernels round
differently, by about 1e-15.)
"""

from __future__ import annotations

import math
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

#: Rows of one block: its distances to some centres fit into a core's cache.
BLOCK_ROWS = 4096
#: A partition of fewer rows costs more to start than to work through.
SMALLEST_PARTITION = 2500


def partition_count(rows: int) -> int:
    """Return the number of partitions for ``rows`` rows: 1 for 2,500, 2 for 10,000, 20 for a million, 200 for 10⁸.

    The square root lets the parallelism and the size of a task grow together.
    """
    return max(1, math.ceil(math.sqrt(rows / SMALLEST_PARTITION)))


def as_blocks(customers: DataFrame, values: Column, rows: int) -> RDD[Array]:
    """Return the array column ``values`` of ``rows`` customers as blocks of shape (values, customers).

    ``customers`` has one row for each ``customer_id`` and is shuffled once. A block holds a customer in each
    column, so that a step over all customers runs along contiguous memory.
    """
    ordered = (
        customers.select("customer_id", values.alias("values"))
        .repartition(partition_count(rows), "customer_id")
        .sortWithinPartitions("customer_id")
        .select("values")
    )
    return ordered.rdd.mapPartitions(_stack)


def total(
    blocks: RDD[Array], of: Callable[[Array], Result], add: Callable[[Result, Result], Result]
) -> Result:
    """Return ``of`` of each block added up with ``add``, in the blocks' order; raises TypeError without any block.

    What reaches the driver is one result for each partition.
    """

    def partial(partition: Iterable[Array]) -> Iterator[Result]:
        results = map(of, partition)
        for first in results:
            yield reduce(add, results, first)

    return reduce(add, blocks.mapPartitions(partial).collect())


def _stack(rows: Iterable[Row]) -> Iterator[Array]:
    source = iter(rows)
    while chunk := [row[0] for row in islice(source, BLOCK_ROWS)]:
        yield np.ascontiguousarray(np.array(chunk, dtype=np.float64).T)


def distinct(blocks: RDD[Array], enough: int) -> int:
    """Return the number of different customers, or ``enough`` where there are at least as many."""

    def different(block: Array) -> Array:
        return np.unique(block, axis=1)[:, :enough]

    return int(total(blocks, different, lambda a, b: different(np.hstack((a, b)))).shape[1])
