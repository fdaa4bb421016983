"""Principal components: their number, their signs, and the model that computes them for a customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.ml import PipelineModel
from pyspark.ml.feature import VectorSlicer
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation import models
from segmentation.blocks import Array
from segmentation.errors import UserError
from segmentation.scaling import Scaling
from segmentation.small_tables import small_table
from segmentation.vectors import vector_to_array

#: Tolerance for rounding: a cumulative ratio that is lower by at most this much has reached the requested one.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Components:
    """The principal components of d features, in descending order of ``variances``.

    ``loadings`` is d × d: each row is a component, a unit vector of the weights of the features. The first ``retained``
    are kept.
    """

    variances: Array
    loadings: Array
    retained: int

    @property
    def explained_variance_ratio(self) -> Array:
        """The share of each component in the total variance."""
        return np.asarray(self.variances / self.variances.sum())

    @property
    def cumulative(self) -> Array:
        """The share of the total variance that the components up to each one explain together."""
        return np.minimum(np.cumsum(self.explained_variance_ratio), 1.0)


def principal_components(covariance: Array, variance_to_keep: float) -> Components:
    """Return the eigenvectors of ``covariance`` (d × d), and retain the fewest that explain ``variance_to_keep``.

    The share ``variance_to_keep`` is above 0 and at most 1. Raises UserError if all variances are 0.
    """
    if not np.trace(covariance) > 0:
        raise UserError(
            "all customers are the same in every feature, so there are no components: check the input"
        )
    eigenvalues, eigenvectors = np.linalg.eigh(covariance)
    variances = np.clip(eigenvalues[::-1], 0.0, None)
    ratio = variances / variances.sum()
    reached = np.cumsum(ratio) >= variance_to_keep - ROUNDING
    return Components(variances, _flip_signs(eigenvectors.T[::-1]), int(reached.argmax()) + 1)


def _flip_signs(loadings: Array) -> Array:
    """Return each row with the sign that makes its largest entry by absolute value positive, the first of equal ones.

    As scikit-learn's ``svd_flip(u_based_decision=False)``, but entries that differ only by rounding count as equal.
    """
    sizes = np.abs(loadings)
    largest = (sizes >= sizes.max(axis=1, keepdims=True) - 1e-9).argmax(axis=1)
    return np.asarray(loadings * np.sign(loadings[np.arange(len(loadings)), largest])[:, None])


def pipeline(scaling: Scaling, components: Components) -> PipelineModel:
    """Return the Spark ML model from customer_features to ``scaled``, ``all_components``, ``components``, ``whitened``.

    The last two have the retained components; ``whitened`` are divided by their standard deviations.
    """
    deviations = np.sqrt(components.variances[: components.retained])
    return PipelineModel(
        [
            *scaling.stages,
            models.pca(components.loadings, components.explained_variance_ratio, "scaled", "all_components"),
            VectorSlicer(
                inputCol="all_components", outputCol="components", indices=list(range(components.retained))
            ),
            models.standard_scaler(np.zeros_like(deviations), deviations, "components", "whitened"),
        ]
    )


def project(customers: DataFrame, model: PipelineModel) -> DataFrame:
    """Return ``customers`` with the columns of ``model``, and the first two components as ``pc1`` and ``pc2``."""
    frame = model.transform(customers).withColumn("all", vector_to_array("all_components"))
    return frame.withColumns({"pc1": _component_or_zero(1), "pc2": _component_or_zero(2)})


def customer_components(features: DataFrame, model: PipelineModel) -> DataFrame:
    """Return customer_components: the retained components of each customer, and the first two for charts."""
    components = vector_to_array("components").alias("components")
    return project(features, model).select("customer_id", components, "pc1", "pc2")


def explained_variance(spark: SparkSession, components: Components) -> DataFrame:
    """Return explained_variance: the share of each component in the variance."""
    shares = zip(components.explained_variance_ratio.tolist(), components.cumulative.tolist(), strict=True)
    rows = [
        (n, share, cumulative, n <= components.retained) for n, (share, cumulative) in enumerate(shares, 1)
    ]
    return small_table(spark, "explained_variance", rows)


def component_loadings(spark: SparkSession, components: Components, features: tuple[str, ...]) -> DataFrame:
    """Return component_loadings: the weight of each feature in each component."""
    rows = [
        (n, feature, weight)
        for n, weights in enumerate(components.loadings.tolist(), 1)
        for feature, weight in zip(features, weights, strict=True)
    ]
    return small_table(spark, "component_loadings", rows)


def _component_or_zero(component: int) -> Column:
    """Return the value of the component, 0.0 if there are fewer components."""
    return F.when(F.size("all") >= component, F.element_at("all", component)).otherwise(F.lit(0.0))
