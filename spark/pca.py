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

from segmentation.blocks import aggregate, as_blocks
from segmentation.components import (
    component_loadings,
    customer_components,
    explained_variance,
    pipeline,
    principal_components,
)
from segmentation.errors import UserError
from segmentation.features import FEATURE_SETS, feature_set
from segmentation.flags import ModelJobFlags, flag, flag_parser, share
from segmentation.job import Job, run
from segmentation.moments import Moments
from segmentation.scaling import scale, transformed


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
    customers = job.lake.read("customer_features")
    features = feature_set(job.flags.feature_set)
    with job.stage("measure"):
        values = transformed(features, job.flags.feature_set)
        rows = customers.count()
        if rows < 2:
            raise UserError(f"PCA needs at least 2 customers, customer_features has {rows}: check the input")
        moments = aggregate(as_blocks(customers, values, rows), Moments.of)
        _check(moments, [feature.name for feature in features])
        job.log(f"{rows:,} customers measured in {len(features)} features")
    with job.stage("decompose"):
        scaling = scale(features, job.flags.feature_set, moments)
        for note in scaling.notes:
            job.note(note)
        components = principal_components(scaling.covariance, job.flags.variance_to_keep)
        model = pipeline(scaling, components)
        total, kept = len(components.loadings), float(components.cumulative[components.retained - 1])
        job.log(f"{components.retained} of {total} components keep {kept:.1%} of the variance")
    with job.stage("model"):
        # The segments were fitted on other components.
        job.lake.delete_model("kmeans")
        job.lake.save_model("pca", model)
    spark = job.lake.spark
    job.publish("explained_variance", explained_variance(spark, components))
    job.publish("component_loadings", component_loadings(spark, components, scaling.features))
    job.publish("customer_components", customer_components(customers, model))
    job.write_metrics(
        input=job.lake.input_metrics("customer_features"),
        features=scaling.features,
        components={"retained": components.retained, "of": total, "variance_kept": kept},
    )


def _check(moments: Moments, names: Sequence[str]) -> None:
    """Raise UserError if a feature has no finite value for a customer."""
    invalid = [name for name, mean in zip(names, moments.mean, strict=True) if not np.isfinite(mean)]
    if invalid:
        raise UserError(
            f"customer_features has missing or infinite values of {', '.join(invalid)}: run preprocess again"
        )


if __name__ == "__main__":
    main()
