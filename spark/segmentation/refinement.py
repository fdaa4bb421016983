"""Refine segments that form groups: distances by the covariance within the segments, in place of Euclidean ones.

K-means counts all directions alike. But the largest components vary most within the segments, too, and such a direction
says little about the segment of a customer. So the segments are refined by the classification EM algorithm (Celeux and
Govaert 1992, "A Classification EM Algorithm for Clustering and Two Stochastic Versions") for normal segments with equal
covariances and equal probabilities: in turns, the covariance within the segments is estimated, and each customer gets
the segment with the nearest mean by the Mahalanobis distance. This minimises the determinant of the covariance within
the segments (Friedman and Rubin 1967, "On Some Invariant Criteria for Grouping Data").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from pyspark import RDD
from pyspark.ml import PipelineModel

from segmentation import models
from segmentation.blocks import Array, aggregate
from segmentation.components import Components, principal_components
from segmentation.kmeans import MAX_ITER, predict
from segmentation.moments import Moments, add_moments, moments_by_segment

#: The vector column of the refined segments: components in standard deviations within a segment.
REFINED = "refined"
#: The refinement ends if the logarithm of the determinant falls by at most this much.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Refinement:
    """The refined segments.

    ``within`` are the principal components of the covariance within the segments, ``centers`` (k × values) the means of
    the segments in the column ``refined``. ``moved`` is the share of the customers whose segment has changed.
    """

    within: Components
    centers: Array
    n_iter: int
    moved: float

    def model(self) -> PipelineModel:
        """Return the Spark ML model from ``components`` to ``refined``."""
        deviations = np.sqrt(self.within.variances)
        ratio = self.within.explained_variance_ratio
        return PipelineModel(
            [
                models.pca(self.within.loadings, ratio, "components", "within_components"),
                models.standard_scaler(np.zeros_like(deviations), deviations, "within_components", REFINED),
            ]
        )


def refine(blocks: RDD[Array], centers: Array) -> Refinement | None:
    """Return the refinement of the segments with ``centers`` (k × values), from all customers.

    None if a segment loses all customers, or if the customers of each segment are equal in some direction: then the
    Mahalanobis distance is not defined.
    """

    # A nested function, because an executor would import this module and with it pyspark.ml for one of the module.
    def moments(block: Array, means: Array, whitening: Array) -> dict[int, Moments]:
        """Return the moments of each segment; a customer belongs to the nearest of the ``means``."""
        return moments_by_segment(np.vstack([predict(whitening @ block, means @ whitening.T), block]))

    means, whitening = centers, np.eye(centers.shape[1])
    log_determinants = [np.inf]
    for _ in range(MAX_ITER):
        segments = aggregate(blocks, partial(moments, means=means, whitening=whitening), add_moments)
        count = sum(each.count for each in segments.values())
        comoment = np.sum([segments[number].comoment for number in sorted(segments)], axis=0)
        covariance = comoment / max(count - len(segments), 1)
        if len(segments) < len(means) or np.linalg.matrix_rank(covariance, hermitian=True) < len(covariance):
            return None
        within = principal_components(covariance, 1.0)
        means = np.array([segments[number].mean for number in range(len(means))])
        whitening = within.loadings / np.sqrt(within.variances)[:, None]
        log_determinants.append(float(np.log(within.variances).sum()))
        if log_determinants[-2] - log_determinants[-1] <= TOLERANCE:
            break
    refined = means @ whitening.T
    moved = aggregate(
        blocks, lambda block: int((predict(block, centers) != predict(whitening @ block, refined)).sum())
    )
    return Refinement(within, refined, len(log_determinants) - 1, moved / count)
