"""Lloyd's algorithm for many clusterings at once.

A pass over the blocks moves the centres of every k and every start together. So the number of Spark jobs is
that of the slowest clustering, not the sum over all, and a pass costs little more than reading the blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyspark import RDD

from segmentation.blocks import Array, total

Labels = npt.NDArray[np.intp]

#: Squared moves of the centres, as a share of the values' mean variance, below which they have settled.
TOLERANCE = 1e-4
MAX_PASSES = 200


@dataclass(frozen=True)
class Tally:
    """What the customers nearest to each of k centres add up to.

    ``counts`` and ``squares`` (Σ|x|²) have k entries, ``sums`` (Σx) is k × values. ``cost`` is the sum of the
    squared distances to the nearest centre (WSSSE); ``outlier`` is the customer furthest from it, at the
    squared ``distance``.
    """

    counts: Array
    sums: Array
    squares: Array
    cost: float
    outlier: Array
    distance: float

    @property
    def mean_variance(self) -> float:
        """The variance of all these customers, as a mean over the values."""
        count = self.counts.sum()
        return float(
            (self.squares.sum() / count - ((self.sums.sum(axis=0) / count) ** 2).sum()) / self.sums.shape[1]
        )

    def __add__(self, other: Tally) -> Tally:
        further = self if self.distance >= other.distance else other
        return Tally(
            self.counts + other.counts,
            self.sums + other.sums,
            self.squares + other.squares,
            self.cost + other.cost,
            further.outlier,
            further.distance,
        )


@dataclass(frozen=True)
class Fit:
    """Centres (k × values) after ``passes`` passes, and the cost before the last.

    ``done`` is False where they still moved after MAX_PASSES.
    """

    centres: Array
    cost: float
    passes: int
    done: bool


def nearest(block: Array, centres: Array) -> Labels:
    """Return the number of each customer's nearest centre, the first of equals.

    ``block`` is values × customers, ``centres`` is k × values.
    """
    return np.asarray(_gaps(block, centres).argmin(axis=0))


def tally(block: Array, centres: Array) -> Tally:
    """Return the tally of one block of shape (values, customers)."""
    gaps, squares = _gaps(block, centres), _squares(block)
    closest = gaps.min(axis=0)
    distances = np.maximum(closest + squares, 0.0)
    members = gaps == closest
    if np.count_nonzero(members) > len(closest):  # a customer between equally near centres goes to the first
        members = gaps.argmin(axis=0) == np.arange(len(centres))[:, None]
    weights = members.astype(np.float64)
    furthest = int(distances.argmax())
    return Tally(
        weights.sum(axis=1),
        weights @ block.T,
        weights @ squares,
        float(distances.sum()),
        block[:, furthest],
        float(distances[furthest]),
    )


def tallies(blocks: RDD[Array], clusterings: Mapping[int, Array]) -> dict[int, Tally]:
    """Return the tally of each of ``clusterings`` (centres by any key) over all blocks, in one pass."""
    return total(
        blocks,
        lambda block: {key: tally(block, centres) for key, centres in clusterings.items()},
        lambda a, b: {key: a[key] + b[key] for key in a},
    )


def fit_all(
    starts: Sequence[Array], tally_all: Callable[[Mapping[int, Array]], Mapping[int, Tally]]
) -> list[Fit]:
    """Return each of ``starts`` (k × values, k may differ) after its centres stopped moving.

    ``tally_all`` tallies the centres it is given over the customers to group. The rule for the end is that of
    scikit-learn's KMeans. A centre that loses its last customer moves to the customer furthest from its own
    centre, one in a pass.
    """
    state = {key: Fit(centres, np.inf, 0, done=False) for key, centres in enumerate(starts)}
    for passes in range(1, MAX_PASSES + 1):
        moving = {key: each.centres for key, each in state.items() if not each.done}
        if not moving:
            break
        for key, result in tally_all(moving).items():
            means = _means(result, moving[key])
            moved = float(((means - moving[key]) ** 2).sum())
            done = moved <= TOLERANCE * result.mean_variance
            state[key] = Fit(means, result.cost, passes, done)
    return list(state.values())


def _means(result: Tally, centres: Array) -> Array:
    """Return the mean of each centre's customers; of the centres without any, the first moves to the outlier."""
    held = result.counts > 0
    means = np.where(held[:, None], result.sums / np.maximum(result.counts, 1.0)[:, None], centres)
    if not held.all() and result.distance > 0:
        means[int((~held).argmax())] = result.outlier
    return means


def _gaps(block: Array, centres: Array) -> Array:
    """Return |c|² − 2 c·x, (k × customers): the squared distances but for each customer's own |x|²."""
    return np.asarray(_squares(centres.T)[:, None] - 2.0 * (centres @ block))


def _squares(block: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->j", block, block))
