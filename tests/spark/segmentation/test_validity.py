from __future__ import annotations

import numpy as np
import pytest
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.sql import SparkSession
from pyspark.sql.functions import array
from sklearn import metrics
from sklearn.datasets import make_blobs

from segmentation.blocks import as_blocks
from segmentation.kmeans import nearest, tallies, tally
from segmentation.validity import Trials, adjusted_rand_index, assess, calinski_harabasz, silhouettes
from segmentation.vectors import as_vector

POINTS, _ = make_blobs(300, n_features=3, centers=4, cluster_std=3, random_state=8)


def test_hand_computed_silhouette() -> None:
    """0, 1 | 3. For 0: a = 1, b = 9. For 1: a = 1, b = 4. The third is alone in its cluster: 0 by definition."""
    block, centres = np.array([[0.0, 1.0, 3.0]]), np.array([[0.5], [3.0]])

    values = silhouettes(block, nearest(block, centres), tally(block, centres))
    np.testing.assert_allclose(values, [8 / 9, 3 / 4, 0])


def test_same_customers_have_a_silhouette_of_0_not_of_nothing() -> None:
    block, centres = np.zeros((1, 4)), np.array([[0.0], [9.0]])

    values = silhouettes(block, np.array([0, 0, 1, 1]), tally(block, centres))
    assert values.tolist() == [0, 0, 0, 0]


def test_silhouettes_are_those_of_scikit_learn() -> None:
    centres = POINTS[:5]
    labels = nearest(POINTS.T, centres)

    values = silhouettes(POINTS.T, labels, tally(POINTS.T, centres))
    np.testing.assert_allclose(
        values, metrics.silhouette_samples(POINTS, labels, metric="sqeuclidean"), atol=1e-12
    )


def test_hand_computed_calinski_harabasz() -> None:
    """0, 2 | 6, 8: the means 1 and 7 lie 3 from 4, between = 4 × 9; within = 4 × 1; n − k = 2, k − 1 = 1."""
    assert calinski_harabasz(tally(np.array([[0.0, 2.0, 6.0, 8.0]]), np.array([[1.0], [7.0]]))) == 18.0


def test_calinski_harabasz_is_that_of_scikit_learn() -> None:
    centres = POINTS[:5]
    labels = nearest(POINTS.T, centres)

    np.testing.assert_allclose(
        calinski_harabasz(tally(POINTS.T, centres)), metrics.calinski_harabasz_score(POINTS, labels)
    )


def test_calinski_harabasz_of_customers_on_their_centres_is_1() -> None:
    points = np.array([[0.1, 0.1, 0.7]])

    assert calinski_harabasz(tally(points, np.array([[0.1], [0.7]]))) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_rand_index_is_that_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    a = random.integers(0, 4, 200)
    b = np.where(random.random(200) < seed / 4, random.integers(0, 4, 200), (a + 1) % 4)

    table = np.bincount(a * 4 + b, minlength=16).reshape(4, 4)
    np.testing.assert_allclose(adjusted_rand_index(table), metrics.adjusted_rand_score(a, b), atol=1e-12)


def test_adjusted_rand_index_holds_for_billions_of_customers() -> None:
    """The pairs of 10¹⁰ customers, squared, are beyond 64 bits."""
    assert adjusted_rand_index(np.diag([10**10, 10**10])) == pytest.approx(1.0)


def test_all_k_are_assessed_over_all_customers_in_blocks(spark: SparkSession) -> None:
    """Silhouette as Spark's own evaluator has it; stability as the mean over the pairs of starts."""
    frame = spark.createDataFrame(
        [(str(n), *row) for n, row in enumerate(POINTS.tolist())], ["customer_id", "a", "b", "c"]
    )
    blocks = as_blocks(frame, array("a", "b", "c"), 25_000)  # several partitions
    starts = {2: [POINTS[:2], POINTS[1:3], POINTS[5:7]], 3: [POINTS[:3]]}
    trials = [Trials(tuple(centres), 0, tallies(blocks, {0: centres[0]})[0]) for centres in starts.values()]
    result = assess(blocks, trials)

    labels = [nearest(POINTS.T, centres) for centres in starts[2]]
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = np.mean([metrics.adjusted_rand_score(labels[i], labels[j]) for i, j in pairs])
    assert result[2].stability == pytest.approx(expected)
    assert result[3].stability is None
    assert result[3].wssse == pytest.approx(tally(POINTS.T, starts[3][0]).cost)
    for k in (2, 3):
        rows = [(p, float(c)) for p, c in zip(POINTS.tolist(), nearest(POINTS.T, starts[k][0]), strict=True)]
        evaluated = spark.createDataFrame(rows, ["p", "prediction"]).withColumn("features", as_vector("p"))
        assert result[k].silhouette == pytest.approx(ClusteringEvaluator().evaluate(evaluated))
