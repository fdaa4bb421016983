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
    spark, conforming = frame.sparkSession, _conform(frame, dataset)
    # The success marker is a file that no table should have; the swap says "done" here.
    options = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false", "compression": "snappy"}
    filesystem.replace(
        spark,
        partition(processed, dataset, run_date),
        lambda staging: conforming.write.options(**options).parquet(staging),
    )
    return read(spark, processed, dataset, run_date).count()


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
    uri = f"{models.rstrip('/')}/run_date={run_date}/{job}"
    filesystem.replace(spark, uri, save)
    return uri


def write_metrics(
    spark: SparkSession, metrics: str, run_date: str, job: str, content: Mapping[str, Any]
) -> None:
    """Replace ``<metrics>/run_date=…/<job>.json`` by ``content``; raises TypeError for what JSON cannot hold."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    uri = f"{metrics.rstrip('/')}/run_date={run_date}/{job}.json"
    filesystem.replace(spark, uri, lambda staging: filesystem.write_text(spark, staging, text))


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
