"""A bounded random sample of the customers, and initial centers for k-means; the same on every cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.blocks import Array

#: Customers of a sample; the driver never receives more.
SAMPLE_SIZE = 2048


@dataclass(frozen=True)
class Sample:
    """Random customers in random order: ``points`` is customers × values, ``columns`` has their texts by column."""

    points: Array
    columns: dict[str, npt.NDArray[np.str_]]


def sample(customers: DataFrame, values: Column, seed: int, columns: Sequence[str] = ()) -> Sample:
    """Return the array column ``values`` and the text columns ``columns`` of at most 2,048 random customers.

    The customers with the smallest hashes of id and seed are a simple random sample that does not depend on partitions.
    """
    chosen = customers.orderBy(F.xxhash64("customer_id", F.lit(seed)), "customer_id").limit(SAMPLE_SIZE)
    rows = chosen.select(values, *(F.coalesce(column, F.lit("")) for column in columns)).collect()
    return Sample(
        np.array([row[0] for row in rows], dtype=np.float64),
        {name: np.array([row[at] for row in rows], dtype=str) for at, name in enumerate(columns, start=1)},
    )


def kmeans_plus_plus(points: Array, k: int, seed: tuple[int, ...]) -> Array:
    """Return k of ``points`` (customers × values) as initial centers, chosen by k-means++.

    The probability of a point is proportional to its squared distance to the nearest center chosen before (Arthur and
    Vassilvitskii 2007). If fewer than k points differ, the last one is repeated.
    """
    random = np.random.default_rng(seed)
    chosen = [points[int(random.random() * len(points))]]
    distances = np.full(len(points), np.inf)
    while len(chosen) < k:
        distances = np.minimum(distances, ((points - chosen[-1]) ** 2).sum(axis=1))
        cumulative = np.cumsum(distances)
        drawn = np.searchsorted(cumulative, random.random() * cumulative[-1], side="right")
        chosen.append(points[min(int(drawn), len(points) - 1)])
    return np.array(chosen)
