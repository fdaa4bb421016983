from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import array
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from segmentation.blocks import as_blocks
from segmentation.seeding import sample
from segmentation.sweep import model_selection, sweep


def test_a_sweep_finds_the_groups_and_is_as_good_as_scikit_learn(spark: SparkSession) -> None:
    """3,000 customers, more than the sample, in three clear groups."""
    points, _ = make_blobs(3_000, n_features=2, centers=[[0, 0], [20, 0], [0, 20]], random_state=1)
    rows = [(f"CUS{n}", *row) for n, row in enumerate(points.tolist())]
    frame, values = spark.createDataFrame(rows, ["customer_id", "a", "b"]), array("a", "b")
    result = sweep(as_blocks(frame, values, 3_000).persist(), sample(frame, values, 7), range(2, 6), 2, 7)

    best = max(result.validity, key=lambda k: result.validity[k].silhouette)
    assert best == 3
    assert result.validity[3].stability == pytest.approx(1.0)
    assert result.notes == ()
    for k in range(2, 6):
        reference = KMeans(k, n_init=5, random_state=0).fit(points)
        assert result.validity[k].wssse <= reference.inertia_ * 1.01
        assert np.shape(result.centres[k]) == (k, 2)
    chosen = model_selection(spark, result.validity, 3).where("chosen").collect()
    assert [row.k for row in chosen] == [3]
