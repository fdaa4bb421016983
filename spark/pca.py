"""Scale the customers' features and find their principal components.

    spark-submit --py-files segmentation.zip pca.py --help

Reads ``customer_features``; publishes ``explained_variance``, ``component_loadings`` and
``customer_components``, and saves the model that turns features into components.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence

import numpy as np

from segmentation import flags
from segmentation.blocks import as_blocks, total
from segmentation.components import (
    component_loadings,
    customer_components,
    explained_variance,
    pipeline,
    principal_components,
)
from segmentation.features import FEATURE_SETS, feature_set
from segmentation.job import Job, UserError, run
from segmentation.moments import Moments, measure, merge
from segmentation.outputs import discard_model, publish, save_model, write_metrics
from segmentation.published import dataset, describe
from segmentation.scaling import scale, transformed


def parser() -> ArgumentParser:
    """Return the parser of the job's flags."""
    flags_parser = flags.job_parser(
        "pca", "Scale the customers' features and find their principal components."
    )
    flags.add_models(flags_parser)
    flags_parser.add_argument(
        "--feature-set",
        required=True,
        choices=FEATURE_SETS,
        help="notebook: the seven features of the study, min-max scaled; extended: more behaviour, standardised",
    )
    flags_parser.add_argument(
        "--variance-to-keep",
        required=True,
        type=_positive_share,
        metavar="SHARE",
        help="share of the variance, above 0 and up to 1, that the retained components explain together",
    )
    return flags_parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job; exits with code 2 and one sentence on stderr for what only the user can put right."""
    run("pca", pca, parser().parse_args(argv))


def pca(job: Job) -> None:
    """Read, measure, decompose, publish."""
    customers = dataset(job, "customer_features")
    features = feature_set(job.flags.feature_set)
    with job.stage("measure"):
        values = transformed(features, job.flags.feature_set)
        rows = customers.count()
        if rows < 2:
            raise UserError(f"components compare customers and there is only {rows}: give at least 2")
        moments = total(as_blocks(customers, values, rows), measure, merge)
        _check(moments, [feature.name for feature in features])
        job.log(f"{rows:,} customers measured in {len(features)} features")
    with job.stage("decompose"):
        scaling = scale(features, job.flags.feature_set, moments)
        for note in scaling.notes:
            job.note(note)
        components = principal_components(scaling.covariance, job.flags.variance_to_keep)
        model = pipeline(scaling, components)
        kept = float(components.cumulative[components.retained - 1])
        job.log(
            f"{components.retained} of {len(components.ratio)} components keep {kept:.1%} of the variance"
        )
    with job.stage("model"):
        # Segments among other components: nobody may score with them any more.
        discard_model(job.spark, job.flags.models, job.flags.run_date, "kmeans")
        save_model(job.spark, job.flags.models, job.flags.run_date, job.name, model.save)
    results = {
        "explained_variance": explained_variance(job.spark, components),
        "component_loadings": component_loadings(job.spark, components, scaling.features),
        "customer_components": customer_components(customers, model),
    }
    for name, frame in results.items():
        with job.stage(name):
            job.rows[name] = publish(frame, job.flags.processed, name, job.flags.run_date)
            job.log(f"{job.rows[name]:,} rows of {name} published")
    content = job.metrics(
        input=describe(job, "customer_features"),
        features=scaling.features,
        components={"retained": components.retained, "of": len(components.ratio), "variance_kept": kept},
    )
    write_metrics(job.spark, job.flags.metrics, job.flags.run_date, job.name, content)


def _check(moments: Moments, names: Sequence[str]) -> None:
    """Raise UserError where a feature has no finite value for a customer."""
    broken = [name for name, mean in zip(names, moments.mean, strict=True) if not np.isfinite(mean)]
    if broken:
        raise UserError(
            f"customer_features holds a missing or infinite {', '.join(broken)}: run preprocess again"
        )


def _positive_share(text: str) -> float:
    value = flags.share(text)
    if value == 0:
        raise ArgumentTypeError("0 keeps nothing: give a share above 0")
    return value


if __name__ == "__main__":
    main()
