"""The silhouette of each customer."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.moments import Moments
from segmentation.vectors import squared_distance


def with_silhouette(assigned: DataFrame, values: Column, segments: Mapping[int, Moments]) -> DataFrame:
    """Return ``assigned`` with the silhouette of each customer in its ``segment``, null if there is only one segment.

    (b − a) / max(a, b), with a the mean squared Euclidean distance to the other customers of the segment and b the
    smallest mean distance to the customers of another segment (Rousseeuw 1987); 0 for a customer that is alone.
    ``values`` is the array column of the distances, ``segments`` has its moments. The mean distance to a segment is the
    distance to its mean plus the spread of the segment around it, so no pair of customers is compared.
    """
    if len(segments) < 2:
        return assigned.withColumn("silhouette", F.lit(None).cast("double"))
    distances = {
        segment: squared_distance(values, F.array(*map(F.lit, moments.mean.tolist())))
        + float(moments.comoment.trace()) / moments.count
        for segment, moments in segments.items()
    }
    own = F.col("segment")
    within = F.coalesce(
        *(
            F.when(own == segment, distances[segment] * (moments.count / max(moments.count - 1, 1)))
            for segment, moments in segments.items()
        )
    )
    between = F.least(
        *(F.when(own != segment, distance) for segment, distance in distances.items())  # ignores null
    )
    alone = own.isin([segment for segment, moments in segments.items() if moments.count == 1])
    silhouette = (F.col("between") - F.col("within")) / F.greatest("between", "within")
    defined = ~alone & (F.greatest("between", "within") > 0)
    return (
        assigned.withColumns({"within": within, "between": between})
        .withColumn("silhouette", F.when(defined, silhouette).otherwise(0.0))
        .drop("within", "between")
    )
