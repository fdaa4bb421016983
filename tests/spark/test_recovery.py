"""The jobs find segments that were planted in the sample lines; docs/segments.md has more measurements."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import adjusted_rand_score

import kmeans
import pca
import preprocess
import score
from tests.spark import customers

sales = pytest.importorskip("devtools.sales", reason="the environment of Spark 4 has no pyarrow")


def test_planted_segments_are_recovered_at_moderate_overlap(spark: SparkSession, tmp_path: Path) -> None:
    """By the defaults, which find their number and refine them; without the refinement, the index is 0.85."""
    source = tmp_path / "sales.csv"
    sales.write(source, 90_000, customers=300, segments=4, separation=6, seed=9)
    flags = customers.flags(tmp_path, input=source.as_uri(), mapping="none", max_rejected_share=0)
    preprocess.main([each for each in flags if not each.startswith("--models")])
    pca.main(customers.flags(tmp_path, **customers.PCA))
    kmeans.main(customers.flags(tmp_path, **(customers.KMEANS | {"k_min": 3, "k_max": 6})))
    lake = customers.lake(spark, tmp_path)
    chosen = lake.read("model_selection").where("chosen").collect()
    assert [row.k for row in chosen] == [4]

    lines = (tmp_path / "sales.segments.csv").read_text().splitlines()[1:]
    truth = dict(line.split(",") for line in lines)
    rows = lake.read("customer_segments").orderBy("customer_id").collect()
    planted = [truth[row.customer_id] for row in rows]
    assert adjusted_rand_score(planted, [row.segment for row in rows]) >= 0.9

    score.main(customers.flags(tmp_path, model_run_date=customers.RUN_DATE))
    assert lake.read("customer_segments").orderBy("customer_id").collect() == rows
