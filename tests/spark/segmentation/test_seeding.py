from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from segmentation.seeding import SAMPLE_SIZE, kmeans_plus_plus, sample


def test_the_sample_is_bounded_and_does_not_depend_on_partitions(spark: SparkSession) -> None:
    frame = spark.range(5_000).select(
        F.col("id").cast("string").alias("customer_id"), F.col("id").cast("double").alias("a")
    )
    samples = [
        sample(each, F.array("a"), 7, ["customer_id"]) for each in (frame.coalesce(1), frame.repartition(4))
    ]
    one, four = (each.points for each in samples)

    assert samples[0].columns["customer_id"].astype(float).tolist() == one[:, 0].tolist()
    assert one.shape == (SAMPLE_SIZE, 1)
    np.testing.assert_array_equal(one, four)
    assert (one != sample(frame, F.array("a"), 8).points).any()
    assert one.mean() == pytest.approx(2_500, abs=150)


def test_centers_are_different_customers_and_depend_on_the_seed() -> None:
    points = np.random.default_rng(0).normal(size=(50, 2))
    centers = kmeans_plus_plus(points, 10, (7, 10, 0))

    assert len(np.unique(centers, axis=0)) == 10
    assert all((points == center).all(axis=1).any() for center in centers)
    np.testing.assert_array_equal(centers, kmeans_plus_plus(points, 10, (7, 10, 0)))
    assert (centers != kmeans_plus_plus(points, 10, (7, 10, 1))).any()


def test_a_distant_customer_is_chosen_almost_always() -> None:
    """Its squared distance is 10⁶, those of the other 98 are at most 1."""
    points = np.array([[number / 100] for number in range(99)] + [[1000.0]])

    assert all(1000.0 in kmeans_plus_plus(points, 2, (seed,)) for seed in range(50))


def test_with_fewer_different_customers_than_centers_the_last_is_repeated() -> None:
    points = np.array([[1.0], [1.0], [2.0]])

    assert set(kmeans_plus_plus(points, 4, (0,)).ravel().tolist()) == {1.0, 2.0}
