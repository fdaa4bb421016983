"""Initial centers for k-means, the same on every cluster."""

from __future__ import annotations

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.blocks import Array

#: Customers from which the initial centers are drawn; the driver never receives more.
SAMPLE_SIZE = 2048


def sample(customers: DataFrame, values: Column, seed: int) -> Array:
    """Return the array column ``values`` of at most 2,048 random customers, as (customers, values).

    The customers with the smallest hashes of id and seed are a simple random sample that does not depend on partitions.
    """
    chosen = customers.orderBy(F.xxhash64("customer_id", F.lit(seed)), "customer_id").limit(SAMPLE_SIZE)
    return np.array([row[0] for row in chosen.select(values).collect()], dtype=np.float64)


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
