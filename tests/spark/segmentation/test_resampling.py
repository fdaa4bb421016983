from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from segmentation.grid_search import fit_sample
from segmentation.resampling import BOOTSTRAPS, REFERENCES, bootstrap_stability, gap_statistics, valley
from segmentation.selection import MIN_VALLEY

GROUPS, TRUTH = make_blobs(400, n_features=2, centers=[[0, 0], [7, 0], [0, 7]], random_state=1)
CLOUD = np.random.default_rng(2).normal(size=(400, 2)) * [3.0, 1.0]


def test_the_stability_is_the_same_as_with_scikit_learn(spark: SparkSession) -> None:
    """The same resamples, clustered by scikit-learn: the groups are so clear that both find the same clusters."""
    centers = KMeans(3, n_init=5, random_state=0).fit(GROUPS).cluster_centers_
    expected = []
    for number in range(BOOTSTRAPS):
        drawn = np.random.default_rng((7, number)).integers(0, len(GROUPS), len(GROUPS))
        common = np.unique(drawn)
        given = np.argmin(((GROUPS[common, None] - centers) ** 2).sum(axis=2), axis=1)
        again = KMeans(3, n_init=5, random_state=0).fit(GROUPS[drawn]).predict(GROUPS[common])
        expected.append(adjusted_rand_score(given, again))

    found = bootstrap_stability(spark.sparkContext, GROUPS, {3: centers}, 7)
    assert found[3] == pytest.approx(np.mean(expected), abs=1e-9)
    assert found[3] > 0.95


def test_slices_of_one_cloud_are_not_stable(spark: SparkSession) -> None:
    centers = {k: fit_sample(CLOUD, k, (0,)).centers for k in (6,)}

    assert bootstrap_stability(spark.sparkContext, CLOUD, centers, 7)[6] < 0.8


def test_the_gap_is_large_for_groups_and_about_0_for_one_cloud(spark: SparkSession) -> None:
    groups = gap_statistics(spark.sparkContext, [GROUPS], [2, 3, 4], 7)
    cloud = gap_statistics(spark.sparkContext, [CLOUD], [2, 3, 4], 7)

    assert max(groups, key=lambda k: groups[k].value) == 3
    assert groups[3].value > 1
    assert all(abs(gap.value) < 3 * gap.error + 0.02 for gap in cloud.values())


def test_the_gap_is_the_same_as_with_scikit_learn(spark: SparkSession) -> None:
    """The references are drawn again as in the docstring: normal, with the variances of the principal axes."""
    centered = GROUPS - GROUPS.mean(axis=0)
    deviations = np.sqrt(np.linalg.eigvalsh(centered.T @ centered / len(GROUPS))[::-1])

    def log_wssse(points: np.ndarray) -> float:
        return float(np.log(KMeans(3, n_init=10, random_state=0, tol=0).fit(points).inertia_))

    references = [
        log_wssse(np.random.default_rng((7, 0, number)).standard_normal(GROUPS.shape) * deviations)
        for number in range(1, REFERENCES + 1)
    ]
    gap = gap_statistics(spark.sparkContext, [GROUPS], [3], 7)[3]
    assert gap.value == pytest.approx(np.mean(references) - log_wssse(GROUPS), abs=0.002)
    assert gap.error == pytest.approx(np.std(references) * np.sqrt(1 + 1 / REFERENCES), abs=0.002)


def test_only_groups_have_fewer_customers_between_them() -> None:
    """Clouds with one peak, normal, even and skewed, are cut into slices; a fourth cluster cuts one of three groups."""
    random = np.random.default_rng(4)
    for cloud in (CLOUD, random.uniform(size=(1000, 2)) * [4.0, 1.0], random.exponential(size=(1000, 2))):
        assert all(valley(cloud, fit_sample(cloud, k, (0,)).centers) < MIN_VALLEY for k in (2, 3, 5))
    assert valley(GROUPS, fit_sample(GROUPS, 3, (0,)).centers) > 6
    assert valley(GROUPS, fit_sample(GROUPS, 4, (0,)).centers) < MIN_VALLEY


def test_the_gap_of_several_groups_is_weighted_by_their_customers(spark: SparkSession) -> None:
    alone = gap_statistics(spark.sparkContext, [GROUPS], [3], 7)[3]
    both = gap_statistics(spark.sparkContext, [GROUPS, CLOUD[:100]], [3], 7)[3]

    assert 0.6 * alone.value < both.value < 0.9 * alone.value
