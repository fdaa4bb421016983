"""What the params of a run mean: its dates, its jobs, and the values that its tasks get.

Text is rendered by Jinja. A value of another type is returned by a function, which Airflow calls when it renders the
template field: https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/operators.html#jinja-templating
With ``render_template_as_native_obj`` any text that looks like a number would become one, such as the code version
``123456789e12``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from emr_pipeline.settings import Settings
from sales_segmentation.jobs import KMEANS, PCA, PREPROCESS, SCORE, Job
from sales_segmentation.params import validate_params

Context = Mapping[str, Any]
"""Airflow's template context."""

RUN_DATE = "{{ run_date(dag_run, params) }}"

CLUSTER_ID = "{{ ti.xcom_pull('create_cluster') or '' }}"


def run_date(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the run date: the param if given, else the logical date, else the day of the trigger, both in UTC."""
    return str(params["run_date"] or (dag_run.logical_date or dag_run.run_after).astimezone(UTC).date())


def model_date(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the run date of the run that fitted the model: an earlier run's when scoring, else this one's."""
    return params["score_with"] or run_date(dag_run, params)


def jobs(params: Mapping[str, Any]) -> tuple[Job, ...]:
    """Return the jobs of a run in their order: those that fit a model, or those that score with an earlier one."""
    return (PREPROCESS, SCORE) if params["score_with"] else (PREPROCESS, PCA, KMEANS)


MACROS = {function.__name__: function for function in (run_date, model_date, jobs)}
"""The functions that templates may call, those of ``sql/`` too."""


def int_if_whole(value: Any) -> Any:
    """Return a float without a fraction as an int, and any other value unchanged; used for all that Jinja renders.

    JSON schema accepts 4.0 as an integer, but the flag of a job must be written 4.
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


def plan(context: Context, jinja_env: object = None) -> list[str]:
    """Return the names of the run's jobs in their order."""
    return [job.name for job in jobs(context["params"])]


def second_job(params: Any = None) -> str:
    """Return the name of the job after preprocess; Airflow passes the params of the run."""
    return jobs(params)[1].name


def metrics(folder: str, context: Context, jinja_env: object = None) -> dict[str, str]:
    """Return the URI of the metrics file of each job of the run; ``folder`` holds those of all runs."""
    date = run_date(context["dag_run"], context["params"])
    return {job: f"{folder}/run_date={date}/{job}.json" for job in plan(context)}


def report_metrics(folder: str, context: Context, jinja_env: object = None) -> dict[str, str]:
    """Return the same, and the metrics files of the jobs that fitted the model."""
    date = model_date(context["dag_run"], context["params"])
    fit = {job.name: f"{folder}/run_date={date}/{job.name}.json" for job in (PCA, KMEANS)}
    return metrics(folder, context) | fit


def facts(context: Context, jinja_env: object = None) -> dict[str, Any]:
    """Return the facts of the run for the report and its asset event."""
    dag_run, params = context["dag_run"], context["params"]
    return {
        "run_date": run_date(dag_run, params),
        "model_date": model_date(dag_run, params),
        "plan": plan(context),
        "input": params["input"],
    }


def max_scanned_gb(context: Context, jinja_env: object = None) -> float:
    return float(context["params"]["max_scanned_gb"])


def precondition(settings: Settings, context: Context, s3: Any) -> str:
    """Return why the run must not start, or an empty string: an error in its params, or the lack of models to score."""
    params = context["params"]
    if error := validate_params(params, context["dag"].params):
        return error
    folder = f"models/run_date={params['score_with']}/"
    if params["score_with"] and not s3.list_keys(settings.bucket, prefix=folder, max_items=1):
        return (
            f"there are no models at {settings.s3(folder)}; score with the date of a run that has fitted some"
        )
    return ""


def athena(settings: Settings) -> dict[str, Any]:
    """Return the arguments that all Athena tasks share."""
    return {
        "database": settings.database,
        "workgroup": settings.workgroup,
        "output_location": settings.s3("athena-results", f"run_date={RUN_DATE}", ""),
        "max_scanned_gb": max_scanned_gb,
    }
