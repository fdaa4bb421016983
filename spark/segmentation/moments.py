"""Means and covariances of customers in one pass.

Blocks are summarised around their own mean and merged pairwise, which stays exact where a sum of squares
would cancel (Chan, Golub and LeVeque 1983, "Algorithms for Computing the Sample Variance").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.blocks import Array


@dataclass(frozen=True)
class Moments:
    """Summary of ``count`` customers with d values each: ``comoment`` is d × d, the others have d entries."""

    count: int
    mean: Array
    comoment: Array
    minimum: Array
    maximum: Array

    @property
    def covariance(self) -> Array:
        """The sample covariance, d × d; of a single customer it is 0."""
        return self.comoment / max(self.count - 1, 1)

    @property
    def constant(self) -> npt.NDArray[np.bool_]:
        """Whether all customers share a value; a share of lines differs in its last digits by their number alone."""
        return np.isclose(self.minimum, self.maximum, rtol=1e-12, atol=0.0)

    @property
    def deviation(self) -> Array:
        """The sample standard deviation, exactly 0 for a value that all customers share."""
        return np.where(self.constant, 0.0, np.sqrt(np.diag(self.covariance)))


def measure(block: Array) -> Moments:
    """Return the moments of a block of shape (values, customers) with at least one customer."""
    mean = block.mean(axis=1)
    centred = block - mean[:, None]
    return Moments(block.shape[1], mean, centred @ centred.T, block.min(axis=1), block.max(axis=1))


def merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of the customers of ``a`` and ``b`` together."""
    count, apart = a.count + b.count, b.mean - a.mean
    return Moments(
        count,
        a.mean + apart * (b.count / count),
        a.comoment + b.comoment + np.outer(apart, apart) * (a.count * b.count / count),
        np.minimum(a.minimum, b.minimum),
        np.maximum(a.maximum, b.maximum),
    )
