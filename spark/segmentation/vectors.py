"""Array columns of numbers: conversions from and to Spark ML's vector columns, and distances.

``pyspark.ml.functions`` has the same conversions, but imports pandas, which these jobs do not need.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F


def vector_to_array(vector: str) -> Column:
    """Return the vector column ``vector`` as an array<double> column."""
    return Column(_functions().vector_to_array(F.col(vector)._jc, "float64"))


def array_to_vector(array: str) -> Column:
    """Return the array<double> column ``array`` as a vector column."""
    return Column(_functions().array_to_vector(F.col(array)._jc))


def squared_distance(a: Column, b: Column) -> Column:
    """Return the squared Euclidean distance of two array<double> columns of the same length."""
    squares = F.zip_with(a, b, lambda x, y: (x - y) * (x - y))
    return F.aggregate(squares, F.lit(0.0), lambda total, square: total + square)


def _functions() -> Any:
    java: Any = SparkSession.active().sparkContext._jvm
    return java.org.apache.spark.ml.functions
