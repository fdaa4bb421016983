"""Where a fit begins: seeded starting centres, the same whatever the cluster."""

from __future__ import annotations

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql.functions import lit, xxhash64

from segmentation.blocks import Array

#: Customers that the starting centres are drawn from; also the most that ever reach the driver.
SAMPLE_ROWS = 2048


def sample(customers: DataFrame, values: Column, seed: int) -> Array:
    """Return the array column ``values`` of at most 2,048 random customers, as (customers, values).

    Those with the smallest hashes of id and seed are a simple random sample that no partitioning changes.
    """
    draw = customers.orderBy(xxhash64("customer_id", lit(seed)), "customer_id").limit(SAMPLE_ROWS)
    return np.array([row[0] for row in draw.select(values).collect()], dtype=np.float64)


def starting_centres(points: Array, k: int, seed: tuple[int, ...]) -> Array:
    """Return k of ``points`` (customers × values) as starting centres, by k-means++.

    Each is drawn with a chance that grows with its squared distance to the nearest one drawn before (Arthur and
    Vassilvitskii 2007). Where fewer than k points differ, the last is repeated.
    """
    random = np.random.default_rng(seed)
    chosen = [points[int(random.random() * len(points))]]
    nearest = np.full(len(points), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, ((points - chosen[-1]) ** 2).sum(axis=1))
        chances = np.cumsum(nearest)
        drawn = np.searchsorted(chances, random.random() * chances[-1], side="right")
        chosen.append(points[min(int(drawn), len(points) - 1)])
    return np.array(chosen)
