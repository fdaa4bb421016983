from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession

from segmentation import models
from segmentation.vectors import array_to_vector, vector_to_array


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    rows = [([1.0, 2.0],), ([3.0, 6.0],)]
    return spark.createDataFrame(rows, ["values"]).select(array_to_vector("values").alias("v"))


def after_saving(model: Any, frame: DataFrame, folder: Path) -> list[Any]:
    """Return the column ``out`` of the model after it was saved and loaded."""
    address = (folder / "model").as_uri()
    PipelineModel([model]).save(address)
    result = PipelineModel.load(address).transform(frame)
    is_vector = dict(result.dtypes)["out"] == "vector"
    return [row[0] for row in result.select(vector_to_array("out") if is_vector else "out").collect()]


def test_min_max_scaler(frame: DataFrame, tmp_path: Path) -> None:
    """A constant becomes 0.5."""
    model = models.min_max_scaler(np.array([1.0, 2.0]), np.array([5.0, 2.0]), "v", "out")

    assert after_saving(model, frame, tmp_path) == [[0.0, 0.5], [0.5, 0.5]]


def test_standard_scaler(frame: DataFrame, tmp_path: Path) -> None:
    model = models.standard_scaler(np.array([1.0, 2.0]), np.array([2.0, 4.0]), "v", "out")

    assert after_saving(model, frame, tmp_path) == [[0.0, 0.0], [1.0, 1.0]]


def test_pca_projects_on_the_rows_of_the_loadings(frame: DataFrame, tmp_path: Path) -> None:
    model = models.pca(np.array([[0.0, 1.0], [-1.0, 0.5]]), np.array([0.75, 0.25]), "v", "out")

    assert after_saving(model, frame, tmp_path) == [[2.0, 0.0], [6.0, 0.0]]


def test_kmeans_keeps_the_order_of_the_centers(frame: DataFrame, tmp_path: Path) -> None:
    model = models.kmeans(np.array([[9.0, 9.0], [3.0, 5.0], [1.0, 1.0]]), "v", "out")

    assert after_saving(model, frame, tmp_path) == [2, 1]
