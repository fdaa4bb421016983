from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.ml.clustering import KMeansModel
from pyspark.sql import DataFrame, SparkSession

import kmeans
import pca
import score
from segmentation.refinement import REFINED
from segmentation.schemas import TABLES
from tests.spark import customers

LATER = "2024-02-01"
FIT = customers.KMEANS | {"k_max": 3, "k": 3, "n_init": 1}


def run(folder: Path, **special: object) -> None:
    score.main(customers.flags(folder, **{"model_run_date": customers.RUN_DATE, "run_date": LATER} | special))


def output(spark: SparkSession, folder: Path, run_date: str, dataset: str = "customer_segments") -> DataFrame:
    return customers.lake(spark, folder, run_date).read(dataset)


def segments(spark: SparkSession, folder: Path, run_date: str) -> list[Any]:
    return output(spark, folder, run_date).orderBy("customer_id").collect()


def metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (folder / "metrics" / f"run_date={LATER}" / "score.json").read_text()
    )
    return content


def refused(folder: Path, capsys: pytest.CaptureFixture[str], **special: object) -> str:
    """Return the last line on stderr of a job that must end with a user error."""
    with pytest.raises(SystemExit) as ended:
        run(folder, **special)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.fixture
def fitted(after_kmeans: Path, tmp_path: Path) -> Path:
    """A copy of the fit for one test."""
    return Path(shutil.copytree(after_kmeans, tmp_path / "fitted"))


@pytest.mark.parametrize("cluster_on", ["components", "whitened"])
def test_the_same_customers_get_the_published_segments_of_the_fit(
    spark: SparkSession, fitted: Path, cluster_on: str
) -> None:
    if cluster_on != FIT["cluster_on"]:
        kmeans.main(customers.flags(fitted, **(FIT | {"cluster_on": cluster_on})))
    customers.write(spark, fitted, 300, files=3, run_date=LATER)
    run(fitted)

    assert segments(spark, fitted, LATER) == segments(spark, fitted, customers.RUN_DATE)


def test_the_same_customers_get_the_refined_segments_of_the_fit(
    spark: SparkSession, fitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customers form no groups, so the refinement is forced."""
    monkeypatch.setattr(kmeans, "is_compact", lambda chosen: True)
    kmeans.main(customers.flags(fitted, **FIT))
    customers.write(spark, fitted, 300, files=3, run_date=LATER)
    run(fitted)

    model = customers.lake(spark, fitted).load_model("kmeans", KMeansModel)
    assert model.getFeaturesCol() == REFINED
    assert segments(spark, fitted, LATER) == segments(spark, fitted, customers.RUN_DATE)


def test_other_customers_are_counted_with_the_labels_of_the_fit(spark: SparkSession, fitted: Path) -> None:
    """All are businesses: a new fit would split them, but a score does not."""
    businesses = customers.frame(spark, 300).where("is_b2b = 1")
    customers.lake(spark, fitted, LATER).publish("customer_features", businesses)
    run(fitted)

    profile = customers.lake(spark, fitted).read("segment_profiles").where("segment = 0").first()
    assert profile is not None
    assert metrics(fitted)["segments"] == [{"segment": 0, "label": profile.label, "customers": 100}]


@pytest.fixture(scope="module")
def scored(spark: SparkSession, after_kmeans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the fit in which 30 customers of another run date have a score."""
    folder = shutil.copytree(after_kmeans, tmp_path_factory.mktemp("scored"), dirs_exist_ok=True)
    customers.write(spark, folder, 30, run_date=LATER)
    run(folder)
    return folder


def test_nothing_of_a_fit_is_published(scored: Path) -> None:
    made = {path.parent.name for path in (scored / "processed").glob(f"*/run_date={LATER}")}
    assert made - {"customer_features"} == {
        "customer_segments",
        "customer_rfm",
        "segment_migration",
        "feature_drift",
    }
    assert metrics(scored)["rows"].keys() == made - {"customer_features"}
    assert metrics(scored)["parameters"]["model-run-date"] == customers.RUN_DATE


def test_an_older_fit_of_the_same_date_is_noted(spark: SparkSession, scored: Path, tmp_path: Path) -> None:
    assert metrics(scored)["notes"] == []
    shutil.copytree(scored, tmp_path, dirs_exist_ok=True)
    profiles = output(spark, tmp_path, customers.RUN_DATE, "segment_profiles")
    customers.lake(spark, tmp_path, LATER).publish("segment_profiles", profiles)
    run(tmp_path)

    assert "2024-02-01 also has its own fit" in metrics(tmp_path)["notes"][0]


def test_a_segment_that_was_empty_in_the_fit_has_no_label(spark: SparkSession, fitted: Path) -> None:
    profiles = output(spark, fitted, customers.RUN_DATE, "segment_profiles").where("segment > 0").collect()
    held = spark.createDataFrame(profiles, TABLES["segment_profiles"])
    customers.lake(spark, fitted, customers.RUN_DATE).publish("segment_profiles", held)
    customers.write(spark, fitted, 30, run_date=LATER)
    run(fitted)

    assert metrics(fitted)["segments"][0]["label"] is None
    assert "segment 0 has no label" in metrics(fitted)["notes"][0]


def test_a_missing_model_is_reported_with_its_job(
    spark: SparkSession, fitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    customers.write(spark, fitted, 5, run_date=LATER)

    last = refused(fitted, capsys, model_run_date="2023-12-31")
    assert last.startswith("score.py: error: there is no model at file:")
    assert last.endswith("/models/run_date=2023-12-31/pca: run pca for 2023-12-31 first")


def test_missing_customer_features_are_reported(fitted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no customer_features for 2024-03-01" in refused(fitted, capsys, run_date="2024-03-01")


def test_a_model_of_other_features_is_refused(
    spark: SparkSession, fitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loadings = output(spark, fitted, customers.RUN_DATE, "component_loadings").collect()
    foreign = spark.createDataFrame([*loadings, (1, "shoe_size", 0.1)], TABLES["component_loadings"])
    customers.lake(spark, fitted, customers.RUN_DATE).publish("component_loadings", foreign)
    customers.write(spark, fitted, 5, run_date=LATER)

    assert "was fitted on shoe_size, which customer_features does not have" in refused(fitted, capsys)
    assert not (fitted / "processed" / "customer_segments" / f"run_date={LATER}").exists()


def test_a_new_pca_invalidates_the_model_of_kmeans(
    spark: SparkSession, fitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise a run that ends between pca and kmeans would leave segments of other components."""
    pca.main(customers.flags(fitted, **(customers.PCA | {"feature_set": "notebook"})))
    customers.write(spark, fitted, 5, run_date=LATER)

    assert "run kmeans for 2024-01-01 first" in refused(fitted, capsys)
