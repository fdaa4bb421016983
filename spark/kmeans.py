"""Group the customers into segments, choose how many, and describe each.

    spark-submit --py-files segmentation.zip kmeans.py --help

Reads ``customer_components`` and ``customer_features``; publishes ``model_selection``, ``customer_segments``,
``segment_profiles`` and ``segment_features``, and saves the model that gives a customer's segment.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark import RDD, StorageLevel
from pyspark.ml import PipelineModel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation import flags, models, segments
from segmentation.blocks import Array, as_blocks, distinct
from segmentation.features import FEATURES
from segmentation.job import Job, UserError, run
from segmentation.outputs import discard_model, publish, save_model, write_metrics
from segmentation.published import dataset, describe, model_address
from segmentation.seeding import sample
from segmentation.selection import choose
from segmentation.sweep import model_selection, sweep
from segmentation.vectors import as_array, as_vector

#: The value of --k that leaves the choice to the silhouette.
AUTO = "auto"


def parser() -> ArgumentParser:
    """Return the parser of the job's flags."""
    flags_parser = flags.job_parser(
        "kmeans", "Group the customers into segments, choose how many, and describe each."
    )
    flags.add_models(flags_parser)
    add = flags_parser.add_argument
    add("--k-min", required=True, type=flags.at_least(2), metavar="N", help="fewest segments to try, from 2")
    add(
        "--k-max",
        required=True,
        type=flags.at_least(2),
        metavar="N",
        help="most segments to try, at least k-min",
    )
    add(
        "--k",
        required=True,
        type=_k,
        metavar="auto|N",
        help="number of segments; auto: choose by silhouette",
    )
    add(
        "--n-init",
        required=True,
        type=flags.at_least(1),
        metavar="N",
        help="seeded starts for each k, from 1",
    )
    add("--seed", required=True, type=flags.at_least(0), metavar="N", help="seed of the starts, from 0")
    add(
        "--cluster-on",
        required=True,
        choices=("components", "features"),
        help="what distances are measured in: the retained components, or all scaled features",
    )
    return flags_parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job; exits with code 2 and one sentence on stderr for what only the user can put right."""
    run("kmeans", kmeans, parser().parse_args(argv))


def kmeans(job: Job) -> None:
    """Read, sweep over k, choose, assign, publish."""
    ks = _ks(job.flags)
    with job.stage("read"):
        source = _customers(job)
        blocks = as_blocks(source.frame, source.values, source.rows).persist(StorageLevel.MEMORY_AND_DISK)
        _check(source, blocks, ks[-1])
        job.log(f"{source.rows:,} customers read in {blocks.getNumPartitions()} partitions")
    with job.stage("sweep"):
        points = sample(source.frame, source.values, job.flags.seed)
        result = sweep(blocks, points, ks, job.flags.n_init, job.flags.seed)
        blocks.unpersist()
        for note in result.notes:
            job.note(note)
        choice = choose(result.validity, None if job.flags.k == AUTO else job.flags.k)
        job.log(f"{choice.why} ({len(ks) * job.flags.n_init} clusterings settled in {result.passes} passes)")
    with job.stage("segments"):
        centres = segments.by_mean_spend(source.frame, source.vector, result.centres[choice.k])
        model = models.kmeans(centres, source.vector, "segment")
        assigned = segments.assign(source.frame, model, source.values)
        measured = segments.measure_segments(assigned, source.rows)
    # A model that is there tells that all that describes it is there: nobody may score with it before.
    discard_model(job.spark, job.flags.models, job.flags.run_date, job.name)
    results = {
        "model_selection": model_selection(job.spark, result.validity, choice.k),
        "customer_segments": assigned,
        "segment_profiles": segments.profiles(job.spark, measured),
        "segment_features": segments.feature_deviations(job.spark, measured, _model_features(job)),
    }
    for name, frame in results.items():
        with job.stage(name):
            job.rows[name] = publish(frame, job.flags.processed, name, job.flags.run_date)
            job.log(f"{job.rows[name]:,} rows of {name} published")
    with job.stage("model"):
        save_model(job.spark, job.flags.models, job.flags.run_date, job.name, model.save)
    content = job.metrics(
        input=describe(job, "customer_features", "customer_components"),
        k=choice.k,
        why=choice.why,
        stability=result.validity[choice.k].stability,
        passes=result.passes,
    )
    source.frame.unpersist()
    write_metrics(job.spark, job.flags.metrics, job.flags.run_date, job.name, content)


@dataclass(frozen=True)
class Customers:
    """The customers with their features, ``pc1``, ``pc2`` and the vector column that the model reads.

    ``values`` is the array column of the vector's numbers, ``rows`` the number of customers.
    """

    frame: DataFrame
    vector: str
    values: Column
    rows: int


def _ks(flags: Namespace) -> list[int]:
    """Return every k to try, the fixed one included; raises UserError for a range without any."""
    if flags.k_min > flags.k_max:
        raise UserError(f"--k-min {flags.k_min} is larger than --k-max {flags.k_max}: swap them")
    fixed = set() if flags.k == AUTO else {flags.k}
    return sorted({*range(flags.k_min, flags.k_max + 1), *fixed})


def _customers(job: Job) -> Customers:
    """Return the customers, kept in memory; raises UserError where pca saw other customers than preprocess wrote."""
    features, components = dataset(job, "customer_features"), dataset(job, "customer_components")
    if job.flags.cluster_on == "components":
        vector, values = "components", F.col("values")
        components = components.withColumn("values", F.col("components"))
        frame = features.join(components.withColumn("components", as_vector("components")), "customer_id")
    else:
        vector, values = "scaled", as_array("scaled")
        model = PipelineModel.load(model_address(job, "pca", job.flags.run_date))
        scaled = model.transform(features).select(*features.columns, "scaled")
        frame = scaled.join(components.select("customer_id", "pc1", "pc2"), "customer_id")
    frame = frame.persist(StorageLevel.MEMORY_AND_DISK)
    counts = features.count(), components.count(), frame.count()
    if len(set(counts)) > 1:
        raise UserError(
            f"customer_features has {counts[0]:,} customers, customer_components {counts[1]:,}, and they share "
            f"{counts[2]:,}: run pca for this run date again"
        )
    return Customers(frame, vector, values, counts[2])


def _check(source: Customers, blocks: RDD[Array], k: int) -> None:
    """Raise UserError where there are fewer customers, or fewer that differ, than segments."""
    if source.rows < k:
        raise UserError(f"k {k} is larger than the number of customers, {source.rows}: lower --k-max or --k")
    different = distinct(blocks, k)
    if different < k:
        raise UserError(
            f"k {k} is larger than the number of customers that differ, {different} of {source.rows:,}: "
            "lower --k-max or --k"
        )


def _model_features(job: Job) -> list[str]:
    """Return the features that the components are made of, in the order of the table of features."""
    loadings = dataset(job, "component_loadings").where("component = 1").select("feature").collect()
    used = {row.feature for row in loadings}
    return [feature.name for feature in FEATURES if feature.name in used]


def _k(text: str) -> int | str:
    """Return ``auto`` or the number."""
    return AUTO if text == AUTO else flags.at_least(2)(text)


if __name__ == "__main__":
    main()
