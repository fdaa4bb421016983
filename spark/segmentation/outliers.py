"""Outliers of a feature: values far outside the middle half of the customers, moved to a limit (winsorised).

A single customer with a hundred times the usual spend stretches the scale of a feature, and k-means gives such
customers a segment. The limits are Tukey's outer fences, three interquartile ranges below the first and above the third
quartile (Tukey 1977, "Exploratory Data Analysis", section 2D): so only values that are far out are moved, and in
well-behaved data none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from segmentation.blocks import Array
from segmentation.moments import Moments

Treatment = Literal["winsorise", "keep"]
TREATMENTS: tuple[Treatment, ...] = ("winsorise", "keep")

#: Interquartile ranges between a quartile and its limit.
FENCE = 3.0


@dataclass(frozen=True)
class Limits:
    """The lower and upper limit of each of d values, minus and plus infinity for a value without limits."""

    lower: Array
    upper: Array

    @classmethod
    def none(cls, count: int) -> Limits:
        """Return no limits for ``count`` values."""
        return cls(np.full(count, -np.inf), np.full(count, np.inf))

    @classmethod
    def of(cls, sample: Array) -> Limits:
        """Return the limits from a sample (customers × values) with at least one customer.

        A value without an interquartile range, such as a share that is 0 for most customers, has no limits.
        """
        first, third = np.quantile(sample, [0.25, 0.75], axis=0)
        width = third - first
        usable = width > 1e-9 * np.maximum(np.abs(first), np.abs(third))
        none = cls.none(len(width))
        return cls(
            np.where(usable, first - FENCE * width, none.lower),
            np.where(usable, third + FENCE * width, none.upper),
        )


@dataclass(frozen=True)
class Limited:
    """The moments of the values within the limits, the moved values of each feature, and the customers with one.

    ``+`` returns those of both groups of customers.
    """

    moments: Moments
    moved: npt.NDArray[np.int64]
    customers: int

    @classmethod
    def of(cls, block: Array, limits: Limits) -> Limited:
        """Move the values of a block (values × customers) to the limits."""
        limited = np.clip(block, limits.lower[:, None], limits.upper[:, None])
        moved = limited != block
        return cls(Moments.of(limited), moved.sum(axis=1, dtype=np.int64), int(moved.any(axis=0).sum()))

    def __add__(self, other: Limited) -> Limited:
        return Limited(
            self.moments + other.moments, self.moved + other.moved, self.customers + other.customers
        )
