"""The customer segmentation pipeline; dag.md describes it, and runbook.md each task."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from airflow.sdk import DAG, Asset, CronTriggerTimetable, TaskGroup, TriggerRule, chain, task

from emr_pipeline.alerts import late_after, on_failure
from emr_pipeline.operators.athena import AthenaStatementOperator, VerifyRowCountsOperator
from emr_pipeline.operators.check_input import CheckInputOperator
from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.operators.estimate_cost import EstimateCostOperator
from emr_pipeline.operators.publish_report import PublishReportOperator
from emr_pipeline.operators.record_cost import RecordCostOperator
from emr_pipeline.operators.stage_jobs import StageJobsOperator
from emr_pipeline.operators.step import AddStepsOperator, AwaitStepOperator
from emr_pipeline.run_lock import RunLock
from emr_pipeline.settings import Settings
from sales_segmentation import params, report, run
from sales_segmentation.datasets import DATASETS, QUESTIONS
from sales_segmentation.jobs import FOLDER, JOBS
from sales_segmentation.run import CLUSTER_ID, RUN_DATE, plan
from sales_segmentation.runbook import task_docs

settings = Settings.from_environment(project="sales-segmentation", database="beverage_analytics")
s3, athena, nodes = settings.s3, run.athena(settings), run.nodes(settings)
jobs_folder = Path(settings.jobs_folder or FOLDER)
lock = RunLock(settings, run.lock_key)  # two runs of one run date would write the same files
each_table = athena | {"map_index_template": "{{ params.dataset }}"}
tables = [dataset.params for dataset in DATASETS]
assets = [Asset(f"{settings.database}.{dataset.name}", s3("processed", dataset.name)) for dataset in DATASETS]
one_branch = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS  # kmeans or score is skipped
group = partial(TaskGroup, prefix_group_id=False)  # a task, its job and its step have the same name

with DAG(
    dag_id="sales_segmentation",
    dag_display_name="Customer segmentation",
    description="Segments of the customers, from sales lines to a report, with Spark on EMR and Athena",
    doc_md=Path(__file__).with_suffix(".md").read_text(encoding="utf-8"),
    schedule=CronTriggerTimetable(settings.schedule, timezone="UTC") if settings.schedule else None,
    start_date=datetime(2024, 1, 1),
    catchup=False,  # earlier dates are created by a backfill
    max_active_runs=1,  # does not count the runs of a backfill
    tags=["athena", "emr", "segmentation", "spark"],
    params=params.form(settings),
    user_defined_macros=run.MACROS | {"settings": settings},
    jinja_environment_kwargs={"finalize": run.int_if_whole},
    on_failure_callback=on_failure(settings),
    deadline=late_after(timedelta(hours=4), settings),
    owner_links=settings.owner_links,
    default_args=run.default_args(settings),
) as dag:
    with group("prepare", "Prepare", tooltip="Before anything costs money"):
        stage_jobs = StageJobsOperator(**task_docs("stage_jobs"), folder=jobs_folder, destination=s3("jobs"))
        check_input = CheckInputOperator(**task_docs("check_input"), **run.input_check(settings))
        estimate_cost = EstimateCostOperator(**task_docs("estimate_cost"), **nodes, **run.ESTIMATE)
        create_database = AthenaStatementOperator(
            **task_docs("create_database"), query="sql/create_database.sql", **athena | {"database": ""}
        )  # the database does not exist yet
        create_tables = AthenaStatementOperator.partial(
            **task_docs("create_tables"), query="sql/create_tables.sql", **each_table
        ).expand(params=tables)

    with group("spark", "Spark on EMR", tooltip="One cluster; its steps fit new models, or score"):
        create_cluster = CreateClusterOperator(**task_docs("create_cluster"), **nodes, pre_execute=lock)
        steps = [job.step(settings) for job in JOBS]
        add_steps = AddStepsOperator(**task_docs("add_steps"), cluster_id=CLUSTER_ID, steps=steps, plan=plan)
        preprocess, pca, kmeans, score = (
            AwaitStepOperator(**task_docs(step.name), cluster_id=CLUSTER_ID, step=step) for step in steps
        )
        fit_or_score = task.branch(run.second_job, **task_docs("fit_or_score"))()

    with group("clean_up", "Clean up", tooltip="Always runs: no cluster is left"):
        terminate_cluster = TerminateClusterOperator(**task_docs("terminate_cluster"), cluster_id=CLUSTER_ID)
        terminate_cluster.as_teardown(setups=create_cluster, on_failure_fail_dagrun=True)
        # A teardown is skipped when its setup failed. This one has no setup.
        sweep_clusters = TerminateClusterOperator(**task_docs("sweep_clusters"), cluster_id=CLUSTER_ID)
        sweep_clusters.as_teardown(on_failure_fail_dagrun=True)
        record_cost = RecordCostOperator(**task_docs("record_cost"), settings=settings).as_teardown()

    with group("athena", "Tables and questions", tooltip="On Athena, over the outputs of the steps"):
        repair_tables = AthenaStatementOperator.partial(
            **task_docs("repair_tables"), query="sql/repair_tables.sql", trigger_rule=one_branch, **each_table
        ).expand(params=tables)
        verify_row_counts = VerifyRowCountsOperator(
            **task_docs("verify_row_counts"),
            query="sql/verify_row_counts.sql",
            metrics=partial(run.metrics, s3("metrics")),
            run_date=RUN_DATE,
            outlets=assets,
            **athena,
        )
        queries = AthenaStatementOperator.partial(
            **task_docs("queries"), map_index_template="{{ params.question }}", **athena
        ).expand_kwargs([{"query": f"sql/{name}.sql", "params": {"question": name}} for name in QUESTIONS])

    publish_report = PublishReportOperator(
        **task_docs("publish_report"),
        questions=QUESTIONS,
        query_ids=queries.output,
        metrics=partial(run.report_metrics, s3("metrics")),
        facts=run.facts,
        cluster_id=CLUSTER_ID,
        render=report.render,
        key_figures=report.key_figures,
        destination=s3("reports", f"run_date={RUN_DATE}"),
        outlets=[Asset("sales_segmentation.report", s3("reports"))],
    )

    chain([stage_jobs, check_input], estimate_cost, create_database, create_tables, create_cluster)
    chain(create_cluster, add_steps, preprocess, fit_or_score, [pca, score])
    chain(pca, kmeans)
    # With teardowns as the only leaves, a failed run would end as successful, so publish_report is a leaf too.
    chain([kmeans, score], repair_tables, verify_row_counts, [terminate_cluster, sweep_clusters, queries])
    chain(queries, publish_report)
    chain([terminate_cluster, sweep_clusters, queries], record_cost)
