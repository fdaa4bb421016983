"""Assign a segment to each customer with the models of another run, without fitting.

    spark-submit --py-files segmentation.zip score.py --help

Reads ``customer_features`` of the run date, and the models, ``component_loadings`` and ``segment_profiles`` of the
model's run date; publishes ``customer_segments``, ``customer_rfm``, ``segment_migration`` and ``feature_drift``.
Components, profiles and the choice of k describe the fit: they stay in the partitions of the model's run date.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark import StorageLevel
from pyspark.ml import PipelineModel
from pyspark.ml.clustering import KMeansModel
from pyspark.sql import DataFrame

from segmentation.blocks import arrange
from segmentation.change import SegmentedCustomers, publish_changes
from segmentation.components import project
from segmentation.errors import UserError
from segmentation.flags import ModelJobFlags, day, flag, flag_parser
from segmentation.job import Job, run
from segmentation.lake import Lake
from segmentation.moments import Moments
from segmentation.refinement import REFINED
from segmentation.rfm import customer_rfm
from segmentation.segments import assign, segment_moments
from segmentation.silhouettes import with_silhouette
from segmentation.vectors import vector_to_array


@dataclass(frozen=True, kw_only=True)
class Flags(ModelJobFlags):
    """The flags of the job."""

    model_run_date: str = flag(
        day, "YYYY-MM-DD", "run date whose models, fitted by pca and kmeans, assign the segments"
    )


def parser() -> ArgumentParser:
    """Return the parser of the flags."""
    return flag_parser(
        "score", "Assign a segment to each customer with the models of another run, without fitting.", Flags
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job; exits with code 2 and one sentence on stderr for an error that only the user can correct."""
    run("score", score, Flags(**vars(parser().parse_args(argv))))


def score(job: Job[Flags]) -> None:
    """Read, assign, publish, count."""
    features, fitted = job.lake.read("customer_features"), job.lake.at(job.flags.model_run_date)
    with job.stage("models"):
        components = fitted.load_model("pca", PipelineModel)
        model = fitted.load_model("kmeans", KMeansModel)
        is_refined = model.getFeaturesCol() == REFINED
        refinement = fitted.load_model("refinement", PipelineModel) if is_refined else PipelineModel([])
        _check_features(fitted, features)
        labels = {row.segment: row.label for row in fitted.read("segment_profiles").collect()}
        job.log(f"{len(model.clusterCenters())} segments of {fitted.run_date} read")
    values = vector_to_array(model.getFeaturesCol())
    with job.stage("assign"):
        inputs = job.lake.input_metrics("customer_features")
        customers = arrange(inputs["rows"]["customer_features"], features)
        projected = refinement.transform(project(customers, components))
        assigned = assign(projected, model, values).persist(StorageLevel.MEMORY_AND_DISK)
        points, moments = segment_moments(assigned, values)
    job.publish("customer_segments", with_silhouette(assigned, values, points))
    job.publish("customer_rfm", customer_rfm(assigned))
    publish_changes(job, SegmentedCustomers(assigned, moments))
    assigned.unpersist()
    _note_other_fit(job, fitted)
    counts = _counts(job, moments, labels)
    job.write_metrics(input=inputs, segments=counts)


def _check_features(fitted: Lake, customers: DataFrame) -> None:
    """Raise UserError if the model was fitted on features that the customers do not have."""
    loadings = fitted.read("component_loadings").where("component = 1").select("feature").collect()
    if missing := sorted({row.feature for row in loadings} - set(customers.columns)):
        raise UserError(
            f"the model of {fitted.run_date} was fitted on {', '.join(missing)}, which customer_features "
            "does not have: use a model that was fitted by this version of the code"
        )


def _note_other_fit(job: Job[Flags], fitted: Lake) -> None:
    if job.lake.run_date != fitted.run_date and job.lake.has("segment_profiles"):
        job.note(
            f"{job.lake.run_date} also has its own fit: its segment_profiles do not describe these segments; those of "
            f"{fitted.run_date} do"
        )


def _counts(
    job: Job[Flags], moments: Mapping[int, Moments], labels: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Return and log the number of customers in each segment, with the label from the fit."""
    counts = [(segment, each.count) for segment, each in moments.items()]
    for segment, customers in counts:
        if segment not in labels:
            job.note(f"segment {segment} has no label: it had no customers in the fit")
        job.log(f"segment {segment}, {labels.get(segment, 'no label')}: {customers:,} customers")
    return [
        {"segment": segment, "label": labels.get(segment), "customers": customers}
        for segment, customers in counts
    ]


if __name__ == "__main__":
    main()
