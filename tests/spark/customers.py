"""Generated customers for the tests of the jobs that read customer_features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from segmentation.features import FEATURES
from segmentation.lake import Lake
from segmentation.schemas import TABLES

RUN_DATE = "2024-01-01"

PCA: dict[str, object] = {
    "feature_set": "extended",
    "given_categories": "profile",
    "outliers": "winsorise",
    "variance_to_keep": 0.9,
}
"""The flags of pca, by their Python names."""

KMEANS: dict[str, object] = {
    "k_min": 2,
    "k_max": 4,
    "k": "auto",
    "min_segment_share": 0.02,
    "n_init": 2,
    "seed": 7,
    "cluster_on": "components",
}
"""The flags of kmeans, by their Python names."""

ALIKE: dict[str, Any] = {f.name: 1 if f.is_count else 1.0 for f in FEATURES if "extended" in f.sets}
"""Values of the extended feature set for customers who are all the same."""


def frame(spark: SparkSession, count: int, **same: Any) -> DataFrame:
    """Make ``count`` customers, every third one a business with high spend; all have the values ``same``."""
    random = np.random.default_rng(3)
    rows = []
    for number in range(count):
        business = number % 3 == 0
        row: dict[str, Any] = {feature.name: float(random.random()) for feature in FEATURES}
        row |= {
            "customer_id": f"CUS{number}",
            "customer_type": "B2B" if business else "B2C",
            "region": "Bayern",
            "total_orders": int(random.integers(5, 40)),
            "total_quantity": int(random.integers(200, 400) if business else random.integers(10, 60)),
            "total_spend": round(float(random.normal(9000, 900) if business else random.normal(700, 90)), 2),
            "unique_products": int(random.integers(3, 40)),
            "unique_categories": 4,
            "region_count": 1,
            "avg_discount": 0.05 + 0.1 * float(random.random()) if business else 0.0,
            "discounted_share": 1.0 if business else 0.0,
            "is_b2b": float(business),
            "share_other": 0.0,
        } | same
        rows.append(tuple(row[name] for name in TABLES["customer_features"].names))
    return spark.createDataFrame(rows, TABLES["customer_features"])


def lake(spark: SparkSession, folder: Path, run_date: str = RUN_DATE) -> Lake:
    """Return the data of ``run_date`` below ``folder``."""
    uris = ((folder / name).as_uri() for name in ("processed", "metrics", "models"))
    return Lake(spark, *uris, run_date)


def write(
    spark: SparkSession, folder: Path, count: int, files: int = 2, run_date: str = RUN_DATE, **same: Any
) -> None:
    """Publish ``count`` customers under ``folder`` in ``files`` files."""
    customers = frame(spark, count, **same).repartition(files)
    lake(spark, folder, run_date).publish("customer_features", customers)


def flags(folder: Path, **special: object) -> list[str]:
    """Return the common flags, and ``special`` ones by their Python name."""
    common: dict[str, object] = {
        "run_date": RUN_DATE,
        "processed": (folder / "processed").as_uri(),
        "metrics": (folder / "metrics").as_uri(),
        "models": (folder / "models").as_uri(),
        "code_version": "test",
    }
    return [f"--{name.replace('_', '-')}={value}" for name, value in (common | special).items()]
