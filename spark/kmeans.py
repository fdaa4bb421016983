"""Group the customers into segments, choose the number of segments, and describe each segment.

    spark-submit --py-files segmentation.zip kmeans.py --help

Reads ``customer_components`` and ``customer_features``; publishes ``model_selection``, ``customer_segments``,
``segment_profiles``, ``segment_features``, ``customer_rfm``, ``segment_migration`` and ``feature_drift``, and saves the
model that assigns the segments.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark import RDD, StorageLevel
from pyspark.ml import PipelineModel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation import models
from segmentation.blocks import Array, as_blocks, count_distinct
from segmentation.change import publish_changes
from segmentation.errors import UserError
from segmentation.features import FEATURES
from segmentation.flags import ModelJobFlags, at_least, flag, flag_parser
from segmentation.grid_search import grid_search, model_selection
from segmentation.job import Job, run
from segmentation.lake import Lake
from segmentation.rfm import customer_rfm
from segmentation.seeding import sample
from segmentation.segments import (
    assign,
    order_by_mean_spend,
    segment_features,
    segment_moments,
    segment_profiles,
)
from segmentation.selection import choose_k
from segmentation.silhouettes import with_silhouette
from segmentation.vectors import array_to_vector, vector_to_array

#: The value of --k for a choice by silhouette.
AUTO = "auto"


def _k(text: str) -> int | str:
    return AUTO if text == AUTO else at_least(2)(text)


@dataclass(frozen=True, kw_only=True)
class Flags(ModelJobFlags):
    """The flags of the job."""

    k_min: int = flag(at_least(2), "N", "smallest number of segments to try, from 2")
    k_max: int = flag(at_least(2), "N", "largest number of segments to try, at least k-min")
    k: int | str = flag(_k, "auto|N", "number of segments; auto: choose by silhouette")
    n_init: int = flag(at_least(1), "N", "seeded starts for each k, from 1")
    seed: int = flag(at_least(0), "N", "seed of the starts, from 0")
    cluster_on: str = flag(
        str,
        "NAME",
        "space of the distances: the retained components, or all scaled features",
        choices=("components", "features"),
    )

    @property
    def fixed_k(self) -> int | None:
        """The requested number of segments, None for a choice by silhouette."""
        return self.k if isinstance(self.k, int) else None


def parser() -> ArgumentParser:
    """Return the parser of the flags."""
    return flag_parser(
        "kmeans",
        "Group the customers into segments, choose the number of segments, and describe each segment.",
        Flags,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job; exits with code 2 and one sentence on stderr for an error that only the user can correct."""
    run("kmeans", kmeans, Flags(**vars(parser().parse_args(argv))))


def kmeans(job: Job[Flags]) -> None:
    """Read, fit each k, choose, assign, publish."""
    ks, spark = _ks(job.flags), job.lake.spark
    with job.stage("read"):
        source = _customers(job)
        blocks = as_blocks(source.frame, source.values, source.rows).persist(StorageLevel.MEMORY_AND_DISK)
        _check(source, blocks, ks[-1])
        job.log(f"{source.rows:,} customers read in {blocks.getNumPartitions()} partitions")
    with job.stage("fit"):
        points = sample(source.frame, source.values, job.flags.seed)
        search = grid_search(blocks, points, ks, job.flags.n_init, job.flags.seed)
        blocks.unpersist()
        for note in search.notes:
            job.note(note)
        choice = choose_k(search.scores, job.flags.fixed_k)
        job.log(f"{choice.why} ({len(ks) * job.flags.n_init} fits ended after {search.n_iter} iterations)")
    with job.stage("segments"):
        centers = order_by_mean_spend(source.frame, source.vector, search.centers[choice.k])
        model = models.kmeans(centers, source.vector, "segment")
        assigned = with_silhouette(assign(source.frame, model, source.values), source.values, source.rows)
        moments = segment_moments(assigned, source.rows)
    # The model is written last: it marks the datasets that describe it as complete.
    job.lake.delete_model("kmeans")
    job.publish("model_selection", model_selection(spark, search.scores, choice.k))
    job.publish("customer_segments", assigned)
    job.publish("segment_profiles", segment_profiles(spark, moments))
    job.publish("segment_features", segment_features(spark, moments, _model_features(job.lake)))
    job.publish("customer_rfm", customer_rfm(source.frame))
    publish_changes(job)
    with job.stage("model"):
        job.lake.save_model("kmeans", model)
    source.frame.unpersist()
    job.write_metrics(
        input=job.lake.input_metrics("customer_features", "customer_components"),
        k=choice.k,
        why=choice.why,
        stability=search.scores[choice.k].stability,
        passes=search.n_iter,
    )


@dataclass(frozen=True)
class Customers:
    """The customers with their features, ``pc1``, ``pc2`` and ``vector``, the features column of the model.

    ``values`` is ``vector`` as an array column, ``rows`` is the number of customers.
    """

    frame: DataFrame
    vector: str
    values: Column
    rows: int


def _ks(flags: Flags) -> list[int]:
    """Return every k to try, including the fixed one; raises UserError for an empty range."""
    if flags.k_min > flags.k_max:
        raise UserError(f"--k-min {flags.k_min} is larger than --k-max {flags.k_max}: swap them")
    fixed = {flags.fixed_k} if flags.fixed_k else set()
    return sorted({*range(flags.k_min, flags.k_max + 1), *fixed})


def _customers(job: Job[Flags]) -> Customers:
    """Return the customers, cached; raises UserError if pca and preprocess published different customers."""
    features, components = job.lake.read("customer_features"), job.lake.read("customer_components")
    if job.flags.cluster_on == "components":
        vector, values = "components", F.col("values")
        components = components.withColumn("values", F.col("components"))
        components = components.withColumn("components", array_to_vector("components"))
        frame = features.join(components, on="customer_id", how="inner")
    else:
        vector, values = "scaled", vector_to_array("scaled")
        scaled = job.lake.load_model("pca", PipelineModel).transform(features)
        frame = scaled.select(*features.columns, "scaled").join(
            components.select("customer_id", "pc1", "pc2"), on="customer_id", how="inner"
        )
    frame = frame.persist(StorageLevel.MEMORY_AND_DISK)
    counts = features.count(), components.count(), frame.count()
    if len(set(counts)) > 1:
        raise UserError(
            f"customer_features has {counts[0]:,} customers, customer_components {counts[1]:,}, and they share "
            f"{counts[2]:,}: run pca for this run date again"
        )
    return Customers(frame, vector, values, counts[2])


def _check(source: Customers, blocks: RDD[Array], k: int) -> None:
    """Raise UserError if there are fewer customers, or fewer different customers, than segments."""
    if source.rows < k:
        raise UserError(f"k {k} is larger than the number of customers, {source.rows}: lower --k-max or --k")
    different = count_distinct(blocks, k)
    if different < k:
        raise UserError(
            f"k {k} is larger than the number of different customers, {different} of {source.rows:,}: "
            "lower --k-max or --k"
        )


def _model_features(lake: Lake) -> list[str]:
    """Return the features of the components, in the order of FEATURES."""
    loadings = lake.read("component_loadings").where("component = 1").select("feature").collect()
    used = {row.feature for row in loadings}
    return [feature.name for feature in FEATURES if feature.name in used]


if __name__ == "__main__":
    main()
