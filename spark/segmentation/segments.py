"""From centres to segments: who belongs where, in which order, and what each segment is like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
from pyspark.ml.clustering import KMeansModel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation import models
from segmentation.blocks import Array, as_blocks, total
from segmentation.features import FEATURES
from segmentation.labels import labels
from segmentation.moments import Moments, measure, merge
from segmentation.schemas import TABLES

#: The features in original units that segment_profiles has as columns.
PROFILE = tuple(feature.name for feature in FEATURES if "notebook" in feature.sets)
NAMES = tuple(feature.name for feature in FEATURES)


def by_mean_spend(customers: DataFrame, vector: str, centres: Array) -> Array:
    """Return ``centres`` (k × values) ordered by the mean spend of their customers, highest first.

    ``customers`` has ``total_spend`` and the vector column that the centres belong to. A centre without a
    customer comes last.
    """
    # As a decimal the sum is exact, whatever the order of the rows.
    spend = F.sum(F.col("total_spend").cast("decimal(28, 4)")) / F.count("*")
    assigned = models.kmeans(centres, vector, "segment").transform(customers)
    means = {row[0]: row[1] for row in assigned.groupBy("segment").agg(spend.cast("double")).collect()}
    order = sorted(range(len(centres)), key=lambda number: (-means.get(number, -np.inf), number))
    return np.asarray(centres[order])


def assign(customers: DataFrame, model: KMeansModel, values: Column) -> DataFrame:
    """Return ``customers`` with their ``segment`` by the model, and the Euclidean ``distance`` to its centre.

    ``values`` is the array column of the numbers that the model reads as a vector.
    """
    centres = F.array(*(F.array(*(F.lit(float(x)) for x in centre)) for centre in model.clusterCenters()))
    gaps = F.zip_with(values, F.element_at(centres, F.col("segment") + 1), lambda x, c: (x - c) * (x - c))
    distance = F.sqrt(F.aggregate(gaps, F.lit(0.0), lambda so_far, gap: so_far + gap))
    return model.transform(customers).withColumn("distance", distance)


def measure_segments(assigned: DataFrame, rows: int) -> dict[int, Moments]:
    """Return the moments of all features of each segment that has a customer, by segment, in one pass.

    ``assigned`` has ``rows`` customers with a segment and the columns of customer_features.
    """
    numbers = F.array(*(F.col(name).cast("double") for name in ("segment", *NAMES)))
    found = total(as_blocks(assigned, numbers, rows), _measure_by_segment, _merge_by_segment)
    return dict(sorted(found.items()))


def profiles(spark: SparkSession, segments: Mapping[int, Moments]) -> DataFrame:
    """Return segment_profiles."""
    everyone = reduce(merge, segments.values())
    # A spend has four decimals: rounding to them undoes what the mean has rounded.
    revenue = {segment: round(_mean(m, "total_spend") * m.count, 4) for segment, m in segments.items()}
    all_revenue = sum(revenue.values())
    names = labels(
        [_by_name(m.mean) for m in segments.values()], _by_name(everyone.mean), _by_name(everyone.deviation)
    )
    rows = [
        (
            segment,
            name,
            moments.count,
            moments.count / everyone.count,
            revenue[segment],
            revenue[segment] / all_revenue if all_revenue else 0.0,
            *(_mean(moments, feature) for feature in PROFILE),
        )
        for name, (segment, moments) in zip(names, segments.items(), strict=True)
    ]
    return spark.createDataFrame(rows, TABLES["segment_profiles"]).coalesce(1)


def feature_deviations(
    spark: SparkSession, segments: Mapping[int, Moments], features: Sequence[str]
) -> DataFrame:
    """Return segment_features: the mean of each of ``features`` in original units, and how it deviates.

    The deviation is that from the mean of all customers, counted in their standard deviations; 0.0 where all are the
    same.
    """
    everyone = reduce(merge, segments.values())
    mean, deviation = _by_name(everyone.mean), _by_name(everyone.deviation)
    rows = [
        (segment, name, own[name], (own[name] - mean[name]) / deviation[name] if deviation[name] else 0.0)
        for segment, own in ((segment, _by_name(moments.mean)) for segment, moments in segments.items())
        for name in features
    ]
    return spark.createDataFrame(rows, TABLES["segment_features"]).coalesce(1)


def _measure_by_segment(block: Array) -> dict[int, Moments]:
    return {int(segment): measure(block[1:, block[0] == segment]) for segment in np.unique(block[0])}


def _merge_by_segment(a: dict[int, Moments], b: dict[int, Moments]) -> dict[int, Moments]:
    both = {segment: merge(a[segment], b[segment]) for segment in a.keys() & b.keys()}
    return {**a, **b, **both}


def _by_name(values: Array) -> dict[str, float]:
    return dict(zip(NAMES, values.tolist(), strict=True))


def _mean(moments: Moments, feature: str) -> float:
    return float(moments.mean[NAMES.index(feature)])
