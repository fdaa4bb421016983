"""Group the customers into segments, choose the number of segments, and describe each segment.

    spark-submit --py-files segmentation.zip kmeans.py --help

Reads ``customer_components`` and ``customer_features``; publishes ``model_selection``, ``customer_segments``,
``segment_profiles``, ``segment_features``, ``segment_rules``, ``customer_rfm``, ``segment_migration`` and
``feature_drift``, and saves the models that assign the segments: ``kmeans``, and ``refinement`` if it applies.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pyspark import RDD, StorageLevel
from pyspark.ml import PipelineModel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation import models
from segmentation.blocks import Array, arrange, as_blocks, count_customers
from segmentation.change import SegmentedCustomers, publish_changes
from segmentation.errors import UserError
from segmentation.features import FEATURES, GIVEN_COLUMNS, feature_set
from segmentation.flags import ModelJobFlags, at_least, flag, flag_parser, share
from segmentation.grid_search import GridSearch, grid_search
from segmentation.job import Job, run
from segmentation.lake import Lake
from segmentation.moments import Moments
from segmentation.refinement import REFINED, Refinement, refine
from segmentation.resampling import bootstrap_stability, gap_statistics
from segmentation.rfm import customer_rfm
from segmentation.seeding import Sample, sample
from segmentation.segment_rules import MAX_CONDITIONS, Rules, find_rules, segment_rules
from segmentation.segments import (
    assign,
    order_by_mean_spend,
    segment_features,
    segment_moments,
    segment_profiles,
)
from segmentation.selection import (
    Candidate,
    Range,
    choose_k,
    compare_with_columns,
    findings,
    groups_to_test,
    is_compact,
    model_selection,
    rule,
)
from segmentation.silhouettes import with_silhouette
from segmentation.vectors import array_to_vector, vector_to_array

#: The value of --k for a choice by the rule.
AUTO = "auto"
#: The coarsest split is always measured, to see whether it only repeats a given column.
COARSEST = 2
#: Customers of the sample for each cluster from which the gap statistic is computed.
GAP_CUSTOMERS = 10


def _k(text: str) -> int | str:
    return AUTO if text == AUTO else at_least(2)(text)


@dataclass(frozen=True, kw_only=True)
class Flags(ModelJobFlags):
    """The flags of the job."""

    k_min: int = flag(at_least(2), "N", "smallest number of segments that may be chosen, from 2")
    k_max: int = flag(at_least(2), "N", "largest number of segments that may be chosen, at least k-min")
    k: int | str = flag(_k, "auto|N", "number of segments; auto: choose from k-min to k-max")
    min_segment_share: float = flag(
        share, "SHARE", "smallest share of the customers in a segment of the chosen k, from 0"
    )
    n_init: int = flag(at_least(1), "N", "seeded starts for each k, from 1")
    seed: int = flag(at_least(0), "N", "seed of the starts, from 0")
    cluster_on: str = flag(
        str,
        "NAME",
        "space of the distances: the retained components, these divided by their standard deviations (whitened), or "
        "all scaled features",
        choices=("components", "whitened", "features"),
    )

    @property
    def fixed_k(self) -> int | None:
        """The requested number of segments, None for a choice by the rule."""
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
    """Read, fit each k, choose, refine, assign, publish."""
    ks = _ks(job.flags)
    with job.stage("read"):
        inputs = job.lake.input_metrics("customer_features", "customer_components")
        source = _customers(job, inputs["rows"]["customer_features"])
        blocks = as_blocks(source.frame, source.values).persist(StorageLevel.MEMORY_AND_DISK)
        _check(inputs["rows"], blocks, ks[-1])
        features = _model_features(job.lake)
        job.log(f"{source.rows:,} customers read in {blocks.getNumPartitions()} partitions")
    with job.stage("fit"):
        sampled = sample(source.frame, source.values, job.flags.seed, GIVEN_COLUMNS)
        search = _fit(job, blocks, sampled, ks)
    with job.stage("choose"):
        allowed = Range(job.flags.k_min, job.flags.k_max, job.flags.min_segment_share)
        candidates = _candidates(job, search, sampled)
        choice = choose_k(candidates, allowed, job.flags.fixed_k)
        chosen = next(each for each in candidates if each.k == choice.k)
        found = findings(candidates, choice.k)
        for sentence in (choice.why, *found):
            job.log(sentence)
    with job.stage("refine"):
        refinement = _refinement(job, blocks, search.centers[choice.k], chosen, features)
        blocks.unpersist()
    with job.stage("segments"):
        refined = source.refined(refinement)
        centers = refinement.centers if refinement else search.centers[choice.k]
        centers = order_by_mean_spend(refined.frame, refined.vector, centers)
        model = models.kmeans(centers, refined.vector, "segment")
        assigned = assign(refined.frame, model, refined.values)
        points, moments = segment_moments(assigned, refined.values)
    with job.stage("rules"):
        rules = find_rules(assigned, features, choice.k)
        _note_rules(job, rules)
    # The model is written last: it marks the datasets that describe it as complete.
    job.lake.delete_model("kmeans")
    job.lake.delete_model("refinement")
    job.publish("model_selection", model_selection(job.lake.spark, candidates, choice))
    job.publish("customer_segments", with_silhouette(assigned, refined.values, points))
    job.publish("customer_rfm", customer_rfm(source.frame))
    _publish_descriptions(job, moments, features, rules)
    publish_changes(job, SegmentedCustomers(assigned, moments))
    with job.stage("model"):
        if refinement:
            job.lake.save_model("refinement", refinement.model())
        job.lake.save_model("kmeans", model)
    source.frame.unpersist()
    job.write_metrics(
        input=inputs,
        k=choice.k,
        why=choice.why,
        rule=rule(allowed),
        findings=found,
        stability=chosen.stability,
        refinement={"passes": refinement.n_iter, "moved": refinement.moved} if refinement else None,
        fidelity=rules.fidelity,
        passes=search.n_iter,
    )


@dataclass(frozen=True)
class Customers:
    """The customers with their features, ``pc1``, ``pc2`` and ``vector``, the features column of the model.

    The frame is cached and arranged for blocks. ``values`` is ``vector`` as an array column; ``rows`` is the number of
    customers in customer_features.
    """

    frame: DataFrame
    vector: str
    values: Column
    rows: int

    def refined(self, refinement: Refinement | None) -> Customers:
        """Return the customers with the vectors of ``refinement``, unchanged if it is None."""
        if refinement is None:
            return self
        frame = refinement.model().transform(self.frame)
        return Customers(frame, REFINED, vector_to_array(REFINED), self.rows)


def _ks(flags: Flags) -> list[int]:
    """Return every k to try, including the coarsest split and the fixed k; raises UserError for an empty range."""
    if flags.k_min > flags.k_max:
        raise UserError(f"--k-min {flags.k_min} is larger than --k-max {flags.k_max}: swap them")
    fixed = {flags.fixed_k} if flags.fixed_k else set()
    return sorted({COARSEST, *range(flags.k_min, flags.k_max + 1), *fixed})


def _fit(job: Job[Flags], blocks: RDD[Array], sampled: Sample, ks: Sequence[int]) -> GridSearch:
    """Return the fits of each k, and note those that have not converged."""
    search = grid_search(blocks, sampled.points, ks, job.flags.n_init, job.flags.seed)
    for note in search.notes:
        job.note(note)
    job.log(f"{len(ks) * job.flags.n_init} fits ended after {search.n_iter} iterations")
    return search


def _candidates(job: Job[Flags], search: GridSearch, sampled: Sample) -> list[Candidate]:
    """Return each k with its measures."""
    context, seed = job.lake.spark.sparkContext, job.flags.seed
    stability = bootstrap_stability(context, sampled.points, search.centers, seed)
    candidates = [
        Candidate(k, search.scores[k], stability[k], None, *compare_with_columns(sampled, centers))
        for k, centers in search.centers.items()
    ]
    groups = groups_to_test(sampled, candidates)
    enough = [k for k in search.centers if all(len(group) >= GAP_CUSTOMERS * k for group in groups)]
    gaps = gap_statistics(context, groups, enough, seed) if enough else {}
    return [replace(each, gap=gaps.get(each.k)) for each in candidates]


def _refinement(
    job: Job[Flags], blocks: RDD[Array], centers: Array, chosen: Candidate, features: Sequence[str]
) -> Refinement | None:
    """Return the refinement of the segments with ``centers``, None where it does not apply.

    Without groups, the refined segments are less stable. The features of the notebook are compared with its results.
    """
    is_notebook = set(features) == {feature.name for feature in feature_set("notebook")}
    if job.flags.cluster_on != "components" or is_notebook or not is_compact(chosen):
        return None
    refinement = refine(blocks, centers)
    if refinement:
        job.log(
            f"segments refined in {refinement.n_iter} iterations, {refinement.moved:.1%} of the customers moved"
        )
    return refinement


def _customers(job: Job[Flags], rows: int) -> Customers:
    features, components = job.lake.read("customer_features"), job.lake.read("customer_components")
    if job.flags.cluster_on == "components":
        vector, values = "components", F.col("values")
        frame = arrange(rows, features, components).withColumn("values", F.col("components"))
        frame = frame.withColumn("components", array_to_vector("components"))
    else:
        vector = "whitened" if job.flags.cluster_on == "whitened" else "scaled"
        values = vector_to_array(vector)
        frame = arrange(rows, features, components.select("customer_id", "pc1", "pc2"))
        frame = job.lake.load_model("pca", PipelineModel).transform(frame)
        frame = frame.select(*features.columns, "pc1", "pc2", vector)
    return Customers(frame.persist(StorageLevel.MEMORY_AND_DISK), vector, values, rows)


def _check(rows: Mapping[str, int], blocks: RDD[Array], k: int) -> None:
    """Raise UserError if pca and preprocess published different customers, or fewer different ones than segments.

    ``rows`` are those of each input. The blocks and the joined frame are computed and cached in this pass.
    """
    joined, different = count_customers(blocks, k)
    features, components = rows["customer_features"], rows["customer_components"]
    if not joined == features == components:
        raise UserError(
            f"customer_features has {features:,} customers, customer_components {components:,}, and they share "
            f"{joined:,}: run pca for this run date again"
        )
    if joined < k:
        raise UserError(f"k {k} is larger than the number of customers, {joined}: lower --k-max or --k")
    if different < k:
        raise UserError(
            f"k {k} is larger than the number of different customers, {different} of {joined:,}: "
            "lower --k-max or --k"
        )


def _model_features(lake: Lake) -> list[str]:
    """Return the features of the components, in the order of FEATURES."""
    loadings = lake.read("component_loadings").where("component = 1").select("feature").collect()
    used = {row.feature for row in loadings}
    return [feature.name for feature in FEATURES if feature.name in used]


def _described(features: list[str]) -> list[str]:
    """Return the features of the components, and the given ones of the set, which only describe the segments."""
    return [feature.name for feature in FEATURES if feature.name in features or feature.is_given]


def _publish_descriptions(
    job: Job[Flags], segments: Mapping[int, Moments], features: list[str], rules: Rules
) -> None:
    """Publish the datasets that describe the segments; ``segments`` has the moments of their features."""
    spark = job.lake.spark
    job.publish("segment_profiles", segment_profiles(spark, segments, features))
    job.publish("segment_features", segment_features(spark, segments, _described(features)))
    job.publish("segment_rules", segment_rules(spark, rules))


def _note_rules(job: Job[Flags], rules: Rules) -> None:
    job.log(f"{len(rules.rules)} rules give {rules.fidelity:.1%} of the customers the segment that they have")
    if rules.without_rule:
        numbers = ", ".join(map(str, rules.without_rule))
        job.note(f"no rule of at most {MAX_CONDITIONS} conditions finds segment {numbers}")


if __name__ == "__main__":
    main()
