from __future__ import annotations

import numpy as np
import pytest
from pyspark.ml.feature import PCA, VectorAssembler
from pyspark.sql import SparkSession
from sklearn import decomposition

from segmentation.components import principal_components
from segmentation.errors import UserError


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """200 customers with 4 correlated values."""
    random = np.random.default_rng(5)
    return random.normal(size=(200, 4)) @ random.normal(size=(4, 4))


def test_hand_computed_ratio() -> None:
    """Two values of variance 2 and covariance 1: the variances are 3 along (1, 1) and 1 across."""
    components = principal_components(np.array([[2.0, 1.0], [1.0, 2.0]]), 0.75)

    np.testing.assert_allclose(components.variances, [3.0, 1.0])
    np.testing.assert_allclose(components.explained_variance_ratio, [0.75, 0.25])
    np.testing.assert_allclose(components.cumulative, [0.75, 1.0])
    np.testing.assert_allclose(components.loadings, np.array([[1, 1], [1, -1]]) / np.sqrt(2))
    assert components.retained == 1


def test_same_as_scikit_learn_and_spark(spark: SparkSession, points: np.ndarray) -> None:
    components = principal_components(np.cov(points.T), 1.0)

    reference = decomposition.PCA(svd_solver="full").fit(points)
    np.testing.assert_allclose(
        components.explained_variance_ratio, reference.explained_variance_ratio_, rtol=1e-9
    )
    np.testing.assert_allclose(components.loadings, reference.components_, atol=1e-9)
    frame = spark.createDataFrame(points.tolist(), list("abcd"))
    vectors = VectorAssembler(inputCols=list("abcd"), outputCol="v").transform(frame)
    spark_pca = PCA(k=4, inputCol="v", outputCol="p").fit(vectors)
    np.testing.assert_allclose(
        components.explained_variance_ratio, spark_pca.explainedVariance.toArray(), rtol=1e-9
    )


def test_the_largest_weight_of_each_component_is_positive(points: np.ndarray) -> None:
    loadings = principal_components(np.cov(points.T), 1.0).loadings

    assert all(row[np.abs(row).argmax()] > 0 for row in loadings)


@pytest.mark.parametrize(("keep", "retained"), [(0.5, 1), (0.5001, 2), (0.75, 2), (0.76, 3), (1.0, 3)])
def test_the_fewest_components_that_keep_the_variance(keep: float, retained: int) -> None:
    """A component without variance is never needed, not even for all of the variance."""
    assert principal_components(np.diag([2.0, 1.0, 1.0, 0.0]), keep).retained == retained


def test_rounding_does_not_add_a_component() -> None:
    """Eight times a tenth adds up to less than 0.8 in floating point."""
    assert principal_components(np.eye(10), 0.8).retained == 8


@pytest.mark.parametrize("nothing", [np.zeros((3, 3)), np.zeros((0, 0))])
def test_customers_that_are_all_the_same_are_refused(nothing: np.ndarray) -> None:
    with pytest.raises(UserError, match="the same in every feature"):
        principal_components(nothing, 0.9)
