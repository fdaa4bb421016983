from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import pca
from segmentation.vectors import vector_to_array
from tests.spark import customers

DATASETS = {
    "explained_variance": "component",
    "component_loadings": "component, feature",
    "customer_components": "customer_id",
}


def run(folder: Path, **special: object) -> None:
    pca.main(customers.flags(folder, **(customers.PCA | special)))


def output(spark: SparkSession, folder: Path, dataset: str) -> DataFrame:
    order = DATASETS[dataset].split(", ")
    return customers.lake(spark, folder).read(dataset).orderBy(order)


def metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (folder / "metrics" / f"run_date={customers.RUN_DATE}" / "pca.json").read_text()
    )
    return content


@pytest.fixture(scope="module")
def done(after_pca: Path) -> Path:
    """A folder with the results for 300 customers."""
    return after_pca


def test_the_retained_components_keep_the_variance(spark: SparkSession, done: Path) -> None:
    rows = output(spark, done, "explained_variance").collect()

    assert sum(row.explained_variance_ratio for row in rows) == pytest.approx(1.0)
    kept = [row.cumulative for row in rows if row.retained]
    assert kept[-1] >= 0.9 > kept[-2]
    assert all(
        len(row.components) == len(kept) for row in output(spark, done, "customer_components").collect()
    )


def test_components_are_centered_and_uncorrelated_and_have_the_variances(
    spark: SparkSession, done: Path
) -> None:
    values = np.array([row.components for row in output(spark, done, "customer_components").collect()])
    covariance = np.cov(values.T)

    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-9)
    ratios = [row.explained_variance_ratio for row in output(spark, done, "explained_variance").collect()]
    np.testing.assert_allclose(np.diag(covariance) / len(ratios), ratios[: len(covariance)])


def test_the_saved_model_returns_the_published_components(spark: SparkSession, done: Path) -> None:
    lake = customers.lake(spark, done)
    model, features = lake.load_model("pca", PipelineModel), lake.read("customer_features")

    again = model.transform(features).select("customer_id", vector_to_array("components").alias("components"))
    published = output(spark, done, "customer_components").collect()
    assert again.orderBy("customer_id").collect() == [row[:2] for row in published]
    assert all((row.pc1, row.pc2) == tuple(row.components[:2]) for row in published)


def test_metrics_have_rows_notes_and_components(done: Path) -> None:
    content = metrics(done)

    assert content["rows"]["customer_components"] == 300
    assert content["rows"]["explained_variance"] == content["components"]["of"] == len(content["features"])
    assert "region_count is dropped: it is the same for all customers" in content["notes"]
    assert "is_b2b" not in content["features"]
    assert content["input"]["files"] == 2
    assert len(content["input"]["fingerprint"]) == 16


def test_results_do_not_depend_on_the_files_of_the_input(
    spark: SparkSession, done: Path, tmp_path: Path
) -> None:
    """The same bit for bit, although 4 files are read in other partitions than 2 files."""
    customers.write(spark, tmp_path, 300, files=4)
    run(tmp_path)

    for dataset in DATASETS:
        assert output(spark, tmp_path, dataset).collect() == output(spark, done, dataset).collect()


def test_notebook_keeps_all_seven_features(spark: SparkSession, tmp_path: Path) -> None:
    customers.write(spark, tmp_path, 30)
    run(tmp_path, feature_set="notebook", variance_to_keep=1)

    rows = output(spark, tmp_path, "explained_variance").collect()
    assert [row.retained for row in rows] == [True] * 5 + [False] * 2  # two features are constant
    assert output(spark, tmp_path, "component_loadings").select("feature").distinct().count() == 7


def test_a_given_category_is_a_feature_only_on_request(spark: SparkSession, tmp_path: Path) -> None:
    customers.write(spark, tmp_path, 30, discounted_share=0.5)
    run(tmp_path, given_categories="cluster")

    assert "is_b2b" in metrics(tmp_path)["features"]


@pytest.mark.parametrize(("outliers", "moved"), [("winsorise", 1), ("keep", 0)])
def test_outliers_are_moved_and_counted(
    spark: SparkSession, tmp_path: Path, outliers: str, moved: int
) -> None:
    """One of 30 customers has a hundred times the usual price."""
    frame = customers.frame(spark, 30)
    price = F.when(F.col("customer_id") == "CUS7", 1000.0).otherwise(F.col("avg_unit_price"))
    customers.lake(spark, tmp_path).publish("customer_features", frame.withColumn("avg_unit_price", price))
    run(tmp_path, outliers=outliers)

    content = metrics(tmp_path)
    assert content["outliers"] == {"customers": moved, "values": {"avg_unit_price": 1} if moved else {}}
    notes = [note for note in content["notes"] if "outliers" in note]
    assert (
        notes
        == [
            "outliers of 1 of 30 customers are moved to the limit of the feature, most of them in "
            "avg_unit_price (1)"
        ][:moved]
    )


def test_pc2_is_zero_if_only_one_feature_varies(spark: SparkSession, tmp_path: Path) -> None:
    same = {name: value for name, value in customers.ALIKE.items() if name != "recency_days"}
    customers.write(spark, tmp_path, 20, **same)
    run(tmp_path)

    rows = output(spark, tmp_path, "customer_components").collect()
    assert {row.pc2 for row in rows} == {0.0}
    assert len({row.pc1 for row in rows}) == 20


def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the last line on stderr of a job that must end with a user error."""
    with pytest.raises(SystemExit) as ended:
        run(folder)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("customer", "sentence"),
    [
        ({"count": 1}, "PCA needs at least 2 customers, customer_features has 1"),
        ({"count": 5, **customers.ALIKE}, "the same in every feature"),
        ({"count": 5, "avg_unit_price": None}, "missing or infinite values of avg_unit_price"),
    ],
)
def test_invalid_features_are_refused_and_nothing_is_published(
    spark: SparkSession,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    customer: dict[str, Any],
    sentence: str,
) -> None:
    customers.write(spark, tmp_path, **customer)

    assert sentence in refused(tmp_path, capsys)
    assert [path.name for path in (tmp_path / "processed").iterdir()] == ["customer_features"]


def test_missing_customer_features_are_reported(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "run preprocess for this run date first" in refused(tmp_path, capsys)


@pytest.mark.parametrize("keep", ["0", "1.1", "-0.1", "most"])
def test_a_share_outside_0_to_1_is_refused(tmp_path: Path, keep: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, variance_to_keep=keep)

    assert ended.value.code == 2
