from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from segmentation.blocks import Array
from segmentation.kmeans import predict
from segmentation.refinement import REFINED, Refinement, refine
from segmentation.vectors import array_to_vector, vector_to_array


def customers() -> tuple[Array, Array, Array]:
    """Return 600 customers × 3 values in two elongated groups, their groups, and the centers of KMeans."""
    random = np.random.default_rng(5)
    group = np.arange(600) % 2
    points = random.standard_normal((600, 3)) * [3.5, 1.0, 1.0] + np.outer(group, [3.0, 5.5, 0.0])
    return points, group, KMeans(2, n_init=5, random_state=0).fit(points).cluster_centers_


def refined(spark: SparkSession, points: Array, centers: Array) -> Refinement | None:
    blocks = [np.ascontiguousarray(part.T) for part in np.array_split(points, 3)]
    return refine(spark.sparkContext.parallelize(blocks, 2), centers)


def test_elongated_groups_are_found_as_by_a_normal_mixture_with_a_tied_covariance(
    spark: SparkSession,
) -> None:
    points, group, centers = customers()
    refinement = refined(spark, points, centers)
    assert refinement

    rows = spark.createDataFrame([(point,) for point in points.tolist()], "values array<double>")
    frame = refinement.model().transform(rows.withColumn("components", array_to_vector("values")))
    vectors = np.array([row[0] for row in frame.select(vector_to_array(REFINED)).collect()])
    before, after = predict(points.T, centers), predict(vectors.T, refinement.centers)
    mixture = GaussianMixture(2, covariance_type="tied", random_state=0).fit_predict(points)
    assert adjusted_rand_score(group, before) < 0.7
    assert adjusted_rand_score(mixture, after) == 1.0
    assert refinement.moved == pytest.approx(np.mean(before != after))
    within = vectors - refinement.centers[after]
    assert within.T @ within / (len(points) - 2) == pytest.approx(np.eye(3), abs=0.02)


def test_segments_without_spread_in_some_direction_are_not_refined(spark: SparkSession) -> None:
    points, group, _ = customers()
    points[:, 2] = group

    assert (
        refined(spark, points, np.array([points[group == number].mean(axis=0) for number in range(2)]))
        is None
    )


def test_a_segment_that_loses_all_customers_ends_the_refinement(spark: SparkSession) -> None:
    points, _, centers = customers()

    assert refined(spark, points, np.vstack([centers, [[1e6, 0.0, 0.0]]])) is None
