"""What a sample of the customers tells about the clusterings: how stable they are, and whether there are groups at all.

Both are computed from the sample only, on the executors: the driver sends it to each task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from pyspark import SparkContext

from segmentation.agreement import adjusted_rand_score
from segmentation.blocks import Array
from segmentation.grid_search import fit_sample
from segmentation.kmeans import ClusterSums, predict

#: Customers of the sample that are resampled.
SIZE = 1024
BOOTSTRAPS = 20
REFERENCES = 10
#: Starts of each fit.
N_INIT = 3


@dataclass(frozen=True)
class Gap:
    """The gap statistic of one k and its simulation error, one standard deviation.

    ``valley`` says how clearly there are fewer customers between two clusters than in them, see ``valley``.
    """

    value: float
    error: float
    valley: float


def bootstrap_stability(
    context: SparkContext, sample: Array, centers: Mapping[int, Array], seed: int
) -> dict[int, float]:
    """Return by k the stability of the clustering with ``centers`` (k × values): the mean adjusted Rand index.

    Each of 20 bootstrap resamples of the sample (customers × values, the first 1,024 are used) is clustered again, and
    compared with the given clustering on the customers that are in the resample (Hennig 2007, "Cluster-wise assessment
    of cluster stability"; with one index for the whole clustering in place of one for each cluster).
    """
    points = sample[:SIZE]
    given = {k: predict(points.T, own) for k, own in centers.items()}

    def compare(number: int) -> dict[int, float]:
        drawn = np.random.default_rng((seed, number)).integers(0, len(points), len(points))
        common = np.unique(drawn)
        found = {}
        for k, labels in given.items():
            fit = fit_sample(points[drawn], k, (seed, k, number), N_INIT)
            again = predict(points[common].T, fit.centers)
            pairs = np.bincount(labels[common] * k + again, minlength=k * k).reshape(k, k)
            found[k] = adjusted_rand_score(pairs)
        return found

    results = context.parallelize(range(BOOTSTRAPS)).map(compare).collect()
    return {k: float(np.mean([result[k] for result in results])) for k in centers}


def gap_statistics(
    context: SparkContext, groups: Sequence[Array], ks: Sequence[int], seed: int
) -> dict[int, Gap]:
    """Return by k the mean gap statistic of ``groups`` (each customers × values), weighted by their customers.

    The gap is the mean log(WSSSE) of references without clusters minus the log(WSSSE) of the data (Tibshirani, Walther
    and Hastie 2001). A gap of 0.05 means that k clusters are 5 % more compact than k slices of one cloud. A reference
    has as many customers, drawn from the normal distribution with the variances of the principal axes. A uniform box
    around the data, the usual reference, is almost empty in several dimensions, so that even a single cloud would seem
    to have clusters; testing against one normal distribution follows Liu, Hayes, Nobel and Marron 2008 ("SigClust").
    """

    def compare(task: tuple[int, int]) -> list[tuple[float, float]]:
        group, number = task
        points = groups[group]
        if number:
            # Distances do not depend on the rotation, so the axes of the reference are the principal axes.
            deviations = np.sqrt(
                np.linalg.svd(points - points.mean(axis=0), compute_uv=False) ** 2 / len(points)
            )
            random = np.random.default_rng((seed, group, number))
            points = random.standard_normal((len(points), len(deviations))) * deviations
        centers = [fit_sample(points, k, (seed, k, number), N_INIT).centers for k in ks]
        return [(_log_wssse(points, own), np.inf if number else valley(points, own)) for own in centers]

    tasks = [(group, number) for group in range(len(groups)) for number in range(REFERENCES + 1)]
    results = np.array(context.parallelize(tasks).map(compare).collect())
    by_group, valleys = np.moveaxis(results.reshape(len(groups), REFERENCES + 1, len(ks), 2), -1, 0)
    references = by_group[:, 1:]
    weights = np.array([len(points) for points in groups], dtype=np.float64)
    weights /= weights.sum()
    gaps = weights @ (references.mean(axis=1) - by_group[:, 0])
    errors = np.sqrt(weights**2 @ (references.var(axis=1) * (1 + 1 / REFERENCES)))
    lowest = valleys.min(axis=(0, 1))
    return {k: Gap(*map(float, found)) for k, *found in zip(ks, gaps, errors, lowest, strict=True)}


def valley(points: Array, centers: Array) -> float:
    """Return how clearly there are fewer customers between two clusters than in them, for the pair with the least.

    The customers of both clusters are projected on the line through the two centers, and counted in the three thirds
    between them. Where the density has a single peak, the middle third has at least as many customers as one of the
    others. The result is the difference in standard deviations: (outer − middle) / √(outer + middle) with the smaller
    of the outer thirds. A cloud with any single peak, also an even one, rarely exceeds 2.
    """
    labels = predict(points.T, centers)
    found = []
    for a, b in combinations(range(len(centers)), 2):
        line = centers[b] - centers[a]
        own = points[(labels == a) | (labels == b)]
        places = (own - centers[a]) @ line / max(float(line @ line), np.finfo(float).tiny)
        first, middle, last = np.histogram(places, bins=3, range=(0.0, 1.0))[0].tolist()
        outer = min(first, last)
        found.append((outer - middle) / max(np.sqrt(outer + middle), 1.0))
    return float(min(found))


def _log_wssse(points: Array, centers: Array) -> float:
    wssse = ClusterSums.of(np.ascontiguousarray(points.T), centers).wssse
    return float(np.log(max(wssse, np.finfo(float).tiny)))
