"""Means and covariances of customers in one pass.

Blocks are summarised around their own mean and merged pairwise. This stays exact where a sum of squares would suffer
from cancellation (Chan, Golub and LeVeque 1983, "Algorithms for Computing the Sample Variance").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.blocks import Array


@dataclass(frozen=True)
class Moments:
    """The moments of ``count`` customers with d values each: ``comoment`` is d × d, the other arrays have d entries.

    ``+`` returns the moments of both groups of customers together.
    """

    count: int
    mean: Array
    comoment: Array
    minimum: Array
    maximum: Array

    @classmethod
    def of(cls, block: Array) -> Moments:
        """Return the moments of a block of shape (values, customers) with at least one customer."""
        mean = block.mean(axis=1)
        centered = block - mean[:, None]
        return cls(block.shape[1], mean, centered @ centered.T, block.min(axis=1), block.max(axis=1))

    @property
    def covariance(self) -> Array:
        """The sample covariance, d × d; 0 for a single customer."""
        return self.comoment / max(self.count - 1, 1)

    @property
    def constant(self) -> npt.NDArray[np.bool_]:
        """Whether all customers have the same value, apart from rounding (a ratio may differ in its last digits)."""
        return np.isclose(self.minimum, self.maximum, rtol=1e-12, atol=0.0)

    @property
    def std(self) -> Array:
        """The sample standard deviation, exactly 0 for a constant value."""
        return np.where(self.constant, 0.0, np.sqrt(np.diag(self.covariance)))

    @property
    def correlation(self) -> Array:
        """The correlation matrix, d × d; 0 in the row and the column of a constant value."""
        divisor = np.where(self.std > 0, self.std, 1.0)
        return np.asarray(self.covariance / np.outer(divisor, divisor))

    def __add__(self, other: Moments) -> Moments:
        count, delta = self.count + other.count, other.mean - self.mean
        return Moments(
            count,
            self.mean + delta * (other.count / count),
            self.comoment + other.comoment + np.outer(delta, delta) * (self.count * other.count / count),
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
        )


def moments_by_segment(block: Array) -> dict[int, Moments]:
    """Return the moments of each segment; the first row of the block is the segment of each customer."""
    return {int(segment): Moments.of(block[1:, block[0] == segment]) for segment in np.unique(block[0])}


def add_moments(a: dict[int, Moments], b: dict[int, Moments]) -> dict[int, Moments]:
    """Return the moments of each segment over both groups of customers."""
    both = {segment: a[segment] + b[segment] for segment in a.keys() & b.keys()}
    return {**a, **b, **both}
