from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation import filesystem
from segmentation.errors import UserError
from segmentation.lake import Lake, write_parquet
from segmentation.schemas import PRODUCERS, TABLES

Variance = Callable[..., DataFrame]


@pytest.fixture(scope="module")
def variance(spark: SparkSession) -> Variance:
    """Make rows of explained_variance, one for each given ratio."""

    def make(*ratios: float) -> DataFrame:
        rows = [(place, ratio, ratio, True) for place, ratio in enumerate(ratios, start=1)]
        return spark.createDataFrame(rows, TABLES["explained_variance"])

    return make


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """A run date whose datasets, metrics and models are all below ``tmp_path``."""
    return Lake(spark, tmp_path.as_uri(), tmp_path.as_uri(), tmp_path.as_uri(), "2026-01-01")


class TextModel:
    """A model that is saved as one file."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark

    def save(self, uri: str) -> None:
        filesystem.write_text(self.spark, f"{uri}/data", "weights")


def tree(folder: Path) -> set[str]:
    """Return the files below ``folder`` without checksum files; part files only as ``part``."""
    return {
        str(path.relative_to(folder).with_name("part" if path.name.startswith("part-") else path.name))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".crc"
    }


def test_every_dataset_has_a_producer() -> None:
    assert PRODUCERS.keys() == TABLES.keys()


def test_a_published_partition_is_read_back_and_has_only_parquet_files(
    lake: Lake, tmp_path: Path, variance: Variance
) -> None:
    assert lake.publish("explained_variance", variance(0.7, 0.3)) == 2
    found = lake.read("explained_variance")
    assert found.schema == TABLES["explained_variance"]
    assert sorted(found.collect()) == sorted(variance(0.7, 0.3).collect())
    assert tree(tmp_path) == {"explained_variance/run_date=2026-01-01/part"}


def test_an_empty_partition_is_readable(lake: Lake, variance: Variance) -> None:
    """No rows, no rows by a limit, and an empty side of a join, which Spark only knows while it runs the plan."""
    two = variance(0.7, 0.3)
    none = two.where("component > 2").select("component").distinct()
    for empty in (variance(), two.limit(0), two.join(none, on="component")):
        assert lake.publish("explained_variance", empty) == 0
        assert lake.read("explained_variance").count() == 0


def test_all_written_rows_are_counted(spark: SparkSession, lake: Lake) -> None:
    numbers = F.col("id").cast("double")
    frame = spark.range(0, 5_000, 1, 7).select(
        F.col("id").cast("int").alias("component"),
        numbers.alias("explained_variance_ratio"),
        numbers.alias("cumulative"),
        F.lit(True).alias("retained"),
    )
    for rows in (frame, frame.repartition(3, "component")):
        assert lake.publish("explained_variance", rows) == 5_000
        assert lake.read("explained_variance").count() == 5_000


def test_s3_addresses_are_used_unchanged(spark: SparkSession, s3_root: Path, variance: Variance) -> None:
    for ratios in ((0.7, 0.3), (1.0,)):
        lake = Lake(spark, "s3://bucket/processed/", "", "", "2026-01-01")
        lake.publish("explained_variance", variance(*ratios))
    assert lake.read("explained_variance").count() == 1
    assert tree(s3_root / "processed") == {"explained_variance/run_date=2026-01-01/part"}


def test_a_rerun_replaces_only_its_own_partition(lake: Lake, variance: Variance) -> None:
    for day, ratios in (("2026-01-01", (1.0,)), ("2026-01-02", (0.9, 0.1)), ("2026-01-01", (0.5, 0.3, 0.2))):
        lake.at(day).publish("explained_variance", variance(*ratios))
    counts = [lake.at(day).read("explained_variance").count() for day in ("2026-01-01", "2026-01-02")]
    assert counts == [3, 2]


def test_an_error_while_writing_keeps_the_old_partition(
    lake: Lake, tmp_path: Path, variance: Variance
) -> None:
    lake.publish("explained_variance", variance(1.0))
    broken = variance(0.7, 0.3).withColumn(
        "cumulative", F.when(F.col("component") == 2, F.raise_error("lost")).otherwise(F.col("cumulative"))
    )
    with pytest.raises(Exception, match="lost"):
        lake.publish("explained_variance", broken)
    assert lake.read("explained_variance").count() == 1
    assert tree(tmp_path) == {"explained_variance/run_date=2026-01-01/part"}


def test_the_old_partition_is_complete_until_the_new_one_is_written(
    spark: SparkSession, lake: Lake, variance: Variance
) -> None:
    """What a killed job had written has a hidden name, and the next run deletes it."""
    lake.publish("explained_variance", variance(1.0))
    with lake.staging("explained_variance") as staging:
        write_parquet(variance(0.7, 0.3), "explained_variance", staging)
        assert lake.read("explained_variance").count() == 1
        assert spark.read.parquet(f"{lake.processed}/explained_variance").count() == 1
    assert lake.read("explained_variance").count() == 2


def test_the_next_run_deletes_what_a_killed_job_left(spark: SparkSession, tmp_path: Path, lake: Lake) -> None:
    """A half-written staging folder or a backup is neither published nor kept."""
    for name in ("pca", "_staging.pca", "_backup.pca"):
        folder = tmp_path / "run_date=2026-01-01" / name
        folder.mkdir(parents=True)
        (folder / "half").touch()
    lake.save_model("pca", TextModel(spark))  # type: ignore[arg-type]
    assert tree(tmp_path) == {"run_date=2026-01-01/pca/data"}
    assert [path.name for path in (tmp_path / "run_date=2026-01-01").iterdir()] == ["pca"]


def test_a_job_killed_between_the_renames_loses_nothing(spark: SparkSession, tmp_path: Path) -> None:
    """The next run restores the backup first, so the old content stays even if that run fails."""
    (tmp_path / "_backup.run_date-2026-01-01").mkdir()

    with (
        pytest.raises(ZeroDivisionError),
        filesystem.replacing(spark, f"{tmp_path.as_uri()}/run_date=2026-01-01"),
    ):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["run_date=2026-01-01"]


@pytest.mark.parametrize("old", [True, False], ids=["old content", "first"])
def test_a_job_killed_in_the_second_rename_leaves_no_partial_content(
    spark: SparkSession, tmp_path: Path, old: bool
) -> None:
    """An object store renames file by file."""
    half, backup = tmp_path / "run_date=2026-01-01", tmp_path / "_backup.run_date-2026-01-01"
    half.mkdir()
    (half / "half").touch()
    (tmp_path / "_unfinished.run_date-2026-01-01").touch()
    if old:
        backup.mkdir()
        (backup / "whole").touch()
    with (
        pytest.raises(ZeroDivisionError),
        filesystem.replacing(spark, f"{tmp_path.as_uri()}/run_date=2026-01-01"),
    ):
        raise ZeroDivisionError
    assert tree(tmp_path) == ({"run_date=2026-01-01/whole"} if old else set())


def test_columns_must_have_the_published_types(lake: Lake, tmp_path: Path, variance: Variance) -> None:
    frame = variance(1.0).drop("retained").withColumn("component", F.lit(1).cast("bigint"))
    with pytest.raises(
        TypeError, match="explained_variance: component is bigint, not int; retained is missing, not boolean"
    ):
        lake.publish("explained_variance", frame)
    assert not list(tmp_path.iterdir())


def test_extra_columns_are_not_published(spark: SparkSession, lake: Lake, variance: Variance) -> None:
    lake.publish("explained_variance", variance(1.0).withColumn("extra", F.lit(1)))
    written = spark.read.parquet(lake.dataset_uri("explained_variance"))
    assert written.columns == TABLES["explained_variance"].names


def test_a_missing_partition_is_reported_with_its_dataset_and_job(lake: Lake) -> None:
    with pytest.raises(
        UserError, match=r"there is no customer_features for 2026-01-01 at .*: run preprocess"
    ):
        lake.read("customer_features")


def test_the_fingerprint_of_the_input_depends_on_the_rows_only(lake: Lake, variance: Variance) -> None:
    def metrics(frame: DataFrame) -> dict[str, object]:
        lake.publish("explained_variance", frame)
        return lake.input_metrics("explained_variance")

    one, two = metrics(variance(0.7, 0.3).coalesce(1)), metrics(variance(0.3, 0.7))
    again = metrics(variance(0.7, 0.3).repartition(2, "component"))
    assert (one["files"], again["files"]) == (1, 2)
    assert (one["rows"], metrics(variance())["rows"]) == (
        {"explained_variance": 2},
        {"explained_variance": 0},
    )
    assert one["fingerprint"] == again["fingerprint"] != two["fingerprint"]


def test_metrics_are_one_json_file_and_are_replaced(lake: Lake, tmp_path: Path) -> None:
    for note in ("first", "zweitens – €"):
        lake.write_metrics("pca", {"notes": [note]})
    assert tree(tmp_path) == {"run_date=2026-01-01/pca.json"}
    text = (tmp_path / "run_date=2026-01-01/pca.json").read_text("utf-8")
    assert json.loads(text) == {"notes": ["zweitens – €"]}


def test_values_that_json_cannot_hold_are_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        lake.write_metrics("pca", {"ratio": float("nan")})


def test_a_model_is_replaced_and_deleted(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    for _ in range(2):
        lake.save_model("pca", TextModel(spark))  # type: ignore[arg-type]
    assert lake.model_uri("pca") == f"{tmp_path.as_uri()}/run_date=2026-01-01/pca"
    assert tree(tmp_path) == {"run_date=2026-01-01/pca/data"}
    lake.delete_model("pca")
    assert tree(tmp_path) == set()
