"""Fits for a range of k, several seeded starts for each, and the quality of each k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from pyspark import RDD
from pyspark.sql import DataFrame, SparkSession

from segmentation.blocks import Array
from segmentation.evaluation import Restarts, Scores, evaluate
from segmentation.kmeans import MAX_ITER, ClusterSums, cluster_sums, fit_all
from segmentation.schemas import TABLES
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
    initial = [_initial_centers(sample, k, (seed, k, start)) for k, start in grid]
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


def _initial_centers(sample: Array, k: int, seed: tuple[int, ...]) -> Array:
    """Return the centers (k × values) of the best of a few fits on the sample.

    This saves most of the passes over all customers, and avoids most starts that would end in a poor local optimum
    (Bradley and Fayyad 1998, "Refining Initial Points for K-Means Clustering").
    """
    block = np.ascontiguousarray(sample.T)
    starts = [kmeans_plus_plus(sample, k, (*seed, number)) for number in range(SAMPLE_FITS)]
    fits = fit_all(
        starts, lambda moving: {key: ClusterSums.of(block, centers) for key, centers in moving.items()}
    )
    return min(fits, key=lambda fit: fit.wssse).centers


def model_selection(spark: SparkSession, scores: Mapping[int, Scores], chosen: int) -> DataFrame:
    """Return model_selection."""
    rows = [
        (k, each.wssse, each.silhouette, each.calinski_harabasz, each.stability, k == chosen)
        for k, each in sorted(scores.items())
    ]
    return spark.createDataFrame(rows, TABLES["model_selection"]).coalesce(1)
