"""The silhouettes of the customers are those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.metrics import silhouette_samples

from segmentation.moments import Moments
from segmentation.silhouettes import with_silhouette


def customers(spark: SparkSession, points: list[list[float]], segments: list[int]) -> DataFrame:
    rows = [(f"CUS{at:03}", *pair) for at, pair in enumerate(zip(points, segments, strict=True))]
    return spark.createDataFrame(rows, "customer_id string, point array<double>, segment int")


def by_segment(frame: DataFrame) -> dict[int, list[list[float]]]:
    rows = frame.groupBy("segment").agg(F.collect_list("point").alias("points")).collect()
    return {row.segment: row.points for row in rows}


def silhouettes(frame: DataFrame) -> list[float | None]:
    segments = {segment: Moments.of(np.array(rows).T) for segment, rows in by_segment(frame).items()}
    found = with_silhouette(frame, F.col("point"), segments).orderBy("customer_id").collect()
    return [row.silhouette for row in found]


def test_the_silhouettes_are_those_of_scikit_learn(spark: SparkSession) -> None:
    """Three overlapping segments, one of them with a single customer; segment 2 has nobody."""
    random = np.random.default_rng(3)
    points = np.vstack([random.normal(0, 1, (60, 3)), random.normal(1, 2, (50, 3)), [[4.0, 4.0, 4.0]]])
    segments = [0] * 60 + [1] * 50 + [3]
    found = silhouettes(customers(spark, points.tolist(), segments))
    assert found == pytest.approx(silhouette_samples(points, segments, metric="sqeuclidean"), abs=1e-12)
    assert min(found) < 0 < max(found)
    assert found[-1] == 0.0


def test_equal_customers_have_a_silhouette_of_zero(spark: SparkSession) -> None:
    assert silhouettes(customers(spark, [[1.0, 2.0]] * 4, [0, 0, 1, 1])) == [0.0] * 4


def test_a_single_segment_has_no_silhouettes(spark: SparkSession) -> None:
    assert silhouettes(customers(spark, [[1.0], [2.0]], [1, 1])) == [None, None]
