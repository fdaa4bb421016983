"""What a job leaves behind: a dataset's partition for one run date, a saved model, and the run's metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from segmentation import filesystem
from segmentation.job import UserError
from segmentation.schemas import PRODUCERS, TABLES


def publish(frame: DataFrame, processed: str, dataset: str, run_date: str) -> int:
    """Replace the partition ``run_date`` of ``dataset`` by the rows of ``frame`` and return their number.

    The columns are selected in the order of ``TABLES[dataset]``; raises TypeError when one is missing or has another
    type. The number is read back from the written files' footers.
    """
    spark = frame.sparkSession
    with filesystem.replacing(spark, partition(processed, dataset, run_date)) as staging:
        write(frame, dataset, staging)
    return read(spark, processed, dataset, run_date).count()


def write(frame: DataFrame, dataset: str, uri: str) -> None:
    """Write the rows of ``frame`` as Parquet files of ``dataset`` to the folder ``uri``, replacing what is there.

    Raises TypeError when a column is missing or has another type than in ``TABLES[dataset]``.
    """
    # The success marker is a file that no table should have; the swap says "done" here.
    options = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false", "compression": "snappy"}
    _conform(frame, dataset).write.options(**options).mode("overwrite").parquet(uri)


def read(spark: SparkSession, processed: str, dataset: str, run_date: str) -> DataFrame:
    """Return the partition ``run_date`` of ``dataset``; raises UserError naming the job that makes it when missing."""
    uri = partition(processed, dataset, run_date)
    if not filesystem.exists(spark, uri):
        raise UserError(
            f"there is no {dataset} for {run_date} at {uri}: run {PRODUCERS[dataset]} for this run date first"
        )
    return spark.read.schema(TABLES[dataset]).parquet(uri)


def save_model(spark: SparkSession, models: str, run_date: str, job: str, save: Callable[[str], None]) -> str:
    """Replace the model folder of ``job`` for ``run_date`` by what ``save(uri)`` writes, and return its address."""
    uri = model_folder(models, run_date, job)
    with filesystem.replacing(spark, uri) as staging:
        save(staging)
    return uri


def discard_model(spark: SparkSession, models: str, run_date: str, job: str) -> None:
    """Remove the model of ``job`` for ``run_date``: what it was fitted on is about to change."""
    filesystem.delete(spark, model_folder(models, run_date, job))


def write_metrics(
    spark: SparkSession, metrics: str, run_date: str, job: str, content: Mapping[str, Any]
) -> None:
    """Replace ``<metrics>/run_date=…/<job>.json`` by ``content``; raises TypeError for what JSON cannot hold."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    uri = f"{metrics.rstrip('/')}/run_date={run_date}/{job}.json"
    with filesystem.replacing(spark, uri) as staging:
        filesystem.write_text(spark, staging, text)


def model_folder(models: str, run_date: str, job: str) -> str:
    """Return the address of the model of one job."""
    return f"{models.rstrip('/')}/run_date={run_date}/{job}"


def partition(processed: str, dataset: str, run_date: str) -> str:
    """Return the address of one partition of a dataset."""
    return f"{processed.rstrip('/')}/{dataset}/run_date={run_date}"


def _conform(frame: DataFrame, dataset: str) -> DataFrame:
    wanted = TABLES[dataset]
    types = {field.name: field.dataType.simpleString() for field in frame.schema}
    wrong = [
        f"{field.name} is {types.get(field.name, 'missing')}, not {field.dataType.simpleString()}"
        for field in wanted
        if types.get(field.name) != field.dataType.simpleString()
    ]
    if wrong:
        raise TypeError(f"{dataset}: {'; '.join(wrong)}")
    return frame.select(wanted.names)
