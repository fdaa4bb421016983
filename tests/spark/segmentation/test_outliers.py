from __future__ import annotations

import numpy as np

from segmentation.outliers import Limited, Limits


def test_the_limits_are_three_interquartile_ranges_from_the_quartiles() -> None:
    """0 to 100 have the quartiles 25 and 75; a constant and a share that is mostly 0 have no limits."""
    numbers = np.arange(101.0)
    limits = Limits.of(np.column_stack((numbers, np.full(101, 0.1), np.where(numbers < 95, 0.0, 1.0))))

    assert limits.lower.tolist() == [-125.0, -np.inf, -np.inf]
    assert limits.upper.tolist() == [225.0, np.inf, np.inf]


def test_moved_values_and_their_customers_are_counted_over_all_blocks() -> None:
    limits = Limits(np.array([0.0, 0.0]), np.array([10.0, 10.0]))
    block = np.array([[5.0, 50.0, -3.0], [1.0, 99.0, 2.0]])
    both = Limited.of(block, limits) + Limited.of(block[:, :2], limits)

    assert both.moved.tolist() == [3, 2]
    assert both.customers == 3
    assert both.moments.maximum.tolist() == [10.0, 10.0]
    assert both.moments.minimum.tolist() == [0.0, 1.0]
    assert both.moments.mean.tolist() == [6.0, 4.8]


def test_values_without_limits_stay_the_same() -> None:
    found = Limited.of(np.array([[1.0, 1e9]]), Limits.none(1))

    assert (found.customers, found.moments.maximum.tolist()) == (0, [1e9])
