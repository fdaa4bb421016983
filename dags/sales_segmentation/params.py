"""The trigger form: every choice of a run with its default, its bounds and what it means. Defaults live only here.

A wrong value is refused by Airflow in JSON schema's words, followed by the rule it breaks; so a rule whose words say
little has a ``description``. What JSON schema cannot say, ``validate_params`` does. JSON schema takes
4.0 for an integer: ``whole`` in ``run.py`` writes it as 4 wherever a template uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from airflow.sdk import Param

from emr_pipeline.settings import Settings


def form(settings: Settings) -> dict[str, Param]:
    """Return the params in the order of the form."""
    return {
        "input": Param(
            settings.s3("raw", "*.csv"),
            type="string",
            allOf=[
                {
                    "pattern": r"^s3://[a-z0-9][a-z0-9.-]+/.",
                    "description": "An address is s3://<bucket>/<key>.",
                },
                {
                    # Before a line break at the end, $ matches too.
                    "pattern": r"^[^{}'\"\x00-\x1f]*$(?!\n)",
                    "description": "No braces, no quotes and no control characters may be in an address.",
                },
            ],
            examples=[settings.s3("raw", "*.csv"), settings.s3("raw", ""), settings.s3("raw", "2026-01.csv")],
            title="Input",
            description_md="The sales lines on S3: a CSV file, a folder, or a pattern with `*`, `?` or `[12]`. Files "
            "may be packed by gzip or bzip2.",
            section="Data",
        ),
        "run_date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Run date",
            description_md="The partition to replace. Empty: the logical date, else the day of the trigger; both in "
            "UTC, so in Berlin at 00:30 still the day before.",
            section="Data",
        ),
        "max_rejected_share": Param(
            0.05,
            type="number",
            minimum=0,
            maximum=1,
            title="Rejected share that fails the run",
            description_md="More lines than this share, from 0 to 1, with a fault, and nothing is published.",
            section="Data",
        ),
        "score_with": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Score with the model of",
            description_md="The run date of an earlier run: its models give the segments and nothing is fitted, so the "
            "other choices here do not count. Empty: fit new ones.",
            section="Segmentation",
        ),
        "feature_set": Param(
            "extended",
            type="string",
            enum=["extended", "notebook"],
            values_display={
                "extended": "extended: more behaviour",
                "notebook": "notebook: the original seven",
            },
            title="Feature set",
            description_md="`notebook`: the seven features of the original study, min-max scaled. `extended`: more of "
            "the customer's behaviour, standardised.",
            section="Segmentation",
        ),
        "variance_to_keep": Param(
            0.9,
            type="number",
            exclusiveMinimum=0,
            maximum=1,
            title="Variance to keep",
            description_md="Principal components are kept until they explain this share, above 0 and up to 1.",
            section="Segmentation",
        ),
        "cluster_on": Param(
            "components",
            type="string",
            enum=["components", "features"],
            values_display={"components": "principal components", "features": "scaled features"},
            title="Cluster on",
            description_md="The kept principal components, or the scaled features themselves.",
            section="Segmentation",
        ),
        "k_min": Param(
            2,
            type="integer",
            minimum=2,
            maximum=50,
            title="Fewest segments",
            description_md="First k to try, from 2 to 50.",
            section="Segmentation",
        ),
        "k_max": Param(
            10,
            type="integer",
            minimum=2,
            maximum=50,
            title="Most segments",
            description_md="Last k to try, up to 50 and not less than the first.",
            section="Segmentation",
        ),
        "k": Param(
            None,
            type=["null", "integer"],
            minimum=2,
            maximum=50,
            title="Fixed number of segments",
            description_md="Takes this k, from 2 to 50; the others are still measured. Empty: the best one is chosen.",
            section="Segmentation",
        ),
        "n_init": Param(
            3,
            type="integer",
            minimum=1,
            maximum=20,
            title="Starts",
            description_md="Seeded starts of KMeans for each k, 1 to 20; the best is kept, their agreement measured.",
            section="Segmentation",
        ),
        "seed": Param(
            7,
            type="integer",
            minimum=0,
            maximum=2**31 - 1,
            title="Seed",
            description_md="The same seed and input give the same segments.",
            section="Segmentation",
        ),
        "release_label": Param(
            "emr-7.13.0",
            type="string",
            enum=["emr-7.13.0", "emr-spark-8.0.0"],
            title="EMR release",
            values_display={
                "emr-7.13.0": "emr-7.13.0 (Spark 3.5.6)",
                "emr-spark-8.0.0": "emr-spark-8.0.0 (Spark 4.0.2)",
            },
            description_md="The version of EMR on the cluster, and with it that of Spark.",
            section="Cluster",
        ),
        "core_nodes": Param(
            2,
            type="integer",
            minimum=1,
            maximum=100,
            title="Core nodes",
            description_md="Nodes of 4 cores and 16 GiB beside the primary node, from 1 to 100.",
            section="Cluster",
        ),
        "spot_share": Param(
            0.0,
            type="number",
            minimum=0,
            maximum=1,
            title="Spot share",
            description_md="Share of the core nodes, 0 to 1, bought on the Spot market: cheap, but can be taken away.",
            section="Cluster",
        ),
        "max_scanned_gb": Param(
            100.0,
            type="number",
            minimum=0.01,
            maximum=1_000_000,
            title="Most GB a query may read",
            description_md="A query that reads more, from 0.01 to 1,000,000 GB, is stopped and fails. Athena bills "
            "what is read, and no less than 0.01 GB.",
            section="Athena",
        ),
    }


def validate_params(params: Mapping[str, Any], valid: Mapping[str, Any]) -> str:
    """Return what is wrong with a run's choices that Airflow lets pass, or nothing.

    Its form sees each param by itself, and its API takes names that no form has; a typing error would go unseen.
    """
    if unknown := sorted(params.keys() - valid.keys()):
        return f"unknown param {unknown[0]}; valid params: {', '.join(valid)}"
    for name, value in params.items():
        # JSON schema compares, and no comparison with NaN is true.
        if isinstance(value, float) and not isfinite(value):
            return f"{name} is {value}: give a number"
    if not params["score_with"] and params["k_min"] > params["k_max"]:
        return (
            f"Fewest segments (k_min) is {params['k_min']}, which is more than Most segments (k_max), "
            f"{params['k_max']}: swap them"
        )
    return ""
