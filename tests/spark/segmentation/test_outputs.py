from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation import filesystem, outputs
from segmentation.job import UserError
from segmentation.schemas import PRODUCERS, TABLES

Components = Callable[..., DataFrame]


@pytest.fixture(scope="module")
def variance(spark: SparkSession) -> Components:
    """Make rows of explained_variance, one for each given ratio."""

    def make(*ratios: float) -> DataFrame:
        rows = [(place, ratio, ratio, True) for place, ratio in enumerate(ratios, start=1)]
        return spark.createDataFrame(rows, TABLES["explained_variance"])

    return make


def tree(folder: Path) -> set[str]:
    """Return the files below ``folder``, part files by their ending only, without the local disk's checksums."""
    return {
        str(path.relative_to(folder).with_name("part" if path.name.startswith("part-") else path.name))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".crc"
    }


def test_every_dataset_has_a_producer() -> None:
    assert PRODUCERS.keys() == TABLES.keys()


def test_a_published_partition_is_read_back_and_holds_nothing_but_parquet(
    spark: SparkSession, tmp_path: Path, variance: Components
) -> None:
    rows = outputs.publish(variance(0.7, 0.3), tmp_path.as_uri(), "explained_variance", "2026-01-01")
    assert rows == 2
    found = outputs.read(spark, tmp_path.as_uri(), "explained_variance", "2026-01-01")
    assert found.schema == TABLES["explained_variance"]
    assert sorted(found.collect()) == sorted(variance(0.7, 0.3).collect())
    assert tree(tmp_path) == {"explained_variance/run_date=2026-01-01/part"}


def test_no_rows_are_a_readable_partition(spark: SparkSession, tmp_path: Path, variance: Components) -> None:
    assert outputs.publish(variance(), tmp_path.as_uri(), "explained_variance", "2026-01-01") == 0
    assert outputs.read(spark, tmp_path.as_uri(), "explained_variance", "2026-01-01").count() == 0


def test_s3_addresses_work_as_they_are(spark: SparkSession, s3_root: Path, variance: Components) -> None:
    for ratios in ((0.7, 0.3), (1.0,)):
        outputs.publish(variance(*ratios), "s3://bucket/processed/", "explained_variance", "2026-01-01")
    assert outputs.read(spark, "s3://bucket/processed", "explained_variance", "2026-01-01").count() == 1
    assert tree(s3_root / "processed") == {"explained_variance/run_date=2026-01-01/part"}


def test_a_rerun_replaces_its_own_partition_only(
    spark: SparkSession, tmp_path: Path, variance: Components
) -> None:
    processed = tmp_path.as_uri()
    for day, ratios in (("2026-01-01", (1.0,)), ("2026-01-02", (0.9, 0.1)), ("2026-01-01", (0.5, 0.3, 0.2))):
        outputs.publish(variance(*ratios), processed, "explained_variance", day)
    counts = [
        outputs.read(spark, processed, "explained_variance", day).count()
        for day in ("2026-01-01", "2026-01-02")
    ]
    assert counts == [3, 2]


def test_a_job_that_fails_while_it_writes_leaves_the_old_partition(
    spark: SparkSession, tmp_path: Path, variance: Components
) -> None:
    processed = tmp_path.as_uri()
    outputs.publish(variance(1.0), processed, "explained_variance", "2026-01-01")
    broken = variance(0.7, 0.3).withColumn(
        "cumulative", F.when(F.col("component") == 2, F.raise_error("lost")).otherwise(F.col("cumulative"))
    )
    with pytest.raises(Exception, match="lost"):
        outputs.publish(broken, processed, "explained_variance", "2026-01-01")
    assert outputs.read(spark, processed, "explained_variance", "2026-01-01").count() == 1
    assert tree(tmp_path) == {"explained_variance/run_date=2026-01-01/part"}


def test_the_old_partition_is_whole_until_the_new_one_is_written(
    spark: SparkSession, tmp_path: Path, variance: Components
) -> None:
    """Whatever a killed job had written so far has a hidden name, and the next run clears it."""
    processed, day = tmp_path.as_uri(), "2026-01-01"
    outputs.publish(variance(1.0), processed, "explained_variance", day)
    target = outputs.partition(processed, "explained_variance", day)
    with filesystem.replacing(spark, target) as staging:
        outputs.write(variance(0.7, 0.3), "explained_variance", staging)
        assert outputs.read(spark, processed, "explained_variance", day).count() == 1
        assert spark.read.parquet(f"{processed}/explained_variance").count() == 1
    assert outputs.read(spark, processed, "explained_variance", day).count() == 2


def test_what_a_killed_job_left_is_cleared_by_the_next_run(spark: SparkSession, tmp_path: Path) -> None:
    """Neither a half-written staging folder nor a backup gets into what is published, or stays behind."""
    for name in ("pca", "_staging.pca", "_backup.pca"):
        folder = tmp_path / "run_date=2026-01-01" / name
        folder.mkdir(parents=True)
        (folder / "half").touch()
    outputs.save_model(
        spark,
        f"file://{tmp_path}",
        "2026-01-01",
        "pca",
        lambda uri: filesystem.write_text(spark, f"{uri}/data", "weights"),
    )
    assert tree(tmp_path) == {"run_date=2026-01-01/pca/data"}
    assert [path.name for path in (tmp_path / "run_date=2026-01-01").iterdir()] == ["pca"]


def test_a_job_killed_between_the_two_renames_loses_nothing(spark: SparkSession, tmp_path: Path) -> None:
    """The next run puts the backup back before it starts, so that its own failure leaves the old content."""
    (tmp_path / "_backup.run_date-2026-01-01").mkdir()

    with (
        pytest.raises(ZeroDivisionError),
        filesystem.replacing(spark, f"{tmp_path.as_uri()}/run_date=2026-01-01"),
    ):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["run_date=2026-01-01"]


@pytest.mark.parametrize("old", [True, False], ids=["old content", "first"])
def test_a_job_killed_in_the_second_rename_leaves_no_half(
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


def test_columns_must_have_the_published_types(tmp_path: Path, variance: Components) -> None:
    frame = variance(1.0).drop("retained").withColumn("component", F.lit(1).cast("bigint"))
    with pytest.raises(
        TypeError, match="explained_variance: component is bigint, not int; retained is missing, not boolean"
    ):
        outputs.publish(frame, tmp_path.as_uri(), "explained_variance", "2026-01-01")
    assert not list(tmp_path.iterdir())


def test_extra_columns_are_not_published(spark: SparkSession, tmp_path: Path, variance: Components) -> None:
    frame = variance(1.0).withColumn("aside", F.lit(1))
    outputs.publish(frame, tmp_path.as_uri(), "explained_variance", "2026-01-01")
    uri = outputs.partition(tmp_path.as_uri(), "explained_variance", "2026-01-01")
    assert spark.read.parquet(uri).columns == TABLES["explained_variance"].names


def test_a_missing_partition_names_the_dataset_and_its_job(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"there is no customer_features for 2026-01-01 at .*: run preprocess"
    ):
        outputs.read(spark, tmp_path.as_uri(), "customer_features", "2026-01-01")


def test_metrics_are_one_json_file_and_replaced(spark: SparkSession, tmp_path: Path) -> None:
    for note in ("first", "zweitens – €"):
        outputs.write_metrics(spark, tmp_path.as_uri(), "2026-01-01", "pca", {"notes": [note]})
    assert tree(tmp_path) == {"run_date=2026-01-01/pca.json"}
    text = (tmp_path / "run_date=2026-01-01/pca.json").read_text("utf-8")
    assert json.loads(text) == {"notes": ["zweitens – €"]}


def test_metrics_refuse_what_json_cannot_hold(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        outputs.write_metrics(spark, tmp_path.as_uri(), "2026-01-01", "pca", {"ratio": float("nan")})


def test_a_model_folder_is_replaced(spark: SparkSession, tmp_path: Path) -> None:
    def save(uri: str) -> None:
        filesystem.write_text(spark, f"{uri}/data", "weights")

    for _ in range(2):
        uri = outputs.save_model(spark, tmp_path.as_uri(), "2026-01-01", "pca", save)
    assert uri == f"{tmp_path.as_uri()}/run_date=2026-01-01/pca"
    assert tree(tmp_path) == {"run_date=2026-01-01/pca/data"}
