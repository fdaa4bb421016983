"""Where the data of a run is: its datasets, its metrics and its models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from segmentation import filesystem
from segmentation.errors import UserError
from segmentation.schemas import PRODUCERS, TABLES

if TYPE_CHECKING:
    # It imports numpy and all of pyspark.ml, which preprocess does not need.
    from pyspark.ml.util import MLReadable, MLWritable

Model = TypeVar("Model", bound="MLReadable[Any]")


@dataclass(frozen=True)
class Lake:
    """The data of one run date, in the folders ``processed`` (datasets), ``metrics`` and ``models``, which are URIs.

    ``models`` is empty for a job that neither reads nor writes a model.
    """

    spark: SparkSession
    processed: str
    metrics: str
    models: str
    run_date: str

    def at(self, run_date: str) -> Lake:
        """Return the data of another run date."""
        return replace(self, run_date=run_date)

    def earlier(self, *datasets: str) -> Lake | None:
        """Return the data of the latest earlier run date that has a partition of each of ``datasets``, or None."""
        folder = f"{self.processed.rstrip('/')}/{datasets[0]}"
        if not filesystem.exists(self.spark, folder):
            return None
        names = (child.name for child in filesystem.children(self.spark, folder))
        dates = (name.removeprefix("run_date=") for name in names if name.startswith("run_date="))
        for date in sorted((date for date in dates if date < self.run_date), reverse=True):
            if all(self.at(date).has(dataset) for dataset in datasets):
                return self.at(date)
        return None

    def read(self, dataset: str) -> DataFrame:
        """Return the partition of ``dataset``; raises UserError if it does not exist."""
        if not self.has(dataset):
            raise UserError(
                f"there is no {dataset} for {self.run_date} at {self.dataset_uri(dataset)}: "
                f"run {PRODUCERS[dataset]} for this run date first"
            )
        return self.spark.read.schema(TABLES[dataset]).parquet(self.dataset_uri(dataset))

    def has(self, dataset: str) -> bool:
        """Return whether the partition of ``dataset`` exists."""
        return filesystem.exists(self.spark, self.dataset_uri(dataset))

    def publish(self, dataset: str, frame: DataFrame) -> int:
        """Replace the partition of ``dataset`` by the rows of ``frame`` and return their number.

        Raises TypeError as ``write_parquet``. The rows are counted while they are written; a repeated task counts once.
        """
        written = Observation()
        with self.staging(dataset) as uri:
            write_parquet(frame.observe(written, F.count(F.lit(1)).alias("rows")), dataset, uri)
        return int(written.get["rows"])

    @contextmanager
    def staging(self, dataset: str) -> Iterator[str]:
        """Yield the URI of a staging folder, which replaces the partition of ``dataset`` if the block succeeds."""
        with filesystem.replacing(self.spark, self.dataset_uri(dataset)) as uri:
            yield uri

    def input_metrics(self, *datasets: str) -> dict[str, Any]:
        """Return the files of ``datasets``, their bytes, the rows of each dataset, and a fingerprint of all rows.

        The fingerprint is the sum of the hashes of the rows modulo 2⁶⁴. It does not depend on the order of the rows or
        on the number of files.
        """
        uris = map(self.dataset_uri, datasets)
        files = [file for uri in uris for file in filesystem.list_files(self.spark, uri)]
        hashes = [_hashes(self.read(dataset), dataset) for dataset in datasets]
        count, total = F.count("*").alias("rows"), F.sum("hash").cast("string").alias("hash")
        found = reduce(DataFrame.unionAll, hashes).groupBy("dataset").agg(count, total).collect()
        return {
            "files": len(files),
            "bytes": sum(file.bytes for file in files),
            "rows": dict.fromkeys(datasets, 0) | {row["dataset"]: row["rows"] for row in found},
            "fingerprint": f"{sum(int(row['hash']) for row in found) % 2**64:016x}",
        }

    def write_metrics(self, job: str, content: Mapping[str, Any]) -> None:
        """Replace ``<metrics>/run_date=…/<job>.json``; raises TypeError or ValueError for values JSON cannot hold."""
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        uri = f"{self.metrics_folder}/{job}.json"
        with filesystem.replacing(self.spark, uri) as staging:
            filesystem.write_text(self.spark, staging, text)

    def load_model(self, job: str, kind: type[Model]) -> Model:
        """Return the model that ``job`` saved; raises UserError if it does not exist."""
        uri = self.model_uri(job)
        if not filesystem.exists(self.spark, uri):
            raise UserError(f"there is no model at {uri}: run {job} for {self.run_date} first")
        from pyspark.ml.util import JavaMLReader

        # kind.load would read the metadata of a pipeline in Python first, which is one more Spark job.
        reader: Any = JavaMLReader
        model: Model = reader(kind).load(uri)
        return model

    def save_model(self, job: str, model: MLWritable) -> None:
        """Replace the model of ``job``."""
        with filesystem.replacing(self.spark, self.model_uri(job)) as staging:
            model.save(staging)

    def delete_model(self, job: str) -> None:
        """Delete the model of ``job``, so that nobody uses it with data that it was not fitted on."""
        filesystem.delete(self.spark, self.model_uri(job))

    def dataset_uri(self, dataset: str) -> str:
        """Return the address of the partition of ``dataset``."""
        return self._partition(f"{self.processed.rstrip('/')}/{dataset}")

    @property
    def metrics_folder(self) -> str:
        """The address of the folder of the metrics files."""
        return self._partition(self.metrics)

    def model_uri(self, job: str) -> str:
        """Return the address of the model of ``job``."""
        return f"{self._partition(self.models)}/{job}"

    def _partition(self, folder: str) -> str:
        return f"{folder.rstrip('/')}/run_date={self.run_date}"


def write_parquet(frame: DataFrame, dataset: str, uri: str) -> None:
    """Write the columns of ``dataset`` from ``frame`` to the folder ``uri``, replacing its content.

    Raises TypeError if a column is missing or has another type than in ``TABLES[dataset]``.
    """
    schema = TABLES[dataset]
    types = {field.name: field.dataType.simpleString() for field in frame.schema}
    wrong = [
        f"{field.name} is {types.get(field.name, 'missing')}, not {field.dataType.simpleString()}"
        for field in schema
        if types.get(field.name) != field.dataType.simpleString()
    ]
    if wrong:
        raise TypeError(f"{dataset}: {'; '.join(wrong)}")
    # No _SUCCESS file: the partition appears only when it is complete.
    options = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false", "compression": "snappy"}
    frame.select(schema.names).write.options(**options).mode("overwrite").parquet(uri)


def _hashes(frame: DataFrame, dataset: str) -> DataFrame:
    hashed = F.xxhash64(*frame.columns).cast("decimal(20, 0)")
    return frame.select(F.lit(dataset).alias("dataset"), hashed.alias("hash"))
