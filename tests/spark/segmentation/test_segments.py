from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation import models
from segmentation.segments import (
    NAMES,
    assign,
    feature_moments,
    order_by_mean_spend,
    segment_features,
    segment_moments,
    segment_profiles,
)
from segmentation.vectors import array_to_vector
from tests.spark import customers


@pytest.fixture(scope="module")
def plane(spark: SparkSession) -> DataFrame:
    """Three customers on a plane."""
    rows = [("a", 10.0, [0.0, 0.0]), ("b", 500.0, [10.0, 4.0]), ("c", 30.0, [1.0, 0.0])]
    frame = spark.createDataFrame(rows, ["customer_id", "total_spend", "values"])
    return frame.withColumn("v", array_to_vector("values"))


def test_centers_are_in_descending_order_of_mean_spend(plane: DataFrame) -> None:
    """The distant center has no customers and is last."""
    ordered = order_by_mean_spend(plane, "v", np.array([[99.0, 99.0], [0.0, 0.0], [10.0, 0.0]]))

    assert ordered.tolist() == [[10.0, 0.0], [0.0, 0.0], [99.0, 99.0]]


def test_the_distance_is_the_distance_to_the_center_of_the_segment(plane: DataFrame) -> None:
    model = models.kmeans(np.array([[10.0, 1.0], [0.0, 0.0]]), "v", "segment")
    rows = assign(plane, model, F.col("values")).orderBy("customer_id").collect()

    assert [(row.segment, row.distance) for row in rows] == [(1, 0.0), (0, 3.0), (1, 1.0)]


@pytest.fixture(scope="module")
def assigned(spark: SparkSession) -> DataFrame:
    """Sixty customers; the twenty businesses are segment 0."""
    segment = F.when(F.col("is_b2b") == 1, F.lit(0)).otherwise(F.lit(1))
    return customers.frame(spark, 60).withColumn("segment", segment).persist()


def test_profiles_are_means_in_original_units_with_shares(spark: SparkSession, assigned: DataFrame) -> None:
    rows = (
        segment_profiles(spark, feature_moments(assigned), ["total_spend", "discounted_share"])
        .orderBy("segment")
        .collect()
    )

    expected = {row.segment: row for row in assigned.groupBy("segment").mean().collect()}
    for row in rows:
        means = expected[row.segment]
        for feature in ("total_orders", "total_quantity", "total_spend", "avg_discount", "region_count"):
            assert row[feature] == pytest.approx(means[f"avg({feature})"])
    assert [(row.customers, row.customer_share) for row in rows] == [(20, 20 / 60), (40, 40 / 60)]
    assert [row.label for row in rows] == ["high spend", "low spend"]
    everything = sum(row.total_spend for row in assigned.collect())
    assert sum(row.revenue for row in rows) == pytest.approx(everything)
    assert sum(row.revenue_share for row in rows) == pytest.approx(1.0)


def test_one_pass_gives_the_moments_of_the_features_and_of_the_points(assigned: DataFrame) -> None:
    points, moments = segment_moments(assigned, F.array("recency_days", "seasonality"))

    expected = feature_moments(assigned)
    at = [NAMES.index(name) for name in ("recency_days", "seasonality")]
    for segment in (0, 1):
        assert moments[segment].comoment.tolist() == expected[segment].comoment.tolist()
        assert points[segment].mean.tolist() == expected[segment].mean[at].tolist()
        assert points[segment].count == expected[segment].count


def test_deviations_are_in_standard_deviations_of_all_customers(
    spark: SparkSession, assigned: DataFrame
) -> None:
    measured = feature_moments(assigned)
    rows = segment_features(spark, measured, ["total_spend", "region_count"]).collect()

    spend = np.array([row.total_spend for row in assigned.collect()])
    for row in rows:
        if row.feature == "total_spend":
            assert row.deviation == pytest.approx((row["mean"] - spend.mean()) / spend.std(ddof=1))
        else:
            assert (row["mean"], row.deviation) == (1.0, 0.0)
    assert len(rows) == 4
