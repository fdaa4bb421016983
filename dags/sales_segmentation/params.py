"""The params of a run, which are the fields of the trigger form, and their validation. Defaults are only here.

Airflow validates each param with JSON schema. Its error message shows the rule that the value breaks, so a rule that
does not explain itself has a ``description``. ``validate_params`` checks what JSON schema cannot express.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from airflow.sdk import Param

from emr_pipeline.number_field import number_field
from emr_pipeline.settings import Settings
from emr_pipeline.specs import TARGETS

SHARE = number_field("A number from 0 to 1, such as 0.5.", r"0|0?\.[0-9]+|1(\.0+)?", minimum=0, maximum=1)
ABOVE_0_TO_1 = number_field(
    "A number above 0, up to 1, such as 0.9.",
    r"0?\.(?=.*[1-9])[0-9]+|1(\.0+)?",
    exclusiveMinimum=0,
    maximum=1,
)
DOLLARS = number_field(
    "A number above 0, up to 1,000,000, such as 2.50.",
    r"(?=.*[1-9])([0-9]{1,6}|[0-9]{0,6}\.[0-9]+)|1000000(\.0+)?",
    optional=True,
    exclusiveMinimum=0,
    maximum=1_000_000,
)
GB = number_field(
    "A number from 0.01 to 1,000,000, such as 0.5.",
    r"[1-9][0-9]{0,5}(\.[0-9]+)?|0?\.(0[1-9]|[1-9])[0-9]*|1000000(\.0+)?",
    minimum=0.01,
    maximum=1_000_000,
)
WHOLE_NUMBERS = {
    (0, 100): "[0-9]{1,2}|100",
    (0, 999_999_999): "[0-9]{1,9}",
    (1, 20): "[1-9]|1[0-9]|20",
    (1, 100): "[1-9][0-9]?|100",
    (2, 50): "[2-9]|[1-4][0-9]|50",
}
"""The pattern of the whole numbers in each range."""


def whole_number(minimum: int, maximum: int, *, optional: bool = False) -> dict[str, Any]:
    """Return the JSON schema of a whole number in one of the ranges ``WHOLE_NUMBERS``."""
    rule = f"A whole number from {minimum:,} to {maximum:,}."
    bounds = {"minimum": minimum, "maximum": maximum}
    return number_field(rule, WHOLE_NUMBERS[minimum, maximum], kind="integer", optional=optional, **bounds)


def form(settings: Settings) -> dict[str, Param]:
    """Return the params by name, in the order of the form."""
    return {
        "input": Param(
            settings.s3("raw", "*.csv"),
            type="string",
            allOf=[
                {
                    "pattern": r"^s3://[a-z0-9][a-z0-9.-]+/.",
                    "description": "An address has the form s3://<bucket>/<key>.",
                },
                {
                    # $ also matches before a line break at the end.
                    "pattern": r"^[^{}'\"\x00-\x1f]*$(?!\n)",
                    "description": "An address must not contain braces, quotes or control characters.",
                },
            ],
            examples=[settings.s3("raw", "*.csv"), settings.s3("raw", ""), settings.s3("raw", "2026-01.csv")],
            title="Input",
            description_md="The sales lines on S3: a CSV file, a folder, or a pattern with `*`, `?` or `[12]`. Files "
            "may be compressed with gzip or bzip2.",
            section="Data",
        ),
        "mapping": Param(
            None,
            type=["null", "string"],
            format="multiline",
            minLength=1,
            maxLength=64 * 1024,
            examples=[settings.s3("raw", "mapping.yaml")],
            title="Mapping",
            description_md="For files with other columns or another format: the address of a YAML file, or its text. "
            "`emr-pipeline guess` proposes one. Empty: the format of the original study.",
            section="Data",
        ),
        "run_date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Run date",
            description_md="The partition that the run replaces. Empty: the logical date, or the day of the trigger. "
            "Both are days in UTC: in Berlin at 00:30 it is still the day before.",
            section="Data",
        ),
        "max_rejected_share": Param(
            0.05,
            **SHARE,
            examples=[0, 0.05, 0.2],
            title="Maximum share of rejected lines",
            description_md="From 0 to 1. If the share is larger, the run fails and publishes nothing.",
            section="Data",
        ),
        "score_with": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Score with models of run date",
            description_md="The run date of an earlier run. Its models assign the segments, no model is fitted, and "
            "the other params of this section have no effect. Empty: fit new models.",
            section="Segmentation",
        ),
        "feature_set": Param(
            "extended",
            type="string",
            enum=["extended", "notebook"],
            values_display={
                "extended": "extended: larger set",
                "notebook": "notebook: seven features",
            },
            title="Feature set",
            description_md="`extended`: a larger set that describes the behaviour of a customer, standardised. "
            "`notebook`: the seven features of the original study, scaled to the range 0 to 1.",
            section="Segmentation",
        ),
        "given_categories": Param(
            "profile",
            type="string",
            enum=["profile", "cluster"],
            values_display={
                "profile": "profile: only describe the segments",
                "cluster": "cluster: features like the others",
            },
            title="Given categories",
            description_md="The customer type is known before the run. `profile`: it only describes the segments, "
            "which are made from behaviour. `cluster`: it is also a feature of the larger set.",
            section="Segmentation",
        ),
        "outliers": Param(
            "winsorise",
            type="string",
            enum=["winsorise", "keep"],
            values_display={"winsorise": "winsorise: move to a limit", "keep": "keep: no change"},
            title="Outliers",
            description_md="`winsorise`: a value of a feature more than three interquartile ranges below the first or "
            "above the third quartile is moved to this limit, for the model only. `keep`: no change. The notebook's "
            "seven features are never changed.",
            section="Segmentation",
        ),
        "variance_to_keep": Param(
            0.9,
            **ABOVE_0_TO_1,
            examples=[0.8, 0.9, 0.95, 1],
            title="Variance to keep",
            description_md="Above 0 and up to 1. The first principal components that together explain this share of "
            "the variance are kept.",
            section="Segmentation",
        ),
        "cluster_on": Param(
            "components",
            type="string",
            enum=["components", "whitened", "features"],
            values_display={
                "components": "principal components",
                "whitened": "whitened principal components",
                "features": "scaled features",
            },
            title="Input of KMeans",
            description_md="The principal components that are kept, these divided by their standard deviations "
            "(whitened), or the scaled features. Segments of the components are refined if they form groups. Whitened "
            "components separate groups that overlap, too, but tend to too many segments.",
            section="Segmentation",
        ),
        "k_min": Param(
            3,
            **whole_number(2, 50),
            examples=[2, 3, 4],
            title="Minimum number of segments",
            description_md="The smallest number that the rule may choose, from 2 to 50.",
            section="Segmentation",
        ),
        "k_max": Param(
            8,
            **whole_number(2, 50),
            examples=[6, 8, 12],
            title="Maximum number of segments",
            description_md="The largest number that the rule may choose, up to 50, and not less than the minimum.",
            section="Segmentation",
        ),
        "k": Param(
            None,
            **whole_number(2, 50, optional=True),
            examples=[3, 4, 5, 6],
            title="Fixed number of segments",
            description_md="From 2 to 50. This k is used; the other values are tried too, for comparison. Empty: the "
            "number is chosen by the rule in the report.",
            section="Segmentation",
        ),
        "min_segment_share": Param(
            0.02,
            **SHARE,
            examples=[0, 0.02, 0.05],
            title="Minimum share of a segment",
            description_md="From 0 to 1 of the customers. A number of segments whose smallest segment has less is not "
            "chosen, unless no number qualifies.",
            section="Segmentation",
        ),
        "n_init": Param(
            3,
            **whole_number(1, 20),
            examples=[1, 3, 10],
            title="KMeans initializations",
            description_md="How often KMeans runs for each k, with different initial centres, from 1 to 20. The best "
            "result is kept.",
            section="Segmentation",
        ),
        "seed": Param(
            7,
            **whole_number(0, 999_999_999),
            examples=[7],
            title="Random seed",
            description_md="The same seed and the same input give the same segments.",
            section="Segmentation",
        ),
        "target": Param(
            settings.target,
            type="string",
            enum=list(TARGETS),
            title="Target",
            values_display={
                "emr-ec2": "EMR on EC2: a cluster",
                "emr-serverless": "EMR Serverless: an application",
            },
            description_md="Where the jobs run. EMR Serverless has no nodes: the numbers of nodes limit the size of "
            "its workers, and Spot has no effect.",
            section="Cluster",
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
            description_md="The release of EMR, which determines the version of Spark.",
            section="Cluster",
        ),
        "core_nodes": Param(
            2,
            **whole_number(1, 100),
            examples=[2, 4, 8],
            title="Core nodes",
            description_md="From 1 to 100 nodes with 4 cores and 16 GiB each, in addition to the primary node.",
            section="Cluster",
        ),
        "spot_share": Param(
            0.0,
            **SHARE,
            examples=[0, 0.5, 1],
            title="Spot share",
            description_md="The share of the core nodes that are Spot instances, from 0 to 1. They are cheaper, but "
            "EC2 may interrupt them.",
            section="Cluster",
        ),
        "task_nodes": Param(
            0,
            **whole_number(0, 100),
            examples=[0, 2, 4],
            title="Task nodes",
            description_md="From 0 to 100 further nodes on Spot instances. EMR removes them while they are idle. They "
            "store no data, so an interruption only repeats work.",
            section="Cluster",
        ),
        "budget": Param(
            None,
            **DOLLARS,
            examples=[1, 5, 20],
            title="Budget",
            description_md="US dollars. If the estimated cost of the cluster is higher, no cluster is created. Empty: "
            "no budget.",
            section="Cost",
        ),
        "over_budget": Param(
            "refuse",
            type="string",
            enum=["refuse", "ask"],
            values_display={"refuse": "refuse: the run fails", "ask": "ask: a user approves or rejects"},
            title="If the estimate exceeds the budget",
            description_md="`refuse`: the run fails. `ask`: the run waits, up to a day, until a user approves or "
            "rejects the cost under *Required Actions*.",
            section="Cost",
        ),
        "max_scanned_gb": Param(
            100.0,
            **GB,
            examples=[1, 100, 1000],
            title="Maximum GB scanned per query",
            description_md="From 0.01 to 1,000,000. A query that scans more data is cancelled and fails. Athena bills "
            "the data scanned, at least 0.01 GB per query.",
            section="Athena",
        ),
    }


def validate_params(params: Mapping[str, Any], valid: Mapping[str, Any]) -> str:
    """Return an error message for params that Airflow accepts but the pipeline does not; empty if there is none.

    Airflow validates each param separately, and its API also accepts params that the DAG does not have. ``valid`` are
    the params that it has.
    """
    if unknown := sorted(params.keys() - valid.keys()):
        return f"unknown param {unknown[0]}; valid params: {', '.join(valid)}"
    for name, value in params.items():
        # NaN is within all bounds of JSON schema, because every comparison with it is false.
        if isinstance(value, float) and not isfinite(value):
            return f"{name} is {value}; it must be a finite number"
    if not params["score_with"] and int(params["k_min"]) > int(params["k_max"]):
        return (
            f"Minimum number of segments (k_min) is {params['k_min']}, which is more than Maximum number of segments "
            f"(k_max), {params['k_max']}"
        )
    return ""
