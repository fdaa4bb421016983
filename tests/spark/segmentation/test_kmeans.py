from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import reduce

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from segmentation.blocks import Array
from segmentation.kmeans import ClusterSums, Fit, fit_all, predict


def fits(points: np.ndarray, *starts: list[list[float]]) -> list[Fit]:
    """Return the fits to ``points`` (customers × values) without Spark."""

    def sums_of(moving: Mapping[int, Array]) -> dict[int, ClusterSums]:
        return {key: ClusterSums.of(points.T, centers) for key, centers in moving.items()}

    return fit_all([np.array(start, dtype=float) for start in starts], sums_of)


def test_hand_computed_cluster_sums() -> None:
    """1, 2 belong to the center 0 and 9 to the center 8: squared distances 1 + 4 + 1."""
    result = ClusterSums.of(np.array([[1.0, 2.0, 9.0]]), np.array([[0.0], [8.0]]))

    assert result.counts.tolist() == [2, 1]
    assert result.sums.tolist() == [[3.0], [9.0]]
    assert result.squared_norms.tolist() == [5.0, 81.0]
    assert result.wssse == 6.0
    assert (result.farthest.tolist(), result.farthest_distance) == ([2.0], 4.0)
    assert np.isclose(result.mean_variance, np.var([1.0, 2.0, 9.0]))


def test_cluster_sums_of_blocks_add_up() -> None:
    points = np.random.default_rng(2).normal(size=(3, 500))
    centers = points[:, :4].T
    whole = ClusterSums.of(points, centers)
    parts = [ClusterSums.of(block, centers) for block in np.array_split(points, 6, axis=1)]

    added = reduce(operator.add, parts)
    np.testing.assert_array_equal(added.counts, whole.counts)
    np.testing.assert_allclose(added.sums, whole.sums)
    np.testing.assert_allclose(added.wssse, whole.wssse)
    np.testing.assert_array_equal(added.farthest, whole.farthest)


def test_a_customer_with_two_nearest_centers_belongs_to_the_first() -> None:
    block, centers = np.array([[0.0, 1.0]]), np.array([[1.0], [-1.0], [1.0]])

    assert predict(block, centers).tolist() == [0, 0]
    assert ClusterSums.of(block, centers).counts.tolist() == [2, 0, 0]


def test_several_clusterings_are_fitted_together() -> None:
    two, three = fits(np.array([[0.0], [1.0], [10.0], [11.0], [30.0]]), [[0], [1]], [[0], [10], [30]])

    assert sorted(two.centers.ravel().tolist()) == [0.5, 17.0]
    assert sorted(three.centers.ravel().tolist()) == [0.5, 10.5, 30.0]
    assert two.converged
    assert three.converged
    assert three.n_iter < two.n_iter


def test_an_empty_cluster_gets_the_farthest_customer() -> None:
    """Without that, the center at 1,000 would never move."""
    (result,) = fits(np.array([[0.0], [1.0], [50.0]]), [[0], [1000]])

    assert sorted(result.centers.ravel().tolist()) == [0.5, 50.0]


def test_as_good_as_scikit_learn() -> None:
    points, _ = make_blobs(1000, n_features=5, centers=6, random_state=4)
    start = points[:6]
    (result,) = fits(points, start.tolist())

    reference = KMeans(6, init=start, n_init=1, tol=1e-4).fit(points)
    np.testing.assert_allclose(ClusterSums.of(points.T, result.centers).wssse, reference.inertia_, rtol=1e-3)
