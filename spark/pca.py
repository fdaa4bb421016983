"""Scale the features of the customers and compute their principal components.

    spark-submit --py-files segmentation.zip pca.py --help

Reads ``customer_features``; publishes ``explained_variance``, ``component_loadings`` and ``customer_components``, and
saves the model that computes the components from the features.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyspark import StorageLevel

from segmentation.blocks import aggregate, arrange, as_blocks
from segmentation.components import (
    component_loadings,
    customer_components,
    explained_variance,
    pipeline,
    principal_components,
)
from segmentation.errors import UserError
from segmentation.features import FEATURE_SETS, Feature, feature_set
from segmentation.flags import ModelJobFlags, flag, flag_parser, share
from segmentation.job import Job, run
from segmentation.moments import Moments
from segmentation.outliers import TREATMENTS, Limited, Limits
from segmentation.scaling import scale, transformed
from segmentation.seeding import sample


def _positive_share(text: str) -> float:
    value = share(text)
    if value == 0:
        raise ArgumentTypeError("0 keeps no component: give a share above 0")
    return value


@dataclass(frozen=True, kw_only=True)
class Flags(ModelJobFlags):
    """The flags of the job."""

    feature_set: str = flag(
        str,
        "NAME",
        "notebook: the seven features of the study, min-max scaled; extended: more behaviour, standardised",
        choices=FEATURE_SETS,
    )
    given_categories: str = flag(
        str,
        "NAME",
        "customer type and other categories of the input: profile the segments only, or cluster on them too",
        choices=("profile", "cluster"),
    )
    outliers: str = flag(
        str,
        "NAME",
        "values beyond Tukey's outer fences, in the extended feature set: winsorise moves them to the fence",
        choices=TREATMENTS,
    )
    variance_to_keep: float = flag(
        _positive_share,
        "SHARE",
        "share of the variance, above 0 and up to 1, that the retained components explain together",
    )


def parser() -> ArgumentParser:
    """Return the parser of the flags."""
    return flag_parser(
        "pca", "Scale the features of the customers and compute their principal components.", Flags
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job; exits with code 2 and one sentence on stderr for an error that only the user can correct."""
    run("pca", pca, Flags(**vars(parser().parse_args(argv))))


def pca(job: Job[Flags]) -> None:
    """Read, measure, decompose, publish."""
    features = feature_set(job.flags.feature_set, given=job.flags.given_categories == "cluster")
    with job.stage("measure"):
        values = transformed(features, job.flags.feature_set)
        inputs = job.lake.input_metrics("customer_features")
        rows = inputs["rows"]["customer_features"]
        if rows < 2:
            raise UserError(f"PCA needs at least 2 customers, customer_features has {rows}: check the input")
        customers = arrange(rows, job.lake.read("customer_features")).persist(StorageLevel.MEMORY_AND_DISK)
        limits = Limits.none(len(features))
        if job.flags.outliers == "winsorise" and job.flags.feature_set != "notebook":
            limits = Limits.of(sample(customers, values, seed=0).points)
        limited = aggregate(as_blocks(customers, values), lambda block: Limited.of(block, limits))
        _check(limited.moments, [feature.name for feature in features])
        job.log(f"{rows:,} customers measured in {len(features)} features")
    with job.stage("decompose"):
        scaling = scale(features, job.flags.feature_set, limited.moments, limits)
        for note in scaling.notes:
            job.note(note)
        if limited.customers:
            job.note(_note(limited, features, rows))
        components = principal_components(scaling.covariance, job.flags.variance_to_keep)
        model = pipeline(scaling, components)
        total, kept = len(components.loadings), float(components.cumulative[components.retained - 1])
        job.log(f"{components.retained} of {total} components keep {kept:.1%} of the variance")
    with job.stage("model"):
        # The segments were fitted on other components.
        job.lake.delete_model("kmeans")
        job.lake.delete_model("refinement")
        job.lake.save_model("pca", model)
    spark = job.lake.spark
    job.publish("explained_variance", explained_variance(spark, components))
    job.publish("component_loadings", component_loadings(spark, components, scaling.features))
    job.publish("customer_components", customer_components(customers, model))
    customers.unpersist()
    job.write_metrics(
        input=inputs,
        features=scaling.features,
        outliers={
            "customers": limited.customers,
            "values": {
                feature.name: int(count)
                for feature, count in zip(features, limited.moved, strict=True)
                if count
            },
        },
        components={"retained": components.retained, "of": total, "variance_kept": kept},
    )


def _check(moments: Moments, names: Sequence[str]) -> None:
    """Raise UserError if a feature has no finite value for a customer."""
    invalid = [name for name, mean in zip(names, moments.mean, strict=True) if not np.isfinite(mean)]
    if invalid:
        raise UserError(
            f"customer_features has missing or infinite values of {', '.join(invalid)}: run preprocess again"
        )


def _note(limited: Limited, features: Sequence[Feature], rows: int) -> str:
    most = int(limited.moved.argmax())
    return (
        f"outliers of {limited.customers:,} of {rows:,} customers are moved to the limit of the feature, most of them "
        f"in {features[most].name} ({limited.moved[most]:,})"
    )


if __name__ == "__main__":
    main()
