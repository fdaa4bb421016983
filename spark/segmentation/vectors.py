"""Between Spark ML's vector columns and plain array columns.

``pyspark.ml.functions`` has the same two functions but imports pandas, which these jobs do not need.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import Column, SparkSession
from pyspark.sql.functions import col


def as_array(vector: str) -> Column:
    """Return the vector column ``vector`` as an array<double> column."""
    return Column(_functions().vector_to_array(col(vector)._jc, "float64"))


def as_vector(array: str) -> Column:
    """Return the array<double> column ``array`` as a vector column."""
    return Column(_functions().array_to_vector(col(array)._jc))


def _functions() -> Any:
    java: Any = SparkSession.active().sparkContext._jvm
    return java.org.apache.spark.ml.functions
