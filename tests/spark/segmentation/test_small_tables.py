from __future__ import annotations

import math

import pytest
from pyspark.sql import SparkSession

from segmentation.schemas import TABLES
from segmentation.small_tables import small_table


def test_rows_keep_all_digits_texts_and_missing_values(spark: SparkSession) -> None:
    rows = [
        ("2025-12-01", 'a "quoted" name \\ with ü', 1 / 3, 5e-324, math.pi * 1e300, True),
        (None, "", -0.0, 0.1 + 0.2, 1e22, None),
    ]
    frame = small_table(spark, "feature_drift", rows)
    assert [tuple(row) for row in frame.collect()] == rows
    assert [(f.name, f.dataType) for f in frame.schema] == [
        (f.name, f.dataType) for f in TABLES["feature_drift"]
    ]
    assert frame.rdd.getNumPartitions() == 1


def test_no_rows_give_an_empty_table(spark: SparkSession) -> None:
    assert small_table(spark, "segment_rules", []).collect() == []


def test_a_value_of_another_type_is_an_error(spark: SparkSession) -> None:
    with pytest.raises(Exception, match=r"(?i)malformed"):
        small_table(spark, "component_loadings", [(1, "a", "heavy")]).collect()
