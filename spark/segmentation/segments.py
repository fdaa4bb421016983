"""From centers to segments: their order, the segment of each customer, and the profile of each segment."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
from pyspark.ml.clustering import KMeansModel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation import models
from segmentation.blocks import Array, aggregate, as_blocks
from segmentation.features import FEATURES
from segmentation.moments import Moments, add_moments, moments_by_segment
from segmentation.segment_labels import SAME, segment_labels
from segmentation.small_tables import small_table
from segmentation.vectors import squared_distance

#: The features that segment_profiles has as columns.
PROFILE = tuple(feature.name for feature in FEATURES if "notebook" in feature.sets)
NAMES = tuple(feature.name for feature in FEATURES)


def order_by_mean_spend(arranged: DataFrame, vector: str, centers: Array) -> Array:
    """Return ``centers`` (k × values) in descending order of the mean spend of their customers.

    ``arranged`` customers have ``total_spend`` and the vector column in which the centers are points. A center without
    customers is last.
    """
    assigned = models.kmeans(centers, vector, "segment").transform(arranged)
    moments = aggregate(
        as_blocks(assigned, _numbers("segment", "total_spend")), moments_by_segment, add_moments
    )
    # A spend has four decimals: with six, means are equal if they differ by rounding only.
    means = {segment: round(float(each.mean[0]), 6) for segment, each in moments.items()}
    order = sorted(range(len(centers)), key=lambda number: (-means.get(number, -np.inf), number))
    return np.asarray(centers[order])


def assign(customers: DataFrame, model: KMeansModel, values: Column) -> DataFrame:
    """Return ``customers`` with the ``segment`` that the model predicts and the Euclidean ``distance`` to its center.

    ``values`` is the features column of the model as an array column.
    """
    centers = F.array(*(F.array(*(F.lit(float(x)) for x in center)) for center in model.clusterCenters()))
    distance = F.sqrt(squared_distance(values, F.element_at(centers, F.col("segment") + 1)))
    return model.transform(customers).withColumn("distance", distance)


def feature_moments(assigned: DataFrame) -> dict[int, Moments]:
    """Return the moments of all features in each segment that has customers.

    ``assigned`` customers, arranged for blocks, have ``segment`` and the columns of customer_features.
    """
    found = aggregate(as_blocks(assigned, _numbers("segment", *NAMES)), moments_by_segment, add_moments)
    return dict(sorted(found.items()))


def segment_moments(assigned: DataFrame, values: Column) -> tuple[dict[int, Moments], dict[int, Moments]]:
    """Return the moments of the array column ``values`` in each segment, and the ``feature_moments``, in one pass."""

    def compute(block: Array) -> tuple[dict[int, Moments], dict[int, Moments]]:
        return moments_by_segment(block[: -len(NAMES)]), moments_by_segment(
            block[[0, *range(-len(NAMES), 0)]]
        )

    numbers = F.concat(_numbers("segment"), values, _numbers(*NAMES))
    points, features = aggregate(
        as_blocks(assigned, numbers), compute, lambda a, b: (add_moments(a[0], b[0]), add_moments(a[1], b[1]))
    )
    return dict(sorted(points.items())), dict(sorted(features.items()))


def segment_profiles(
    spark: SparkSession, segments: Mapping[int, Moments], features: Sequence[str]
) -> DataFrame:
    """Return segment_profiles; the labels are made from ``features``."""
    everyone = reduce(operator.add, segments.values())
    # A spend has four decimals: rounding to four decimals removes the rounding error of the mean.
    revenue = {segment: round(_mean(m, "total_spend") * m.count, 4) for segment, m in segments.items()}
    all_revenue = sum(revenue.values())
    means = ({name: _mean(m, name) for name in features} for m in segments.values())
    labels = segment_labels(
        list(means), _by_name(everyone.mean), _by_name(everyone.std), _related(everyone, features)
    )
    rows = [
        (
            segment,
            label,
            moments.count,
            moments.count / everyone.count,
            revenue[segment],
            revenue[segment] / all_revenue if all_revenue else 0.0,
            *(_mean(moments, feature) for feature in PROFILE),
        )
        for label, (segment, moments) in zip(labels, segments.items(), strict=True)
    ]
    return small_table(spark, "segment_profiles", rows)


def segment_features(
    spark: SparkSession, segments: Mapping[int, Moments], features: Sequence[str]
) -> DataFrame:
    """Return segment_features: the mean of each of ``features`` in original units, and its deviation.

    The deviation is the difference from the mean of all customers in standard deviations of all customers, 0.0 for a
    constant feature.
    """
    everyone = reduce(operator.add, segments.values())
    mean, std = _by_name(everyone.mean), _by_name(everyone.std)
    rows = [
        (segment, name, own[name], (own[name] - mean[name]) / std[name] if std[name] else 0.0)
        for segment, own in ((segment, _by_name(moments.mean)) for segment, moments in segments.items())
        for name in features
    ]
    return small_table(spark, "segment_features", rows)


def _related(everyone: Moments, features: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return for each feature those that say the same, itself among them: a high absolute correlation."""
    same = np.abs(everyone.correlation) >= SAME
    at = [NAMES.index(name) for name in features]
    return {
        name: frozenset(other for other, j in zip(features, at, strict=True) if same[i, j] or i == j)
        for name, i in zip(features, at, strict=True)
    }


def _numbers(*columns: str) -> Column:
    return F.array(*(F.col(name).cast("double") for name in columns))


def _by_name(values: Array) -> dict[str, float]:
    return dict(zip(NAMES, values.tolist(), strict=True))


def _mean(moments: Moments, feature: str) -> float:
    return float(moments.mean[NAMES.index(feature)])
