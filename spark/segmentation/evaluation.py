"""The quality of clusterings: silhouette, Calinski-Harabasz score, agreement of starts; one pass over all customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from pyspark import RDD

from segmentation.agreement import ContingencyMatrix, adjusted_rand_score
from segmentation.blocks import Array, aggregate
from segmentation.kmeans import ClusterSums, Labels, predict

#: By k: the sum of the silhouettes of the best start, and the contingency matrix of each pair of starts.
Comparison = dict[int, tuple[float, list[ContingencyMatrix]]]


@dataclass(frozen=True)
class Restarts:
    """The fits of one k: the centers of each start, the index of the best (lowest WSSSE), and the sums of the best."""

    centers: tuple[Array, ...]
    best: int
    sums: ClusterSums

    @property
    def k(self) -> int:
        """The number of clusters."""
        return len(self.sums.counts)


@dataclass(frozen=True)
class Scores:
    """The quality of the best start of one k.

    ``smallest_share`` is the share of the customers in the smallest cluster. ``start_agreement`` is the mean adjusted
    Rand index over the pairs of starts, None with a single start.
    """

    wssse: float
    silhouette: float
    calinski_harabasz: float
    smallest_share: float
    start_agreement: float | None


def evaluate(blocks: RDD[Array], restarts: Sequence[Restarts]) -> dict[int, Scores]:
    """Return the scores of each k, in one pass over the blocks for all k."""
    by_k = {each.k: each for each in restarts}
    results = aggregate(blocks, lambda block: _compare(block, by_k), _add)
    return {
        k: Scores(
            by_k[k].sums.wssse,
            silhouettes / float(by_k[k].sums.counts.sum()),
            calinski_harabasz_score(by_k[k].sums),
            float(by_k[k].sums.counts.min() / by_k[k].sums.counts.sum()),
            float(np.mean([adjusted_rand_score(matrix) for matrix in matrices])) if matrices else None,
        )
        for k, (silhouettes, matrices) in results.items()
    }


def silhouette_samples(block: Array, labels: Labels, clusters: ClusterSums) -> Array:
    """Return the silhouette of each customer of ``block`` (values × customers) with squared Euclidean distances.

    (b − a) / max(a, b), with a the mean distance to the other customers of the cluster and b the smallest mean
    distance to the customers of another cluster (Rousseeuw 1987); 0 for a customer that is alone. As in Spark's
    ClusteringEvaluator, the mean of (x − y)² over a cluster is computed from the count, Σy and Σ|y|² of the cluster,
    not from pairs of customers.
    """
    customers = np.arange(block.shape[1])
    counts = np.maximum(clusters.counts, 1.0)
    means = (clusters.squared_norms / counts)[:, None] - 2.0 * (clusters.sums / counts[:, None]) @ block
    means += np.einsum("ij,ij->j", block, block)
    np.maximum(means, 0.0, out=means)
    others = clusters.counts[labels] - 1
    within = means[labels, customers] * clusters.counts[labels] / np.maximum(others, 1.0)
    means[clusters.counts == 0] = np.inf
    means[labels, customers] = np.inf
    between = means.min(axis=0)
    largest = np.maximum(within, between)
    defined = (others > 0) & (largest > 0) & np.isfinite(largest)
    return np.asarray(np.divide(between - within, largest, out=np.zeros_like(largest), where=defined))


def calinski_harabasz_score(clusters: ClusterSums) -> float:
    """Return the ratio of the dispersion between the clusters to the dispersion within them.

    (between / (k − 1)) / (within / (n − k)) (Caliński and Harabasz 1974); 1.0 without any dispersion within clusters,
    as in scikit-learn.
    """
    has_customers = clusters.counts > 0
    counts, sums = clusters.counts[has_customers], clusters.sums[has_customers]
    n, k = float(counts.sum()), len(counts)
    means = sums / counts[:, None]
    within = float((clusters.squared_norms[has_customers] - (sums * means).sum(axis=1)).sum())
    between = float((counts * ((means - sums.sum(axis=0) / n) ** 2).sum(axis=1)).sum())
    if within <= 1e-12 * between or k == 1:
        return 1.0
    return between * (n - k) / (within * (k - 1))


def _compare(block: Array, restarts: Mapping[int, Restarts]) -> Comparison:
    results = {}
    for k, each in restarts.items():
        labels = [predict(block, centers) for centers in each.centers]
        matrices = [np.bincount(a * k + b, minlength=k * k).reshape(k, k) for a, b in combinations(labels, 2)]
        results[k] = float(silhouette_samples(block, labels[each.best], each.sums).sum()), matrices
    return results


def _add(a: Comparison, b: Comparison) -> Comparison:
    return {k: (a[k][0] + b[k][0], [x + y for x, y in zip(a[k][1], b[k][1], strict=True)]) for k in a}
