"""What a run is: its date, its jobs, and the templates by which its tasks get them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from sales_segmentation.jobs import KMEANS, PCA, PREPROCESS, SCORE, Job
from sales_segmentation.params import validate_params

RUN_DATE = "{{ run_date(dag_run, params) }}"

MODEL_DATE = "{{ model_date(dag_run, params) }}"
"""The run date of the model that gives the segments."""

PLAN = "{{ plan(params) | map(attribute='name') | join(' ') }}"
"""The names of the run's jobs, with blanks between."""

CLUSTER_ID = "{{ ti.xcom_pull('create_cluster') or '' }}"

PARAMS_ERROR = "{{ validate_params(params, dag.params) }}"
"""A sentence against the run's choices, or nothing."""


def run_date(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the day a run stands for: what the form says, else the logical date, else the day it was triggered.

    The latter two are days in UTC, whatever zone Airflow or its user is in.
    """
    return str(params["run_date"] or (dag_run.logical_date or dag_run.run_after).astimezone(UTC).date())


def model_date(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the run date of the model that gives the segments: an earlier run's, or this one's."""
    return params["score_with"] or run_date(dag_run, params)


def plan(params: Mapping[str, Any]) -> tuple[Job, ...]:
    """Return the jobs of a run: those that fit a model, or those that score with the model of another run."""
    return (PREPROCESS, SCORE) if params["score_with"] else (PREPROCESS, PCA, KMEANS)


def whole(value: Any) -> Any:
    """Return a float that is a whole number as an int, and anything else as it is; for what a template writes."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


MACROS = {function.__name__: function for function in (run_date, model_date, plan, validate_params)}
"""What the templates above and those of ``sql/`` may call."""
