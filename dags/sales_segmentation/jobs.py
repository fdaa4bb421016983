"""The Spark jobs of the pipeline: which script, and which flags it gets from the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from math import isfinite
from pathlib import Path
from typing import Any

from emr_pipeline.settings import Settings
from emr_pipeline.step import spark_step

FOLDER = Path(__file__).parents[2] / "spark"

RUN_DATE = "{{ run_date(dag_run, params) }}"

CODE_VERSION = "{{ ti.xcom_pull('stage_jobs') }}"

CLUSTER_ID = "{{ ti.xcom_pull('create_cluster') or '' }}"

BOOTSTRAP = f"jobs/{CODE_VERSION}/bootstrap.sh"
"""What each node runs before Spark starts."""

CLUSTER = {name: f"{{{{ params.{name} }}}}" for name in ("release_label", "core_nodes", "spot_share")}
"""What a run chooses of its cluster."""


def run_date(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the day a run stands for: what the form says, else the logical date, else the day it was triggered.

    The latter two are days in UTC, whatever zone Airflow or its user is in.
    """
    return str(params["run_date"] or (dag_run.logical_date or dag_run.run_after).astimezone(UTC).date())


def model_date(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the run date of the model that gives the segments: an earlier run's, or this one's."""
    return params["score_with"] or run_date(dag_run, params)


def validate_params(params: Mapping[str, Any], form: Mapping[str, Any]) -> str:
    """Return what is wrong with a run's choices that Airflow lets pass, or nothing.

    Its form sees each param by itself, and its API takes names that no form has; a typing error would go unseen.
    """
    if unknown := sorted(params.keys() - form.keys()):
        return f"there is no param {unknown[0]}; there are {', '.join(form)}"
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


def whole(value: Any) -> Any:
    """Return a float that is a whole number as an int, and anything else as it is; for what a template writes."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True)
class Job:
    """A script of the job folder; its name is also the task's, the step's and the metrics file's."""

    name: str
    datasets: tuple[str, ...]
    """What it publishes; the metrics file has the rows of each."""
    flags: dict[str, str]
    """Flags beside those all jobs take, with the run's params as values."""
    folders: tuple[str, ...] = ("processed", "metrics", "models")
    """Top folders of the bucket that the job reads or writes, each a flag of that name."""

    def step(self, settings: Settings) -> dict[str, Any]:
        """Return the EMR step, with Jinja where a value is known only in the run."""
        code = settings.s3("jobs", CODE_VERSION)
        folders = {folder: settings.s3(folder) for folder in self.folders}
        flags = {"run-date": RUN_DATE, "code-version": CODE_VERSION, **folders, **self.flags}
        return spark_step(self.name, f"{code}/{self.name}.py", f"{code}/segmentation.zip", flags)


PREPROCESS = Job(
    "preprocess",
    ("sales", "rejected_sales", "customer_features"),
    {"input": "{{ params.input }}", "max-rejected-share": "{{ params.max_rejected_share }}"},
    ("processed", "metrics"),
)
PCA = Job(
    "pca",
    ("explained_variance", "component_loadings", "customer_components"),
    {
        "feature-set": "{{ params.feature_set }}",
        "variance-to-keep": "{{ params.variance_to_keep }}",
    },
)
KMEANS = Job(
    "kmeans",
    ("model_selection", "customer_segments", "segment_profiles", "segment_features"),
    {
        "k-min": "{{ params.k_min }}",
        "k-max": "{{ params.k_max }}",
        "k": "{{ params.k or 'auto' }}",
        "n-init": "{{ params.n_init }}",
        "seed": "{{ params.seed }}",
        "cluster-on": "{{ params.cluster_on }}",
    },
)
SCORE = Job("score", ("customer_segments",), {"model-run-date": "{{ params.score_with }}"})

JOBS = (PREPROCESS, PCA, KMEANS, SCORE)


def plan(params: Mapping[str, Any]) -> tuple[Job, ...]:
    """Return the jobs of a run: those that fit a model, or those that score with the model of another run."""
    return (PREPROCESS, SCORE) if params["score_with"] else (PREPROCESS, PCA, KMEANS)


PLAN = "{{ plan(params) | map(attribute='name') | join(' ') }}"
"""The names of the run's jobs, with blanks between."""

MODEL_DATE = "{{ model_date(dag_run, params) }}"
"""The run date of the model that gives the segments."""

PARAMS_ERROR = "{{ validate_params(params, dag.params) }}"
"""A sentence against the run's choices, or nothing."""

MACROS = {function.__name__: function for function in (run_date, model_date, plan, validate_params)}
"""What the templates above and those of ``sql/`` may call."""
