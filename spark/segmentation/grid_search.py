"""Fits for a range of k, several seeded starts for each, and the quality of each k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from pyspark import RDD

from segmentation.blocks import Array
from segmentation.evaluation import Restarts, Scores, evaluate
from segmentation.kmeans import MAX_ITER, ClusterSums, Fit, cluster_sums, fit_all
from segmentation.seeding import kmeans_plus_plus

#: Fits on the sample for each start; the best one gives the initial centers.
SAMPLE_FITS = 5


@dataclass(frozen=True)
class GridSearch:
    """The best centers (k × values) and the scores of each k, the iterations of the slowest fit, and notes."""

    centers: dict[int, Array]
    scores: dict[int, Scores]
    n_iter: int
    notes: tuple[str, ...]


def grid_search(blocks: RDD[Array], sample: Array, ks: Sequence[int], n_init: int, seed: int) -> GridSearch:
    """Fit each k from ``n_init`` starts and evaluate it over all customers; the start with the lowest WSSSE is kept."""
    grid = [(k, start) for k in ks for start in range(n_init)]
    initial = [fit_sample(sample, k, (seed, k, start)).centers for k, start in grid]
    fits = fit_all(initial, partial(cluster_sums, blocks))
    sums = cluster_sums(blocks, {index: fit.centers for index, fit in enumerate(fits)})
    restarts = []
    for k in ks:
        own = [index for index, (its_k, _) in enumerate(grid) if its_k == k]
        best = min(own, key=lambda index: sums[index].wssse)
        restarts.append(Restarts(tuple(fits[index].centers for index in own), own.index(best), sums[best]))
    return GridSearch(
        {each.k: each.centers[each.best] for each in restarts},
        evaluate(blocks, restarts),
        max(fit.n_iter for fit in fits),
        tuple(
            f"k {k}, start {start + 1}: not converged after {MAX_ITER} iterations"
            for (k, start), fit in zip(grid, fits, strict=True)
            if not fit.converged
        ),
    )


def fit_sample(sample: Array, k: int, seed: tuple[int, ...], n_init: int = SAMPLE_FITS) -> Fit:
    """Return the best of ``n_init`` fits on the sample (customers × values), without Spark.

    As the initial centers of a fit, its centers save most of the passes over all customers, and avoid most starts that
    would end in a poor local optimum (Bradley and Fayyad 1998, "Refining Initial Points for K-Means Clustering").
    """
    block = np.ascontiguousarray(sample.T)
    starts = [kmeans_plus_plus(sample, k, (*seed, number)) for number in range(n_init)]
    fits = fit_all(
        starts, lambda moving: {key: ClusterSums.of(block, centers) for key, centers in moving.items()}
    )
    return min(fits, key=lambda fit: fit.wssse)
