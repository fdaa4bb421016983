from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.clustering import KMeansModel
from pyspark.sql import DataFrame, SparkSession

import kmeans
import pca
from segmentation.evaluation import Scores
from segmentation.features import feature_set
from segmentation.resampling import Gap
from segmentation.selection import Candidate
from tests.spark import customers

DATASETS = {
    "model_selection": ["k"],
    "customer_segments": ["customer_id"],
    "segment_profiles": ["segment"],
    "segment_features": ["segment", "feature"],
    "segment_rules": ["segment", "rule"],
    "customer_rfm": ["customer_id"],
    "segment_migration": ["segment"],
    "feature_drift": ["feature"],
}


def prepare(spark: SparkSession, folder: Path, count: int, files: int = 2, **same: Any) -> None:
    """Publish the datasets of preprocess and pca."""
    customers.write(spark, folder, count, files, **same)
    pca.main(customers.flags(folder, **customers.PCA))


def run(folder: Path, **special: object) -> None:
    kmeans.main(customers.flags(folder, **(customers.KMEANS | special)))


def output(spark: SparkSession, folder: Path, dataset: str) -> DataFrame:
    return customers.lake(spark, folder).read(dataset).orderBy(*DATASETS.get(dataset, []))


def metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (folder / "metrics" / f"run_date={customers.RUN_DATE}" / "kmeans.json").read_text()
    )
    return content


@pytest.fixture(scope="module")
def done(after_kmeans: Path) -> Path:
    """A folder with the results for 300 customers, every third one a business with high spend."""
    return after_kmeans


@pytest.fixture(scope="module")
def on_features(done: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results for the same customers, with two segments that are fitted on the scaled features."""
    folder = shutil.copytree(done, tmp_path_factory.mktemp("features"), dirs_exist_ok=True)
    run(folder, cluster_on="features", k=2, k_max=2, n_init=1)
    return folder


@pytest.fixture(scope="module")
def whitened(done: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results for the same customers, with six segments that are fitted on the whitened components."""
    folder = shutil.copytree(done, tmp_path_factory.mktemp("whitened"), dirs_exist_ok=True)
    run(folder, cluster_on="whitened", k=6, n_init=1)
    return folder


def test_every_k_is_evaluated_and_one_is_chosen(spark: SparkSession, done: Path) -> None:
    rows = output(spark, done, "model_selection").collect()

    assert [row.k for row in rows] == [2, 3, 4]
    assert [row.k for row in rows if row.chosen] == [3]
    assert [row.wssse for row in rows] == sorted((row.wssse for row in rows), reverse=True)
    assert all(-1 <= row.silhouette <= 1 and row.stability <= 1 for row in rows)


def test_the_customer_types_are_no_finding(spark: SparkSession, done: Path) -> None:
    """The split into two has the highest silhouette, but only repeats the customer type."""
    two, three, _ = output(spark, done, "model_selection").collect()

    assert two.silhouette > three.silhouette
    assert (two.given_column, two.reason) == ("customer_type", "repeats customer_type")
    assert two.mutual_information == pytest.approx(1.0)
    assert "only repeats customer_type" in metrics(done)["findings"][0]
    assert metrics(done)["findings"][2].startswith(
        "Within the groups of customer_type, the customers hardly form groups"
    )


def test_requested_customer_types_are_separate_segments(spark: SparkSession, on_features: Path) -> None:
    profiles = output(spark, on_features, "segment_profiles").collect()

    assert [(row.segment, row.customers) for row in profiles] == [(0, 100), (1, 200)]
    assert [row.label for row in profiles] == ["high spend", "low spend"]
    features = customers.lake(spark, on_features).read("customer_features")
    segments = output(spark, on_features, "customer_segments").join(features, "customer_id")
    assert {(row.segment, row.is_b2b) for row in segments.collect()} == {(0, 1.0), (1, 0.0)}


def test_the_mean_silhouette_of_the_customers_is_that_of_the_chosen_k(
    spark: SparkSession, done: Path
) -> None:
    chosen = output(spark, done, "model_selection").where("chosen").collect()[0]
    mean = output(spark, done, "customer_segments").groupBy().avg("silhouette").collect()[0][0]

    assert mean == pytest.approx(chosen.silhouette, abs=1e-9)


def test_segments_are_in_descending_order_of_mean_spend_with_distinct_labels(
    spark: SparkSession, whitened: Path
) -> None:
    profiles = output(spark, whitened, "segment_profiles").collect()
    assert [row.segment for row in profiles] == list(range(6))
    spends = [row.total_spend for row in profiles]
    assert spends == sorted(spends, reverse=True)
    assert len({row.label for row in profiles}) == 6
    assert [row.k for row in output(spark, whitened, "model_selection").collect()] == [2, 3, 4, 6]


def test_the_saved_models_predict_the_published_segments(spark: SparkSession, done: Path) -> None:
    lake = customers.lake(spark, done)
    components = lake.load_model("pca", PipelineModel).transform(lake.read("customer_features"))
    again = lake.load_model("kmeans", KMeansModel).transform(components)

    published = output(spark, done, "customer_segments").select("customer_id", "segment").collect()
    assert again.select("customer_id", "segment").orderBy("customer_id").collect() == published


def test_metrics_have_rows_choice_and_stability(spark: SparkSession, done: Path) -> None:
    content = metrics(done)

    assert content["rows"] == {dataset: output(spark, done, dataset).count() for dataset in DATASETS}
    assert content["k"] == 3
    assert "k 3 has" in content["why"]
    assert 0.5 < content["stability"] <= 1
    assert content["parameters"]["k"] == "auto"


def test_results_do_not_depend_on_files_or_parallelism(
    spark: SparkSession, done: Path, tmp_path: Path
) -> None:
    """The same bit for bit, with the input in 4 files in place of 2, and with other shuffle partitions."""
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "6")
    try:
        prepare(spark, tmp_path, 300, files=4)
        run(tmp_path)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", str(before))

    for dataset in DATASETS:
        assert output(spark, tmp_path, dataset).collect() == output(spark, done, dataset).collect()


def test_clustering_on_features_uses_all_scaled_features(spark: SparkSession, on_features: Path) -> None:
    model = customers.lake(spark, on_features).load_model("kmeans", KMeansModel)
    assert model.getFeaturesCol() == "scaled"
    pca_metrics = on_features / "metrics" / f"run_date={customers.RUN_DATE}" / "pca.json"
    features = json.loads(pca_metrics.read_text())["features"]
    assert {len(center) for center in model.clusterCenters()} == {len(features)}
    selection = output(spark, on_features, "model_selection").collect()
    assert {row.start_agreement for row in selection} == {None}


def test_whitened_components_have_the_same_spread_in_each_direction(
    spark: SparkSession, whitened: Path
) -> None:
    lake = customers.lake(spark, whitened)
    model = lake.load_model("pca", PipelineModel).transform(lake.read("customer_features"))
    points = np.array([row.whitened for row in model.select("whitened").collect()])
    assert points.std(axis=0, ddof=1) == pytest.approx(1.0)
    sums = output(spark, whitened, "model_selection").where("chosen").collect()[0].wssse
    segments = lake.load_model("kmeans", KMeansModel)
    assert segments.getFeaturesCol() == "whitened"
    assert sums == pytest.approx(wssse(points, segments.clusterCenters()))


@pytest.mark.parametrize(
    ("cluster_on", "features", "gap"),
    [
        ("features", ("recency_days",), 0.3),
        ("components", tuple(feature.name for feature in feature_set("notebook")), 0.3),
        ("components", ("recency_days",), 0.04),
    ],
)
def test_only_groups_in_the_components_of_extended_features_are_refined(
    cluster_on: str, features: tuple[str, ...], gap: float
) -> None:
    """A refinement would fail, because there are no blocks."""
    job: Any = SimpleNamespace(flags=SimpleNamespace(cluster_on=cluster_on))
    blocks: Any = None
    chosen = Candidate(2, Scores(1.0, 0.5, 1.0, 0.5, None), 1.0, Gap(gap, 0.01, 9.0))

    assert kmeans._refinement(job, blocks, np.zeros((2, 2)), chosen, features) is None


def wssse(points: np.ndarray, centers: list[np.ndarray]) -> float:
    distances = ((points[:, None, :] - np.array(centers)[None, :, :]) ** 2).sum(axis=2)
    return float(distances.min(axis=1).sum())


def refused(folder: Path, capsys: pytest.CaptureFixture[str], **special: object) -> str:
    """Return the last line on stderr of a job that must end with a user error."""
    with pytest.raises(SystemExit) as ended:
        run(folder, **special)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("special", "sentence"),
    [
        ({"k_min": 5}, "--k-min 5 is larger than --k-max 4"),
        ({"k_max": 9}, "k 9 is larger than the number of customers, 8"),
        ({"k": 12}, "k 12 is larger than the number of customers, 8"),
    ],
)
def test_an_impossible_k_is_refused_and_nothing_is_published(
    few: Path, capsys: pytest.CaptureFixture[str], special: dict[str, object], sentence: str
) -> None:
    assert sentence in refused(few, capsys, **special)
    assert not [name for name in DATASETS if (few / "processed" / name).exists()]


@pytest.fixture(scope="module")
def few(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the datasets of preprocess and pca for 8 customers."""
    folder = tmp_path_factory.mktemp("few")
    prepare(spark, folder, 8)
    return folder


def test_as_many_segments_as_customers_are_possible(spark: SparkSession, few: Path, tmp_path: Path) -> None:
    shutil.copytree(few, tmp_path, dirs_exist_ok=True)
    run(tmp_path, k=8)

    profiles = output(spark, tmp_path, "segment_profiles").collect()
    assert [row.customers for row in profiles] == [1] * 8
    chosen = output(spark, tmp_path, "model_selection").where("chosen").collect()[0]
    assert (chosen.silhouette, chosen.calinski_harabasz) == (0.0, 1.0)


def test_identical_customers_count_once(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Forty customers with only two different feature vectors."""
    kinds = ("total_spend", "avg_discount", "discounted_share", "is_b2b")
    same = {name: value for name, value in customers.ALIKE.items() if name not in kinds}
    prepare(spark, tmp_path, 40, **same, total_spend=5.0, avg_discount=0.5)

    assert "the number of different customers, 2 of 40" in refused(tmp_path, capsys, k_max=3)


def test_components_of_other_customers_are_refused(
    spark: SparkSession, few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(few, tmp_path, dirs_exist_ok=True)
    customers.write(spark, tmp_path, 9)

    assert "run pca for this run date again" in refused(tmp_path, capsys)


def test_missing_components_are_reported(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    customers.write(spark, tmp_path, 5)

    assert "run pca for this run date first" in refused(tmp_path, capsys)
