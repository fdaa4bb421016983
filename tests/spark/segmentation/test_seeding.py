from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import array, col

from segmentation.seeding import SAMPLE_ROWS, sample, starting_centres


def test_the_sample_is_bounded_and_does_not_depend_on_partitions(spark: SparkSession) -> None:
    frame = spark.range(5_000).select(
        col("id").cast("string").alias("customer_id"), col("id").cast("double").alias("a")
    )
    one, four = sample(frame.coalesce(1), array("a"), 7), sample(frame.repartition(4), array("a"), 7)

    assert one.shape == (SAMPLE_ROWS, 1)
    np.testing.assert_array_equal(one, four)
    assert (one != sample(frame, array("a"), 8)).any()
    assert one.mean() == pytest.approx(2_500, abs=150)


def test_centres_are_different_customers_and_follow_the_seed() -> None:
    points = np.random.default_rng(0).normal(size=(50, 2))
    centres = starting_centres(points, 10, (7, 10, 0))

    assert len(np.unique(centres, axis=0)) == 10
    assert all((points == centre).all(axis=1).any() for centre in centres)
    np.testing.assert_array_equal(centres, starting_centres(points, 10, (7, 10, 0)))
    assert (centres != starting_centres(points, 10, (7, 10, 1))).any()


def test_a_far_customer_is_drawn_almost_surely() -> None:
    """By its squared distance: 10⁶ against 98 times at most 1."""
    points = np.array([[number / 100] for number in range(99)] + [[1000.0]])

    assert all(1000.0 in starting_centres(points, 2, (seed,)) for seed in range(50))


def test_fewer_different_customers_than_centres_repeat_the_last() -> None:
    points = np.array([[1.0], [1.0], [2.0]])

    assert set(starting_centres(points, 4, (0,)).ravel().tolist()) == {1.0, 2.0}
