"""The jobs find segments that were planted in the sample lines; docs/segments.md has more measurements."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import adjusted_rand_score

import kmeans
import pca
import preprocess
from tests.spark import customers

sales = pytest.importorskip("devtools.sales", reason="the environment of Spark 4 has no pyarrow")


def test_planted_segments_are_recovered_at_moderate_overlap(spark: SparkSession, tmp_path: Path) -> None:
    source = tmp_path / "sales.csv"
    sales.write(source, 90_000, customers=300, segments=4, separation=6)
    flags = customers.flags(tmp_path, input=source.as_uri(), mapping="none", max_rejected_share=0)
    preprocess.main([each for each in flags if not each.startswith("--models")])
    pca.main(customers.flags(tmp_path, **customers.PCA))
    kmeans.main(customers.flags(tmp_path, **(customers.KMEANS | {"k_min": 3, "k_max": 6})))
    chosen = customers.lake(spark, tmp_path).read("model_selection").where("chosen").collect()
    assert [row.k for row in chosen] == [4]
    whitened = customers.KMEANS | {"k": 4, "k_max": 4, "cluster_on": "whitened"}
    kmeans.main(customers.flags(tmp_path, **whitened))

    lines = (tmp_path / "sales.segments.csv").read_text().splitlines()[1:]
    truth = dict(line.split(",") for line in lines)
    rows = customers.lake(spark, tmp_path).read("customer_segments").collect()
    planted = [truth[row.customer_id] for row in rows]
    assert adjusted_rand_score(planted, [row.segment for row in rows]) >= 0.9
