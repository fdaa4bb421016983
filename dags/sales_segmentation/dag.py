"""
# Customer segmentation

Takes the raw sales lines of a beverage seller and leaves, for one `run_date`: cleaned sales, quarantined lines with
reasons, customer features, principal components, a segment for each customer, a profile of each segment, saved
models, Athena tables over all of it, and a report with the answers to the business questions.

- **When**: on demand. Open *Trigger*, change what you like, run.
- **Input**: CSV at `input`, with a header; lines that break a rule are set aside with the reason, not lost.
- **Dates** are days in UTC: a run that is triggered in Berlin at 00:30 stands for the day before, unless *Run date* is
  given.
- **Output**: `processed/<dataset>/run_date=…/`, `models/`, `metrics/`, `reports/` and `athena-results/` of the bucket,
  tables in the Glue database.
- **Score**: with *Score with the model of*, nothing is fitted: the models of that run date give the segments.
- **Cost**: one EMR cluster for the time of the steps. It is terminated whatever happens, and ends itself when idle.
- **Again**: a run may be repeated or cleared; it replaces its own `run_date` and nothing else.
- **Trouble**: each task says on its page what to do when it fails. A failed run, or one of over four hours, is alerted.
- **Build on it**: each table is an asset; its event has the `run_date` and the `rows`. See the DAG *Segments changed*.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from airflow.sdk import DAG, Asset, TaskGroup, TriggerRule, chain, task

from emr_pipeline.alerts import late_after, on_failure
from emr_pipeline.operators.athena import AthenaStatementOperator, VerifyRowCountsOperator
from emr_pipeline.operators.check_input import CheckInputOperator
from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.operators.publish_report import PublishReportOperator
from emr_pipeline.operators.stage_jobs import StageJobsOperator
from emr_pipeline.operators.step import AddStepsOperator, AwaitStepOperator
from emr_pipeline.settings import Settings
from sales_segmentation.datasets import DATASETS, QUESTIONS, RAW_COLUMNS
from sales_segmentation.jobs import BOOTSTRAP, CLUSTER, FOLDER, JOBS
from sales_segmentation.params import params
from sales_segmentation.report import key_figures, render
from sales_segmentation.run import CLUSTER_ID, MACROS, MODEL_DATE, PARAMS_ERROR, PLAN, RUN_DATE, whole
from sales_segmentation.runbook import task_docs

settings = Settings.from_environment()
athena: dict[str, Any] = {
    "database": settings.database,
    "workgroup": settings.workgroup,
    "output_location": settings.s3("athena-results", f"run_date={RUN_DATE}", ""),
    "max_scanned_gb": "{{ params.max_scanned_gb }}",
}
models = settings.s3("models", f"run_date={MODEL_DATE}", "")
tables = [dataset.params | {"processed": settings.s3("processed")} for dataset in DATASETS]
group = partial(TaskGroup, prefix_group_id=False)  # for a task's id is also its job's, and its step's

with DAG(
    dag_id="sales_segmentation",
    dag_display_name="Customer segmentation",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2024, 1, 1),
    max_active_runs=1,  # two of one run date would write the same partitions; the second waits
    tags=["athena", "emr", "segmentation", "spark"],
    params=params(settings),
    user_defined_macros=MACROS,
    jinja_environment_kwargs={"finalize": whole},
    on_failure_callback=on_failure(settings),
    deadline=late_after(timedelta(hours=4), settings),
    owner_links=settings.owner_links,
    default_args={
        "owner": settings.owner,
        "aws_conn_id": settings.aws_conn_id,
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
    },
) as dag:
    with group("prepare", "Prepare", tooltip="Before anything costs money"):
        stage_jobs = StageJobsOperator(
            **task_docs("stage_jobs"), folder=FOLDER, destination=settings.s3("jobs")
        )
        check_input = CheckInputOperator(
            **task_docs("check_input"),
            uri="{{ params.input }}",
            columns=RAW_COLUMNS,
            params_error=PARAMS_ERROR,
            models=f"{{% if params.score_with %}}{models}{{% endif %}}",
        )
        create_database = AthenaStatementOperator(
            **task_docs("create_database"),
            query="sql/create_database.sql",
            params={"database": settings.database},
            **athena | {"database": ""},  # which is not there yet
        )
        create_tables = AthenaStatementOperator.partial(
            **task_docs("create_tables"),
            query="sql/create_tables.sql",
            map_index_template="{{ params.dataset }}",
            **athena,
        ).expand(params=tables)

    with group("spark", "Spark on EMR", tooltip="One cluster; its steps fit new models, or score"):
        create_cluster = CreateClusterOperator(
            **task_docs("create_cluster"),
            cluster=CLUSTER,
            bootstrap=settings.s3(BOOTSTRAP),
            settings=settings,
        )
        steps = [job.step(settings) for job in JOBS]
        add_steps = AddStepsOperator(**task_docs("add_steps"), cluster_id=CLUSTER_ID, steps=steps, plan=PLAN)
        preprocess, pca, kmeans, score = (
            AwaitStepOperator(**task_docs(step["Name"]), cluster_id=CLUSTER_ID, step=step) for step in steps
        )

        @task.branch
        def fit_or_score(names: str) -> str:
            """Go on with the second job of the plan."""
            return names.split()[1]

        branch = fit_or_score.override(**task_docs("fit_or_score"))(PLAN)

    with group("clean_up", "Clean up", tooltip="Runs whatever happened: no cluster is left"):
        terminate_cluster = TerminateClusterOperator(**task_docs("terminate_cluster"), cluster_id=CLUSTER_ID)
        terminate_cluster.as_teardown(setups=create_cluster, on_failure_fail_dagrun=True)
        # A teardown does not run when its set-up failed; this one has none, and finds what a lost worker has left.
        sweep_clusters = TerminateClusterOperator(**task_docs("sweep_clusters"), cluster_id="")
        sweep_clusters.as_teardown(on_failure_fail_dagrun=True)

    with group("athena", "Tables and questions", tooltip="On Athena, over what the steps wrote"):
        repair_tables = AthenaStatementOperator.partial(
            **task_docs("repair_tables"),
            query="sql/repair_tables.sql",
            map_index_template="{{ params.dataset }}",
            # One of the two ways has been skipped.
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
            **athena,
        ).expand(params=tables)
        verify_row_counts = VerifyRowCountsOperator(
            **task_docs("verify_row_counts"),
            query="sql/verify_row_counts.sql",
            metrics=settings.s3("metrics", f"run_date={RUN_DATE}"),
            plan=PLAN,
            run_date=RUN_DATE,
            outlets=[
                Asset(f"{settings.database}.{dataset.name}", settings.s3("processed", dataset.name))
                for dataset in DATASETS
            ],
            **athena,
        )
        queries = AthenaStatementOperator.partial(
            **task_docs("queries"), map_index_template="{{ params.question }}", **athena
        ).expand_kwargs([{"query": f"sql/{name}.sql", "params": {"question": name}} for name in QUESTIONS])

    publish_report = PublishReportOperator(
        **task_docs("publish_report"),
        questions=QUESTIONS,
        query_ids=queries.output,
        metrics=[
            (settings.s3("metrics", f"run_date={RUN_DATE}"), PLAN),
            (settings.s3("metrics", f"run_date={MODEL_DATE}"), "pca kmeans"),
        ],
        facts={"run_date": RUN_DATE, "model_date": MODEL_DATE, "plan": PLAN, "input": "{{ params.input }}"},
        cluster_id=CLUSTER_ID,
        render=render,
        key_figures=key_figures,
        destination=settings.s3("reports", f"run_date={RUN_DATE}"),
        outlets=[Asset("sales_segmentation.report", settings.s3("reports"))],
    )

    chain([stage_jobs, check_input], create_database, create_tables, create_cluster)
    chain(create_cluster, add_steps, preprocess, branch, [pca, score])
    chain(pca, kmeans)
    # The cluster ends once its outputs are proved; the report is a leaf beside the teardowns: with those alone, a
    # failed run would end green.
    chain([kmeans, score], repair_tables, verify_row_counts, [terminate_cluster, sweep_clusters, queries])
    chain(queries, publish_report)
