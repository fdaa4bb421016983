"""Lloyd's algorithm for several clusterings at once.

One pass over the blocks moves the centers of every k and every start. So the number of Spark jobs is that of the
slowest clustering, not the sum over all, and a pass takes little longer than reading the blocks. See ADR 15.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyspark import RDD

from segmentation.blocks import Array, aggregate

Labels = npt.NDArray[np.intp]

#: The fit has converged if the squared shift of the centers is at most this share of the mean variance of the values.
TOLERANCE = 1e-4
MAX_ITER = 200


@dataclass(frozen=True)
class ClusterSums:
    """The sufficient statistics of the clusters of k centers, as sums over the customers of each cluster.

    ``counts`` and ``squared_norms`` (Σ|x|²) have k entries, ``sums`` (Σx) is k × values. ``wssse`` is the sum of the
    squared distances to the nearest center. ``farthest`` is the customer with the largest of them,
    ``farthest_distance``. ``+`` returns the sums over both groups of customers.
    """

    counts: Array
    sums: Array
    squared_norms: Array
    wssse: float
    farthest: Array
    farthest_distance: float

    @classmethod
    def of(cls, block: Array, centers: Array) -> ClusterSums:
        """Return the sums over a block of shape (values, customers)."""
        relative, squared_norms = _relative_distances(block, centers), _squared_norms(block)
        nearest = relative.min(axis=0)
        distances = np.maximum(nearest + squared_norms, 0.0)
        members = relative == nearest
        if np.count_nonzero(members) > len(
            nearest
        ):  # a customer with several nearest centers belongs to the first
            members = relative.argmin(axis=0) == np.arange(len(centers))[:, None]
        weights = members.astype(np.float64)
        farthest = int(distances.argmax())
        return cls(
            weights.sum(axis=1),
            weights @ block.T,
            weights @ squared_norms,
            float(distances.sum()),
            block[:, farthest],
            float(distances[farthest]),
        )

    @property
    def mean_variance(self) -> float:
        """The variance of all customers, as a mean over the values."""
        count = self.counts.sum()
        mean = self.sums.sum(axis=0) / count
        return float((self.squared_norms.sum() / count - (mean**2).sum()) / self.sums.shape[1])

    def __add__(self, other: ClusterSums) -> ClusterSums:
        farther = self if self.farthest_distance >= other.farthest_distance else other
        return ClusterSums(
            self.counts + other.counts,
            self.sums + other.sums,
            self.squared_norms + other.squared_norms,
            self.wssse + other.wssse,
            farther.farthest,
            farther.farthest_distance,
        )


@dataclass(frozen=True)
class Fit:
    """The centers (k × values) after ``n_iter`` iterations, and the WSSSE before the last one.

    ``converged`` is False if the centers still moved after MAX_ITER iterations.
    """

    centers: Array
    wssse: float
    n_iter: int
    converged: bool


def predict(block: Array, centers: Array) -> Labels:
    """Return the label of each customer: the index of the nearest center, the first of equally near ones.

    ``block`` is values × customers, ``centers`` is k × values.
    """
    return np.asarray(_relative_distances(block, centers).argmin(axis=0))


def cluster_sums(blocks: RDD[Array], clusterings: Mapping[int, Array]) -> dict[int, ClusterSums]:
    """Return the sums over all blocks for each of ``clusterings`` (centers by any key), in one pass."""
    return aggregate(
        blocks,
        lambda block: {key: ClusterSums.of(block, centers) for key, centers in clusterings.items()},
        lambda a, b: {key: a[key] + b[key] for key in a},
    )


def fit_all(
    initial_centers: Sequence[Array],
    sums_of: Callable[[Mapping[int, Array]], Mapping[int, ClusterSums]],
) -> list[Fit]:
    """Return a fit from each of ``initial_centers`` (k × values, k may differ).

    ``sums_of`` returns the sums over all customers for the given centers. The fit ends as in scikit-learn's KMeans. If
    a cluster becomes empty, its center moves to the customer that is farthest from its own center, one center in each
    iteration.
    """
    fits = {key: Fit(centers, np.inf, 0, converged=False) for key, centers in enumerate(initial_centers)}
    for n_iter in range(1, MAX_ITER + 1):
        moving = {key: fit.centers for key, fit in fits.items() if not fit.converged}
        if not moving:
            break
        for key, sums in sums_of(moving).items():
            centers = _updated_centers(sums, moving[key])
            shift = float(((centers - moving[key]) ** 2).sum())
            fits[key] = Fit(centers, sums.wssse, n_iter, shift <= TOLERANCE * sums.mean_variance)
    return list(fits.values())


def _updated_centers(sums: ClusterSums, centers: Array) -> Array:
    """Return the mean of each cluster; the first empty one gets the farthest customer, the others keep their center."""
    has_customers = sums.counts > 0
    means = np.where(has_customers[:, None], sums.sums / np.maximum(sums.counts, 1.0)[:, None], centers)
    if not has_customers.all() and sums.farthest_distance > 0:
        means[int((~has_customers).argmax())] = sums.farthest
    return means


def _relative_distances(block: Array, centers: Array) -> Array:
    """Return |c|² − 2 c·x (k × customers): the squared distance minus |x|², which is the same for all centers."""
    return np.asarray(_squared_norms(centers.T)[:, None] - 2.0 * (centers @ block))


def _squared_norms(block: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->j", block, block))
