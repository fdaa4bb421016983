from __future__ import annotations

from functools import reduce

import numpy as np

from segmentation.moments import measure, merge


def test_merged_blocks_have_the_moments_of_all_customers() -> None:
    """Far from zero, where a sum of squares would have lost every digit."""
    values = np.random.default_rng(1).normal(1e8, [[1.0], [5.0]], (2, 1000))
    moments = reduce(merge, (measure(block) for block in np.array_split(values, 7, axis=1)))

    assert moments.count == 1000
    np.testing.assert_allclose(moments.mean, values.mean(axis=1), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(values), rtol=1e-6)
    np.testing.assert_array_equal(moments.minimum, values.min(axis=1))
    np.testing.assert_array_equal(moments.maximum, values.max(axis=1))


def test_a_constant_deviates_by_exactly_nothing() -> None:
    """The mean of 1,001 times 0.1 is not 0.1 in floating point."""
    moments = measure(np.full((1, 1001), 0.1))

    assert moments.covariance[0, 0] > 0
    assert moments.deviation.tolist() == [0.0]


def test_the_rounding_of_a_quotient_is_no_difference() -> None:
    """The same discount on each line, averaged over one and over three lines."""
    moments = measure(np.array([[0.05, 0.15 / 3], [0.05, 0.06]]))

    assert moments.minimum[0] < moments.maximum[0]
    assert moments.constant.tolist() == [True, False]
    assert moments.deviation[0] == 0


def test_hand_computed() -> None:
    moments = measure(np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 9.0]]))

    assert moments.mean.tolist() == [2.0, 5.0]
    assert moments.covariance.tolist() == [[1.0, 3.5], [3.5, 13.0]]
