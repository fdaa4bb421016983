"""
# Customer segmentation

Takes the raw sales lines of a beverage seller and leaves, for one `run_date`: cleaned sales, quarantined lines with
reasons, customer features, principal components, a segment for each customer, a profile of each segment, saved
models, Athena tables over all of it, and a report with the answers to the business questions.

- **When**: on demand. Open *Trigger*, change what you like, run.
- **Input**: CSV at `input`, with a header; lines that break a rule are set aside with the reason, not lost.
- **Output**: `processed/<dataset>/run_date=…/`, `models/`, `metrics/`, `reports/` and `athena-results/` of the bucket,
  tables in the Glue database.
- **Score**: with *Score with the model of*, nothing is fitted: the models of that run date give the segments.
- **Cost**: one EMR cluster for the time of the steps. It is terminated whatever happens, and ends itself when idle.
- **Again**: a run may be repeated or cleared; it replaces its own `run_date` and nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, TriggerRule, chain, task

from emr_pipeline.operators.athena import AthenaStatementOperator, ReconcileOperator
from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.operators.step import AddStepsOperator, AwaitStepOperator
from emr_pipeline.operators.storage import CheckInputOperator, PublishReportOperator, StageJobsOperator
from emr_pipeline.settings import Settings
from sales_segmentation.datasets import DATASETS, QUESTIONS, RAW_COLUMNS
from sales_segmentation.jobs import (
    BOOTSTRAP,
    CLUSTER,
    CLUSTER_ID,
    FOLDER,
    JOBS,
    MODEL_DATE,
    PLAN,
    RUN_DATE,
    model_date,
    plan,
    run_date,
)
from sales_segmentation.params import params
from sales_segmentation.report import render

settings = Settings.from_environment()
athena: dict[str, Any] = {
    "database": settings.database,
    "workgroup": settings.workgroup,
    "output_location": settings.s3("athena-results", f"run_date={RUN_DATE}", ""),
    "max_scanned_gb": "{{ params.max_scanned_gb }}",
}

with DAG(
    dag_id="sales_segmentation",
    dag_display_name="Customer segmentation",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2024, 1, 1),
    tags=["athena", "emr", "segmentation", "spark"],
    params=params(settings),
    user_defined_macros={"run_date": run_date, "model_date": model_date, "plan": plan},
    default_args={
        "owner": "data-engineering",
        "aws_conn_id": settings.aws_conn_id,
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
    },
) as dag:
    stage_jobs = StageJobsOperator(task_id="stage_jobs", folder=FOLDER, destination=settings.s3("jobs"))
    check_input = CheckInputOperator(task_id="check_input", uri="{{ params.input }}", columns=RAW_COLUMNS)

    create_cluster = CreateClusterOperator(
        task_id="create_cluster", cluster=CLUSTER, bootstrap=settings.s3(BOOTSTRAP), settings=settings
    )
    steps = [job.step(settings) for job in JOBS]
    add_steps = AddStepsOperator(task_id="add_steps", cluster_id=CLUSTER_ID, steps=steps, plan=PLAN)
    preprocess, pca, kmeans, score = (
        AwaitStepOperator(task_id=step["Name"], cluster_id=CLUSTER_ID, step=step) for step in steps
    )

    @task.branch
    def fit_or_score(names: str) -> str:
        """Go on with the second job of the plan."""
        return names.split()[1]

    terminate_cluster = TerminateClusterOperator(task_id="terminate_cluster", cluster_id=CLUSTER_ID)
    terminate_cluster.as_teardown(setups=create_cluster, on_failure_fail_dagrun=True)
    # A teardown does not run when its set-up failed; this one has none, and finds what a lost worker has left.
    sweep_clusters = TerminateClusterOperator(task_id="sweep_clusters", cluster_id="")
    sweep_clusters.as_teardown(on_failure_fail_dagrun=True)

    create_database = AthenaStatementOperator(
        task_id="create_database",
        query="sql/create_database.sql",
        params={"database": settings.database},
        # One of the two ways has been skipped.
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        **athena | {"database": "default"},
    )
    create_tables, repair_tables = (
        AthenaStatementOperator.partial(
            task_id=task_id, query=f"sql/{task_id}.sql", map_index_template="{{ params.dataset }}", **athena
        ).expand(params=[dataset.params | {"processed": settings.s3("processed")} for dataset in DATASETS])
        for task_id in ("create_tables", "repair_tables")
    )
    reconcile = ReconcileOperator(
        task_id="reconcile",
        query="sql/reconcile.sql",
        metrics=settings.s3("metrics", f"run_date={RUN_DATE}"),
        plan=PLAN,
        **athena,
    )
    queries = AthenaStatementOperator.partial(
        task_id="queries", map_index_template="{{ params.question }}", **athena
    ).expand_kwargs([{"query": f"sql/{name}.sql", "params": {"question": name}} for name in QUESTIONS])

    publish_report = PublishReportOperator(
        task_id="publish_report",
        questions=QUESTIONS,
        query_ids=queries.output,
        facts={
            "run_date": RUN_DATE,
            "model_of": MODEL_DATE,
            "input": "{{ params.input }}",
            "seed": "{{ params.seed }}",
        },
        render=render,
        destination=settings.s3("reports", f"run_date={RUN_DATE}", "report.md"),
    )

    chain([stage_jobs, check_input], create_cluster, add_steps, preprocess, fit_or_score(PLAN), [pca, score])
    chain(pca, kmeans)
    chain([kmeans, score], create_database, create_tables, repair_tables, reconcile, queries)
    # The report is an ordinary leaf beside the teardowns: with those alone, a failed run would end green.
    chain(queries, [publish_report, terminate_cluster, sweep_clusters])
