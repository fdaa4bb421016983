"""Spark ML models made from given parameters.

Spark's estimators add numbers in the order in which tasks end, and do not fix the sign of a component or the index of a
cluster. The jobs compute the parameters reproducibly and put them into Spark ML's model classes, so that a loaded model
returns the published numbers and does not need this code. The constructors are private to Spark ML in Scala, but public
in the class files, without changes from Spark 2 to 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pyspark import SparkContext
from pyspark.ml.clustering import KMeansModel
from pyspark.ml.common import _py2java
from pyspark.ml.feature import MinMaxScalerModel, PCAModel, StandardScalerModel
from pyspark.ml.linalg import DenseMatrix, Vectors
from pyspark.mllib.common import _py2java as _mllib_to_java
from pyspark.mllib.linalg import Vectors as MllibVectors
from pyspark.sql import SparkSession

from segmentation.blocks import Array


def min_max_scaler(minimum: Array, maximum: Array, source: str, target: str) -> MinMaxScalerModel:
    """Return the model that maps [minimum, maximum] of each value to [0, 1], a constant to 0.5."""
    java = _ml().feature.MinMaxScalerModel("min_max_scaler", _vector(minimum), _vector(maximum))
    return MinMaxScalerModel(java)._set(inputCol=source, outputCol=target)


def standard_scaler(mean: Array, std: Array, source: str, target: str) -> StandardScalerModel:
    """Return the model that subtracts ``mean`` and divides by ``std``."""
    java = _ml().feature.StandardScalerModel("standard_scaler", _vector(std), _vector(mean))
    return StandardScalerModel(java)._set(inputCol=source, outputCol=target, withMean=True, withStd=True)


def pca(loadings: Array, ratio: Array, source: str, target: str) -> PCAModel:
    """Return the model that projects on the rows of ``loadings`` (components × features)."""
    components, features = loadings.shape
    matrix = DenseMatrix(
        features, components, loadings.ravel()
    )  # column-major: one component after the other
    java = _ml().feature.PCAModel("pca", _py2java(_context(), matrix), _vector(ratio))
    return PCAModel(java)._set(inputCol=source, outputCol=target, k=components)


def kmeans(centers: Array, source: str, target: str) -> KMeansModel:
    """Return the model that predicts for each vector the index of the nearest row of ``centers`` (k × values)."""
    points = [_mllib_to_java(_context(), MllibVectors.dense(center)) for center in centers]
    parent = _java().org.apache.spark.mllib.clustering.KMeansModel(points)
    java = _ml().clustering.KMeansModel("kmeans", parent)
    return KMeansModel(java)._set(featuresCol=source, predictionCol=target, k=len(centers))


def _vector(values: Array) -> Any:
    return _py2java(_context(), Vectors.dense(np.asarray(values, dtype=float)))


def _ml() -> Any:
    return _java().org.apache.spark.ml


def _java() -> Any:
    return _context()._jvm


def _context() -> SparkContext:
    return SparkSession.active().sparkContext
