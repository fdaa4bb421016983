"""The values that are derived from the params of a run: its dates, its jobs, and the values of template fields.

A template field with text is a Jinja template. A template field with a value of another type is a function, which
Airflow calls at run time: https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/operators.html#jinja-templating
``render_template_as_native_obj`` is not used, because it converts all text that looks like a number, for example the
code version ``123456789e12``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
from functools import partial
from typing import Any

from emr_pipeline.settings import Settings
from sales_segmentation.datasets import INPUT_COLUMNS
from sales_segmentation.jobs import KMEANS, PCA, PREPROCESS, SCORE, Job, cluster
from sales_segmentation.params import validate_params

Context = Mapping[str, Any]
"""Airflow's template context."""

RUN_DATE = "{{ run_date(dag_run, params) }}"

TARGET = "{{ params.target }}"

CLUSTER_ID = "{{ ti.xcom_pull('create_cluster') or '' }}"


def run_date(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the run date: the param if given, else the logical date, else the day of the trigger, both in UTC."""
    return str(params["run_date"] or (dag_run.logical_date or dag_run.run_after).astimezone(UTC).date())


def lock_key(context: Context) -> str:
    """Return the key of the lock of a run, which all runs of its run date share."""
    return f"locks/run_date={run_date(context['dag_run'], context['params'])}.json"


def model_date(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the run date of the run that fitted the models: an earlier run if this run scores, else this run."""
    return params["score_with"] or run_date(dag_run, params)


def jobs(params: Mapping[str, Any]) -> tuple[Job, ...]:
    """Return the jobs of a run in their order: those that fit models, or those that score with existing models."""
    return (PREPROCESS, SCORE) if params["score_with"] else (PREPROCESS, PCA, KMEANS)


def mapping(ti: Any) -> str:
    """Return the mapping that ``check_input`` has read, as the flag of the job."""
    return ti.xcom_pull("check_input", key="mapping") or "none"


MACROS = {function.__name__: function for function in (run_date, model_date, jobs, mapping)}
"""The functions that templates may call, in ``sql/`` too."""


def int_if_whole(value: Any) -> Any:
    """Return a float without a fraction as an int, and any other value unchanged.

    Jinja calls this for each value that it writes: JSON schema accepts 4.0 as an integer, but a flag must be 4.
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
    """Return the same, with the metrics files of the jobs that fitted the models."""
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
        "estimate": (context["ti"].xcom_pull("estimate_cost", key="estimate") or {}).get("summary", ""),
    }


def input_bytes(context: Context, jinja_env: object = None) -> int:
    """Return the size of the input, which ``check_input`` has found."""
    return int(context["ti"].xcom_pull("check_input"))


def budget(context: Context, jinja_env: object = None) -> float | None:
    """Return the budget of the run in US dollars; None for no budget."""
    limit = context["params"]["budget"]
    return None if limit is None else float(limit)


ESTIMATE: dict[str, Any] = {
    "steps": plan,
    "input_bytes": input_bytes,
    "budget": budget,
    "over_budget": "{{ params.over_budget }}",
}
"""What the estimate of the cost depends on, in addition to the cluster."""


def max_scanned_gb(context: Context, jinja_env: object = None) -> float:
    """Return how many GB a query may scan."""
    return float(context["params"]["max_scanned_gb"])


def precondition(settings: Settings, context: Context, s3: Any) -> str:
    """Return an error if a param is wrong or the models to score with do not exist, or an empty string."""
    params = context["params"]
    if error := validate_params(params, context["dag"].params):
        return error
    if params["run_date"] and context["dag_run"].run_type == "backfill":
        return (
            f"run_date is {params['run_date']} for all runs of this backfill; leave it out: the run date of each run "
            "is its logical date"
        )
    folder = f"models/run_date={params['score_with']}/"
    if params["score_with"] and not s3.list_keys(settings.bucket, prefix=folder, max_items=1):
        return (
            f"there are no models at {settings.s3(folder)}; choose the run date of a run that fitted models"
        )
    return ""


def input_check(settings: Settings) -> dict[str, Any]:
    """Return what ``check_input`` checks."""
    check = partial(precondition, settings)
    mapping = "{{ params.mapping or '' }}"
    return {"uri": "{{ params.input }}", "mapping": mapping, "columns": INPUT_COLUMNS, "precondition": check}


def default_args(settings: Settings) -> dict[str, Any]:
    """Return the arguments that all tasks share."""
    shared = {"owner": settings.owner, "aws_conn_id": settings.aws_conn_id, "target": TARGET}
    return shared | {"retries": 2, "retry_delay": timedelta(seconds=10)}


def nodes(settings: Settings) -> dict[str, Any]:
    """Return the arguments of the tasks that estimate and create the cluster."""
    return {"cluster": cluster(settings), "settings": settings}


def athena(settings: Settings) -> dict[str, Any]:
    """Return the arguments that all Athena tasks share."""
    return {
        "database": settings.database,
        "workgroup": settings.workgroup,
        "output_location": settings.s3("athena-results", f"run_date={RUN_DATE}", ""),
        "max_scanned_gb": max_scanned_gb,
    }
