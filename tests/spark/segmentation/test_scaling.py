from __future__ import annotations

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from sklearn.preprocessing import StandardScaler

from segmentation.blocks import aggregate, arrange, as_blocks
from segmentation.features import feature_set
from segmentation.moments import Moments
from segmentation.outliers import Limited, Limits
from segmentation.scaling import Scaling, scale, transformed
from segmentation.vectors import vector_to_array
from tests.spark import customers


def scaled(frame: DataFrame, name: str, limits: Limits | None = None) -> tuple[Scaling, np.ndarray]:
    """Return the scaling of a feature set, and the values that its stages give."""
    features = feature_set(name)
    limits = limits or Limits.none(len(features))
    blocks = as_blocks(arrange(frame.count(), frame), transformed(features, name))
    scaling = scale(
        features, name, aggregate(blocks, lambda block: Limited.of(block, limits)).moments, limits
    )
    rows = PipelineModel(list(scaling.stages)).transform(frame).select(vector_to_array("scaled")).collect()
    return scaling, np.array([row[0] for row in rows])


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    return customers.frame(spark, 60).persist()


def test_notebook_scales_the_seven_features_to_0_1_and_centers_them(frame: DataFrame) -> None:
    scaling, values = scaled(frame, "notebook")

    raw = np.array(frame.select(*scaling.features).collect(), dtype=float)
    width = np.where(np.ptp(raw, axis=0) > 0, np.ptp(raw, axis=0), 1.0)
    expected = (raw - raw.min(axis=0)) / width
    assert len(scaling.features) == 7
    np.testing.assert_allclose(values, expected - expected.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(scaling.covariance, np.cov(values.T), atol=1e-12)


def test_notebook_scales_a_constant_to_one_half_as_spark(frame: DataFrame) -> None:
    scaling, _ = scaled(frame, "notebook")

    row = PipelineModel(list(scaling.stages)).transform(frame).select(vector_to_array("min_max")).first()
    assert row is not None
    assert row[0][scaling.features.index("region_count")] == 0.5
    assert scaling.notes == (
        "unique_categories is the same for all customers: it is scaled to 0.5 and has no effect",
        "region_count is the same for all customers: it is scaled to 0.5 and has no effect",
    )


def test_extended_is_standardised_after_log1p_of_skewed_features(frame: DataFrame) -> None:
    scaling, values = scaled(frame, "extended")

    logged = {feature.name for feature in feature_set("extended") if feature.transform == "log1p"}
    raw = np.array(frame.select(*scaling.features).collect(), dtype=float)
    raw = np.where([name in logged for name in scaling.features], np.log1p(raw), raw)
    population = StandardScaler().fit_transform(
        raw
    )  # divides by the population's deviation, not the sample's
    np.testing.assert_allclose(values, population * np.sqrt(59 / 60), atol=1e-9)
    np.testing.assert_allclose(scaling.covariance, np.cov(values.T), atol=1e-9)


def test_extended_drops_constants_and_duplicates_with_a_note(frame: DataFrame) -> None:
    scaling, _ = scaled(frame, "extended")

    assert not {"share_other", "is_b2b"} & set(scaling.features)
    assert scaling.notes == (
        "region_count is dropped: it is the same for all customers",
        "share_other is dropped: it is the same for all customers",
        "is_b2b is dropped: it duplicates discounted_share",
    )


def test_identical_customers_leave_no_feature(spark: SparkSession) -> None:
    twins = customers.frame(spark, 1).union(customers.frame(spark, 1))
    features = feature_set("extended")
    moments = aggregate(as_blocks(arrange(2, twins), transformed(features, "extended")), Moments.of)

    assert scale(features, "extended", moments, Limits.none(len(features))).features == ()


def test_the_saved_stages_move_outliers_to_the_limits(frame: DataFrame) -> None:
    """Of a log1p feature and of one without a transform; the covariance is that of the moved values."""
    names = [feature.name for feature in feature_set("extended")]
    limits = Limits.none(len(names))
    limits.lower[names.index("total_spend")], limits.upper[names.index("total_spend")] = 6.0, 7.0
    limits.lower[names.index("seasonality")], limits.upper[names.index("seasonality")] = -1.0, 0.25
    scaling, values = scaled(frame, "extended", limits)

    raw = np.array(frame.select("total_spend", "seasonality").collect(), dtype=float)
    moved = np.column_stack((np.clip(np.log1p(raw[:, 0]), 6.0, 7.0), np.minimum(raw[:, 1], 0.25)))
    assert (moved[:, 1] < raw[:, 1]).any()
    at = [scaling.features.index(name) for name in ("total_spend", "seasonality")]
    expected = (moved - moved.mean(axis=0)) / moved.std(axis=0, ddof=1)
    np.testing.assert_allclose(values[:, at], expected, atol=1e-9)
    np.testing.assert_allclose(scaling.covariance, np.cov(values.T), atol=1e-9)
