from __future__ import annotations

import operator
from functools import reduce

import numpy as np

from segmentation.moments import Moments


def test_added_blocks_have_the_moments_of_all_customers() -> None:
    """The mean is large: a sum of squares would lose all digits."""
    values = np.random.default_rng(1).normal(1e8, [[1.0], [5.0]], (2, 1000))
    moments = reduce(operator.add, (Moments.of(block) for block in np.array_split(values, 7, axis=1)))

    assert moments.count == 1000
    np.testing.assert_allclose(moments.mean, values.mean(axis=1), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(values), rtol=1e-6)
    np.testing.assert_array_equal(moments.minimum, values.min(axis=1))
    np.testing.assert_array_equal(moments.maximum, values.max(axis=1))


def test_the_standard_deviation_of_a_constant_is_exactly_zero() -> None:
    """The mean of 1,001 times 0.1 is not 0.1 in floating point."""
    moments = Moments.of(np.full((1, 1001), 0.1))

    assert moments.covariance[0, 0] > 0
    assert moments.std.tolist() == [0.0]


def test_a_value_that_differs_only_by_rounding_is_constant() -> None:
    """The same discount on each line, averaged over one and over three lines."""
    moments = Moments.of(np.array([[0.05, 0.15 / 3], [0.05, 0.06]]))

    assert moments.minimum[0] < moments.maximum[0]
    assert moments.constant.tolist() == [True, False]
    assert moments.std[0] == 0


def test_hand_computed() -> None:
    moments = Moments.of(np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 9.0]]))

    assert moments.mean.tolist() == [2.0, 5.0]
    assert moments.covariance.tolist() == [[1.0, 3.5], [3.5, 13.0]]
