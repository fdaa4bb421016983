"""How good clusterings are: silhouette, Calinski–Harabasz and stability, over all customers and in one more pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from pyspark import RDD

from segmentation.blocks import Array, total
from segmentation.kmeans import Tally, nearest

Table = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trials:
    """The starts of one k: the centres of each, which one has the lowest cost, and that one's tally."""

    centres: tuple[Array, ...]
    best: int
    tally: Tally

    @property
    def k(self) -> int:
        """The number of clusters."""
        return len(self.tally.counts)


@dataclass(frozen=True)
class Validity:
    """The quality of the best start of one k. ``stability`` is None with a single start."""

    wssse: float
    silhouette: float
    calinski_harabasz: float
    stability: float | None


def assess(blocks: RDD[Array], trials: Sequence[Trials]) -> dict[int, Validity]:
    """Return the validity of each k, from one pass over the blocks for all of them."""
    by_k = {trial.k: trial for trial in trials}
    results = total(blocks, lambda block: _compare(block, by_k), _add)
    return {
        k: Validity(
            by_k[k].tally.cost,
            silhouettes / float(by_k[k].tally.counts.sum()),
            calinski_harabasz(by_k[k].tally),
            float(np.mean([adjusted_rand_index(table) for table in tables])) if tables else None,
        )
        for k, (silhouettes, tables) in results.items()
    }


def silhouettes(block: Array, labels: npt.NDArray[np.intp], groups: Tally) -> Array:
    """Return the silhouette of each customer of ``block`` (values × customers) with squared Euclidean distances.

    (b − a) / max(a, b), with a the mean distance to the others of its cluster and b the least mean distance
    to another cluster (Rousseeuw 1987); 0 where it is alone. The mean of (x − y)² over a cluster follows from
    the cluster's count, Σy and Σ|y|², so that no pair of customers is looked at (as Spark's
    ClusteringEvaluator).
    """
    own, customers = labels, np.arange(block.shape[1])
    counts = np.maximum(groups.counts, 1.0)
    means = (groups.squares / counts)[:, None] - 2.0 * (groups.sums / counts[:, None]) @ block
    means += np.einsum("ij,ij->j", block, block)
    np.maximum(means, 0.0, out=means)
    others = groups.counts[own] - 1
    within = means[own, customers] * groups.counts[own] / np.maximum(others, 1.0)
    means[groups.counts == 0] = np.inf
    means[own, customers] = np.inf
    between = means.min(axis=0)
    largest = np.maximum(within, between)
    defined = (others > 0) & (largest > 0) & np.isfinite(largest)
    return np.asarray(np.divide(between - within, largest, out=np.zeros_like(largest), where=defined))


def calinski_harabasz(groups: Tally) -> float:
    """Return the ratio of the scatter between the clusters' means to the scatter inside the clusters.

    (between / (k − 1)) / (within / (n − k)) (Caliński and Harabasz 1974); 1.0 where nothing scatters inside, as in
    scikit-learn.
    """
    held = groups.counts > 0
    counts, sums = groups.counts[held], groups.sums[held]
    n, k = float(counts.sum()), len(counts)
    means = sums / counts[:, None]
    within = float((groups.squares[held] - (sums * means).sum(axis=1)).sum())
    between = float((counts * ((means - sums.sum(axis=0) / n) ** 2).sum(axis=1)).sum())
    if within <= 1e-12 * between or k == 1:
        return 1.0
    return between * (n - k) / (within * (k - 1))


def adjusted_rand_index(table: Table) -> float:
    """Return how far two clusterings agree on which pairs of customers belong together, from their contingency table.

    1 is identical, 0 what chance would give (Hubert and Arabie 1985).
    """
    together = _pairs(table.ravel())
    rows, columns = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
    expected = rows * columns / max(_pairs(table.sum(keepdims=True).ravel()), 1)
    highest = (rows + columns) / 2
    return 1.0 if highest == expected else (together - expected) / (highest - expected)


def _pairs(counts: Table) -> int:
    """Return the number of pairs inside groups of these sizes, in Python's unbounded integers."""
    return sum(count * (count - 1) // 2 for count in counts.tolist())


def _compare(block: Array, trials: Mapping[int, Trials]) -> dict[int, tuple[float, list[Table]]]:
    """Return for each k the block's sum of silhouettes, and the contingency table of each pair of starts."""
    results = {}
    for k, trial in trials.items():
        labels = [nearest(block, centres) for centres in trial.centres]
        tables = [np.bincount(a * k + b, minlength=k * k).reshape(k, k) for a, b in combinations(labels, 2)]
        results[k] = float(silhouettes(block, labels[trial.best], trial.tally).sum()), tables
    return results


def _add(
    a: dict[int, tuple[float, list[Table]]], b: dict[int, tuple[float, list[Table]]]
) -> dict[int, tuple[float, list[Table]]]:
    return {k: (a[k][0] + b[k][0], [x + y for x, y in zip(a[k][1], b[k][1], strict=True)]) for k in a}
