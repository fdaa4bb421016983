"""Give each customer a segment with the models of another run, without fitting anything.

    spark-submit --py-files segmentation.zip score.py --help

Reads ``customer_features`` of the run date, and of the model's run date the models, ``component_loadings`` and
``segment_profiles``; publishes ``customer_segments`` and nothing else: components, profiles and the choice of k
describe the fit, and stay where the model's run has published them.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.ml.clustering import KMeansModel
from pyspark.sql import DataFrame

from segmentation import flags
from segmentation.components import project
from segmentation.filesystem import exists
from segmentation.job import Job, UserError, run
from segmentation.outputs import partition, publish, read, write_metrics
from segmentation.published import dataset, describe, model_address
from segmentation.segments import assign
from segmentation.vectors import as_array


def parser() -> ArgumentParser:
    """Return the parser of the job's flags."""
    flags_parser = flags.job_parser(
        "score", "Give each customer a segment with the models of another run, without fitting anything."
    )
    flags.add_models(flags_parser)
    flags_parser.add_argument(
        "--model-run-date",
        required=True,
        type=flags.run_date,
        metavar="YYYY-MM-DD",
        help="run date whose models, fitted by pca and kmeans, give the segments",
    )
    return flags_parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job; exits with code 2 and one sentence on stderr for what only the user can put right."""
    run("score", score, parser().parse_args(argv))


def score(job: Job) -> None:
    """Read, assign, publish, count."""
    customers, model_date = dataset(job, "customer_features"), job.flags.model_run_date
    with job.stage("models"):
        components = PipelineModel.load(model_address(job, "pca", model_date))
        model = KMeansModel.load(model_address(job, "kmeans", model_date))
        _check_features(job, customers)
        labels = {row.segment: row.label for row in _of_model(job, "segment_profiles").collect()}
        job.log(f"{len(model.clusterCenters())} segments of {model_date} read")
    with job.stage("customer_segments"):
        assigned = assign(project(customers, components), model, as_array(model.getFeaturesCol()))
        job.rows["customer_segments"] = publish(
            assigned, job.flags.processed, "customer_segments", job.flags.run_date
        )
        job.log(f"{job.rows['customer_segments']:,} rows of customer_segments published")
    _report_other_fit(job)
    with job.stage("count"):
        counts = _counts(job, labels)
    content = job.metrics(input=describe(job, "customer_features"), segments=counts)
    write_metrics(job.spark, job.flags.metrics, job.flags.run_date, job.name, content)


def _of_model(job: Job, name: str) -> DataFrame:
    """Return a dataset of the model's run; raises UserError where it is missing."""
    return read(job.spark, job.flags.processed, name, job.flags.model_run_date)


def _check_features(job: Job, customers: DataFrame) -> None:
    """Raise UserError where the model was fitted on features that the customers do not have."""
    loadings = _of_model(job, "component_loadings").where("component = 1").select("feature").collect()
    if missing := sorted({row.feature for row in loadings} - set(customers.columns)):
        raise UserError(
            f"the model of {job.flags.model_run_date} was fitted on {', '.join(missing)}, which customer_features "
            "does not have: take a model that this version of the code has fitted"
        )


def _report_other_fit(job: Job) -> None:
    profiles = partition(job.flags.processed, "segment_profiles", job.flags.run_date)
    if job.flags.run_date != job.flags.model_run_date and exists(job.spark, profiles):
        job.note(
            f"{job.flags.run_date} also has a fit of its own: its segment_profiles do not describe these segments, "
            f"those of {job.flags.model_run_date} do"
        )


def _counts(job: Job, labels: dict[int, str]) -> list[dict[str, Any]]:
    """Return and log the number of customers of each segment, with its label of the model's run."""
    counts = dataset(job, "customer_segments").groupBy("segment").count().orderBy("segment").collect()
    for segment, customers in counts:
        if segment not in labels:
            job.note(f"segment {segment} has no label: no customer was in it when the model was fitted")
        job.log(f"segment {segment}, {labels.get(segment, 'no label')}: {customers:,} customers")
    return [
        {"segment": segment, "label": labels.get(segment), "customers": customers}
        for segment, customers in counts
    ]


if __name__ == "__main__":
    main()
