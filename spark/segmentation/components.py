"""Principal components: how many, which way round, and the model that gives a customer's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.ml import PipelineModel
from pyspark.ml.feature import VectorSlicer
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.functions import col, element_at, lit, size, when

from segmentation import models
from segmentation.blocks import Array
from segmentation.job import UserError
from segmentation.scaling import Scaling
from segmentation.schemas import TABLES
from segmentation.vectors import as_array

#: A cumulative ratio this close below the wanted one has reached it; what is missing is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Components:
    """The principal components of d features, strongest first.

    ``loadings`` is d × d: a row is a component, its entries are the features' weights, of length 1 together.
    ``ratio`` is each component's share of the total variance; the first ``retained`` are kept.
    """

    ratio: Array
    loadings: Array
    retained: int

    @property
    def cumulative(self) -> Array:
        """The share of the total variance that the components up to each one explain together."""
        return np.minimum(np.cumsum(self.ratio), 1.0)


def principal_components(covariance: Array, variance_to_keep: float) -> Components:
    """Return the eigenvectors of ``covariance`` (d × d) and the fewest that keep ``variance_to_keep`` (0 < v ≤ 1).

    Raises UserError where nothing varies.
    """
    if not np.trace(covariance) > 0:
        raise UserError(
            "all customers are the same in every feature, so there are no components: check the input"
        )
    values, vectors = np.linalg.eigh(covariance)
    variances = np.clip(values[::-1], 0.0, None)
    ratio = variances / variances.sum()
    reached = np.cumsum(ratio) >= variance_to_keep - ROUNDING
    return Components(ratio, _point_up(vectors.T[::-1]), int(reached.argmax()) + 1)


def _point_up(loadings: Array) -> Array:
    """Return each row with the sign that makes its largest entry by size positive, the first one of equals.

    The rule of scikit-learn's ``svd_flip(u_based_decision=False)``. Entries that are equal but for rounding
    count as equal, so that noise does not choose.
    """
    sizes = np.abs(loadings)
    largest = (sizes >= sizes.max(axis=1, keepdims=True) - 1e-9).argmax(axis=1)
    return np.asarray(loadings * np.sign(loadings[np.arange(len(loadings)), largest])[:, None])


def pipeline(scaling: Scaling, components: Components) -> PipelineModel:
    """Return the Spark ML model from customer_features to ``scaled``, ``all_components`` and ``components``."""
    return PipelineModel(
        [
            *scaling.stages,
            models.pca(components.loadings, components.ratio, "scaled", "all_components"),
            VectorSlicer(
                inputCol="all_components", outputCol="components", indices=list(range(components.retained))
            ),
        ]
    )


def project(customers: DataFrame, model: PipelineModel) -> DataFrame:
    """Return ``customers`` with the columns that ``model`` adds, and the first two components as pc1 and pc2."""
    frame = model.transform(customers).withColumn("all", as_array("all_components"))
    return frame.withColumns({"pc1": _nth(1), "pc2": _nth(2)})


def customer_components(features: DataFrame, model: PipelineModel) -> DataFrame:
    """Return customer_components: the retained components of each customer, and the first two for pictures."""
    components = as_array("components").alias("components")
    return project(features, model).select("customer_id", components, "pc1", "pc2")


def explained_variance(spark: SparkSession, components: Components) -> DataFrame:
    """Return explained_variance: each component's share of the variance."""
    shares = zip(components.ratio.tolist(), components.cumulative.tolist(), strict=True)
    rows = [
        (n, ratio, cumulative, n <= components.retained) for n, (ratio, cumulative) in enumerate(shares, 1)
    ]
    return spark.createDataFrame(rows, TABLES["explained_variance"]).coalesce(1)


def component_loadings(spark: SparkSession, components: Components, features: tuple[str, ...]) -> DataFrame:
    """Return component_loadings: the weight of each feature in each component."""
    rows = [
        (n, feature, weight)
        for n, weights in enumerate(components.loadings.tolist(), 1)
        for feature, weight in zip(features, weights, strict=True)
    ]
    return spark.createDataFrame(rows, TABLES["component_loadings"]).coalesce(1)


def _nth(component: int) -> Column:
    """Return the component's value, 0.0 where the features have fewer components."""
    return when(size("all") >= component, element_at(col("all"), component)).otherwise(lit(0.0))
