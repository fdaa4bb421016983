from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from segmentation.blocks import arrange, as_blocks
from segmentation.grid_search import grid_search
from segmentation.seeding import sample


def test_a_grid_search_finds_the_groups_and_is_as_good_as_scikit_learn(spark: SparkSession) -> None:
    """3,000 customers, more than the sample, in three separate groups."""
    points, _ = make_blobs(3_000, n_features=2, centers=[[0, 0], [20, 0], [0, 20]], random_state=1)
    rows = [(f"CUS{n}", *row) for n, row in enumerate(points.tolist())]
    frame, values = spark.createDataFrame(rows, ["customer_id", "a", "b"]), F.array("a", "b")
    result = grid_search(
        as_blocks(arrange(3_000, frame), values).persist(), sample(frame, values, 7).points, range(2, 6), 2, 7
    )

    best = max(result.scores, key=lambda k: result.scores[k].silhouette)
    assert best == 3
    assert result.scores[3].start_agreement == pytest.approx(1.0)
    assert result.notes == ()
    for k in range(2, 6):
        reference = KMeans(k, n_init=5, random_state=0).fit(points)
        assert result.scores[k].wssse <= reference.inertia_ * 1.01
        assert np.shape(result.centers[k]) == (k, 2)
    assert result.scores[3].smallest_share == pytest.approx(1 / 3)
