"""What a job reads of an earlier job: datasets and models, and what they were, for the metrics."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation import filesystem
from segmentation.job import Job, UserError
from segmentation.outputs import model_folder, partition, read


def dataset(job: Job, name: str) -> DataFrame:
    """Return the partition of the job's run date; raises UserError where it is missing."""
    return read(job.spark, job.flags.processed, name, job.flags.run_date)


def model_address(job: Job, name: str, run_date: str) -> str:
    """Return where the job ``name`` saved its model for ``run_date``; raises UserError where it is missing."""
    uri = model_folder(job.flags.models, run_date, name)
    if not filesystem.exists(job.spark, uri):
        raise UserError(f"there is no model at {uri}: run {name} for {run_date} first")
    return uri


def describe(job: Job, *names: str) -> dict[str, Any]:
    """Return the number of files of the datasets, their bytes, and a fingerprint of their rows.

    The fingerprint is the sum of the rows' hashes modulo 2⁶⁴: the same rows give the same one, in any order
    and in any number of files.
    """
    uris = [partition(job.flags.processed, name, job.flags.run_date) for name in names]
    files = [file for uri in uris for file in filesystem.list_files(job.spark, uri)]
    return {
        "files": len(files),
        "bytes": sum(file.bytes for file in files),
        "fingerprint": f"{sum(_digest(dataset(job, name)) for name in names) % 2**64:016x}",
    }


def _digest(frame: DataFrame) -> int:
    digests = F.sum(F.xxhash64(*frame.columns).cast("decimal(20, 0)"))
    return int(frame.select(F.coalesce(digests, F.lit(0)).cast("string")).collect()[0][0])
