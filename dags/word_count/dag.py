"""
# Word count

Counts the words of text files on EMR and lists the most frequent ones with Athena: an example to copy.
Each run replaces the table `word_counts`. It costs one EMR cluster, which is terminated even if a task fails.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from airflow.sdk import DAG, Param, chain

from emr_pipeline.alerts import on_failure
from emr_pipeline.operators.athena import AthenaStatementOperator
from emr_pipeline.operators.cluster import CreateClusterOperator, TerminateClusterOperator
from emr_pipeline.operators.stage_jobs import StageJobsOperator
from emr_pipeline.operators.step import AddStepsOperator, AwaitStepOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec, StepSpec

settings = Settings.from_environment(project="word-count", database="word_count")
defaults = {"owner": settings.owner, "aws_conn_id": settings.aws_conn_id, "target": settings.target}
script = settings.s3("jobs", "{{ ti.xcom_pull('stage_jobs') }}", "word_count.py")
known = "{{ ti.xcom_pull('create_cluster') or '' }}"
flags = {"input": "{{ params.input }}", "output": settings.s3("processed", "word_counts"), "top": 1000}
step = StepSpec("count_words", script, flags=flags, execution_roles=settings.execution_roles)
athena = {"workgroup": settings.workgroup, "output_location": settings.s3("athena-results", "")}
statement = partial(AthenaStatementOperator, **athena, max_scanned_gb=1)
with DAG(
    dag_id="word_count",
    dag_display_name="Word count (example)",
    description="Most frequent words of text files, with Spark on EMR and Athena",
    doc_md=__doc__,
    schedule=None,
    max_active_runs=1,  # two runs at the same time would write the same files
    tags=["athena", "emr", "example", "spark"],
    params={"input": Param(settings.s3("raw", "*.txt"), type="string", title="Text files")},
    user_defined_macros={"settings": settings},
    on_failure_callback=on_failure(settings),
    owner_links=settings.owner_links,
    default_args=defaults | {"doc_md": "Safe to repeat: clear the task.", "retries": 2},
):
    folder = Path(settings.jobs_folder or Path(__file__).parents[2] / "spark")
    stage_jobs = StageJobsOperator(task_id="stage_jobs", folder=folder, destination=settings.s3("jobs"))
    create_database = statement(task_id="create_database", query="sql/create_database.sql")
    create_table = statement(task_id="create_table", query="sql/create_table.sql")
    cluster = ClusterSpec("emr-7.13.0", core_nodes=1)
    create_cluster = CreateClusterOperator(task_id="create_cluster", cluster=cluster, settings=settings)
    add_steps = AddStepsOperator(task_id="add_steps", cluster_id=create_cluster.output, steps=[step])
    count_words = AwaitStepOperator(task_id="count_words", cluster_id=create_cluster.output, step=step)
    terminate = TerminateClusterOperator(task_id="terminate_cluster", cluster_id=create_cluster.output)
    terminate.as_teardown(setups=create_cluster, on_failure_fail_dagrun=True)
    # A teardown is skipped when its setup failed. This one has no setup, and finds other clusters by their tags.
    sweep = TerminateClusterOperator(task_id="sweep_clusters", cluster_id=known)
    sweep.as_teardown(on_failure_fail_dagrun=True)
    top_words = statement(task_id="top_words", query="sql/top_words.sql")
    chain(stage_jobs, create_database, create_table, create_cluster, add_steps, count_words)
    chain(count_words, [terminate, sweep, top_words])
