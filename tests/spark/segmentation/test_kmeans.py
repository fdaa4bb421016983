from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from segmentation.blocks import Array
from segmentation.kmeans import Fit, Tally, fit_all, nearest, tally


def settled(points: np.ndarray, *starts: list[list[float]]) -> list[Fit]:
    """Settle on ``points`` (customers × values) without a cluster."""

    def tally_all(moving: Mapping[int, Array]) -> dict[int, Tally]:
        return {key: tally(points.T, centres) for key, centres in moving.items()}

    return fit_all([np.array(start, dtype=float) for start in starts], tally_all)


def test_hand_computed_tally() -> None:
    """1, 2 belong to the centre 0 and 9 to the centre 8: squared distances 1 + 4 + 1."""
    result = tally(np.array([[1.0, 2.0, 9.0]]), np.array([[0.0], [8.0]]))

    assert result.counts.tolist() == [2, 1]
    assert result.sums.tolist() == [[3.0], [9.0]]
    assert result.squares.tolist() == [5.0, 81.0]
    assert result.cost == 6.0
    assert (result.outlier.tolist(), result.distance) == ([2.0], 4.0)
    assert np.isclose(result.mean_variance, np.var([1.0, 2.0, 9.0]))


def test_tallies_of_blocks_add_up() -> None:
    points = np.random.default_rng(2).normal(size=(3, 500))
    centres = points[:, :4].T
    whole, parts = tally(points, centres), [tally(b, centres) for b in np.array_split(points, 6, axis=1)]

    added = reduce(Tally.__add__, parts)
    np.testing.assert_array_equal(added.counts, whole.counts)
    np.testing.assert_allclose(added.sums, whole.sums)
    np.testing.assert_allclose(added.cost, whole.cost)
    np.testing.assert_array_equal(added.outlier, whole.outlier)


def test_a_customer_between_two_centres_counts_once_for_the_first() -> None:
    block, centres = np.array([[0.0, 1.0]]), np.array([[1.0], [-1.0], [1.0]])

    assert nearest(block, centres).tolist() == [0, 0]
    assert tally(block, centres).counts.tolist() == [2, 0, 0]


def test_several_clusterings_settle_side_by_side() -> None:
    two, three = settled(np.array([[0.0], [1.0], [10.0], [11.0], [30.0]]), [[0], [1]], [[0], [10], [30]])

    assert sorted(two.centres.ravel().tolist()) == [0.5, 17.0]
    assert sorted(three.centres.ravel().tolist()) == [0.5, 10.5, 30.0]
    assert two.done
    assert three.done
    assert three.passes < two.passes


def test_a_centre_without_customers_moves_to_the_one_furthest_from_its_own() -> None:
    """The one at 1,000 would have stayed there for ever."""
    (result,) = settled(np.array([[0.0], [1.0], [50.0]]), [[0], [1000]])

    assert sorted(result.centres.ravel().tolist()) == [0.5, 50.0]


def test_as_good_as_scikit_learn() -> None:
    points, _ = make_blobs(1000, n_features=5, centers=6, random_state=4)
    start = points[:6]
    (result,) = settled(points, start.tolist())

    reference = KMeans(6, init=start, n_init=1, tol=1e-4).fit(points)
    np.testing.assert_allclose(tally(points.T, result.centres).cost, reference.inertia_, rtol=1e-3)
