"""
# EMR reaper

Terminates abandoned EMR clusters, and applications of EMR Serverless: their DAG run has ended or no longer exists, or
they are too old. This is the safety net for a crash of Airflow between the creation of a cluster and its termination.
It also deletes applications that were stopped more than 60 days ago.

- **When**: every 15 minutes.
- **What**: live clusters with the tags `dag_id` and `run_id` and with the `project` and `bucket` of a pipeline in this
  folder. Other clusters, such as those of an Airflow with another bucket, are not touched.
- **Try first**: trigger it with *Dry run*; the log shows which clusters it would terminate, and why.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param

from emr_pipeline.alerts import on_failure
from emr_pipeline.number_field import number_field
from emr_pipeline.operators.cluster import ReapClustersOperator
from emr_pipeline.settings import Settings
from emr_pipeline.tags import deployment_tags

settings = Settings.from_environment()
PROJECTS = ("sales-segmentation", "word-count")
"""The default ``project`` of each DAG that creates clusters."""

with DAG(
    dag_id="emr_reaper",
    dag_display_name="EMR reaper",
    description="Terminates abandoned EMR clusters and EMR Serverless applications",
    doc_md=__doc__,
    schedule="*/15 * * * *",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # a safety net must be enabled
    tags=["emr", "operations"],
    params={
        "dry_run": Param(
            False,
            type="boolean",
            title="Dry run",
            description_md="Log what would be terminated, but terminate nothing.",
        ),
        "max_hours": Param(
            12.0,
            **number_field(
                "A number above 0, up to 8,760, such as 12.",
                r"(?=.*[1-9])([0-9]{1,3}|[1-7][0-9]{3}|8[0-6][0-9]{2}|87[0-5][0-9])(\.[0-9]+)?|8760(\.0+)?",
                exclusiveMinimum=0,
                maximum=8760,
            ),
            examples=[1, 6, 12, 24],
            title="Maximum age",
            description_md="Hours, up to a year, after which a cluster is terminated even if its run is still active.",
        ),
    },
    on_failure_callback=on_failure(settings),
    owner_links=settings.owner_links,
    default_args={"owner": settings.owner, "retries": 2, "retry_delay": timedelta(minutes=1)},
) as dag:
    ReapClustersOperator(
        task_id="reap_clusters",
        doc_md="Terminates abandoned clusters; the log shows which and why. Safe to repeat. **When it fails**: look in "
        "the EMR console for clusters with the tag `project`; they cost money.",
        aws_conn_id=settings.aws_conn_id,
        tags=[deployment_tags(Settings.from_environment(project=project)) for project in PROJECTS],
        # Functions, because Jinja would render text.
        max_hours=lambda context, jinja_env: float(context["params"]["max_hours"]),
        log_only=lambda context, jinja_env: context["params"]["dry_run"],
    )
