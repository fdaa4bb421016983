from __future__ import annotations

import numpy as np
import pytest
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from sklearn import metrics
from sklearn.datasets import make_blobs

from segmentation.blocks import arrange, as_blocks
from segmentation.evaluation import (
    Restarts,
    calinski_harabasz_score,
    evaluate,
    silhouette_samples,
)
from segmentation.kmeans import ClusterSums, cluster_sums, predict
from segmentation.vectors import array_to_vector

POINTS, _ = make_blobs(300, n_features=3, centers=4, cluster_std=3, random_state=8)


def test_hand_computed_silhouette() -> None:
    """0, 1 | 3. For 0: a = 1, b = 9. For 1: a = 1, b = 4. The third is alone in its cluster: 0 by definition."""
    block, centers = np.array([[0.0, 1.0, 3.0]]), np.array([[0.5], [3.0]])

    values = silhouette_samples(block, predict(block, centers), ClusterSums.of(block, centers))
    np.testing.assert_allclose(values, [8 / 9, 3 / 4, 0])


def test_identical_customers_have_a_silhouette_of_0() -> None:
    block, centers = np.zeros((1, 4)), np.array([[0.0], [9.0]])

    values = silhouette_samples(block, np.array([0, 0, 1, 1]), ClusterSums.of(block, centers))
    assert values.tolist() == [0, 0, 0, 0]


def test_silhouettes_are_the_same_as_in_scikit_learn() -> None:
    centers = POINTS[:5]
    labels = predict(POINTS.T, centers)

    values = silhouette_samples(POINTS.T, labels, ClusterSums.of(POINTS.T, centers))
    np.testing.assert_allclose(
        values, metrics.silhouette_samples(POINTS, labels, metric="sqeuclidean"), atol=1e-12
    )


def test_hand_computed_calinski_harabasz() -> None:
    """0, 2 | 6, 8: the means 1 and 7 lie 3 from 4, between = 4 × 9; within = 4 × 1; n − k = 2, k − 1 = 1."""
    assert (
        calinski_harabasz_score(ClusterSums.of(np.array([[0.0, 2.0, 6.0, 8.0]]), np.array([[1.0], [7.0]])))
        == 18.0
    )


def test_calinski_harabasz_is_the_same_as_in_scikit_learn() -> None:
    centers = POINTS[:5]
    labels = predict(POINTS.T, centers)

    np.testing.assert_allclose(
        calinski_harabasz_score(ClusterSums.of(POINTS.T, centers)),
        metrics.calinski_harabasz_score(POINTS, labels),
    )


def test_calinski_harabasz_without_dispersion_within_clusters_is_1() -> None:
    points = np.array([[0.1, 0.1, 0.7]])

    assert calinski_harabasz_score(ClusterSums.of(points, np.array([[0.1], [0.7]]))) == 1.0


def test_all_k_are_evaluated_over_all_blocks(spark: SparkSession) -> None:
    """The silhouette is the same as in Spark's evaluator; the agreement is the mean over the pairs of starts."""
    frame = spark.createDataFrame(
        [(str(n), *row) for n, row in enumerate(POINTS.tolist())], ["customer_id", "a", "b", "c"]
    )
    blocks = as_blocks(arrange(25_000, frame), F.array("a", "b", "c"))  # several partitions
    starts = {2: [POINTS[:2], POINTS[1:3], POINTS[5:7]], 3: [POINTS[:3]]}
    restarts = [
        Restarts(tuple(centers), 0, cluster_sums(blocks, {0: centers[0]})[0]) for centers in starts.values()
    ]
    result = evaluate(blocks, restarts)

    labels = [predict(POINTS.T, centers) for centers in starts[2]]
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = np.mean([metrics.adjusted_rand_score(labels[i], labels[j]) for i, j in pairs])
    assert result[2].start_agreement == pytest.approx(expected)
    assert result[3].start_agreement is None
    assert result[3].wssse == pytest.approx(ClusterSums.of(POINTS.T, starts[3][0]).wssse)
    for k in (2, 3):
        rows = [(p, float(c)) for p, c in zip(POINTS.tolist(), predict(POINTS.T, starts[k][0]), strict=True)]
        evaluated = spark.createDataFrame(rows, ["p", "prediction"]).withColumn(
            "features", array_to_vector("p")
        )
        assert result[k].silhouette == pytest.approx(ClusteringEvaluator().evaluate(evaluated))
