"""
# EMR reaper

Ends EMR clusters of this package that nobody will end any more: their DAG run is finished or gone, or they have lived
too long. It is the belt for the case that Airflow itself was lost between making a cluster and ending it.

- **When**: every 15 minutes.
- **What**: live clusters with the tags `dag_id` and `run_id`, and with `project` and `bucket` as set here. Others, such
  as those of another Airflow with a bucket of its own, are never touched.
- **Try first**: trigger it with *Dry run*; the log says what it would end, and why.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param

from emr_pipeline.alerts import on_failure
from emr_pipeline.cluster import deployment_tags
from emr_pipeline.operators.cluster import ReapClustersOperator
from emr_pipeline.settings import Settings

settings = Settings.from_environment()

with DAG(
    dag_id="emr_reaper",
    dag_display_name="EMR reaper",
    doc_md=__doc__,
    schedule="*/15 * * * *",
    start_date=datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # a belt is of use only when it is on
    tags=["emr", "operations"],
    params={
        "dry_run": Param(
            False,
            type="boolean",
            title="Dry run",
            description_md="Report what would be ended, and end nothing.",
        ),
        "max_hours": Param(
            12.0,
            type="number",
            exclusiveMinimum=0,
            maximum=8760,
            title="Longest life",
            description_md="Hours, up to a year, after which a cluster is ended although its run goes on.",
        ),
    },
    on_failure_callback=on_failure(settings),
    owner_links=settings.owner_links,
    default_args={"owner": settings.owner, "retries": 2, "retry_delay": timedelta(minutes=1)},
) as dag:
    ReapClustersOperator(
        task_id="reap_clusters",
        doc_md="Ends what nobody will end any more; the log says what and why. Safe to repeat. **When it fails**: look "
        "in the EMR console for clusters with the tag `project`; they cost money.",
        aws_conn_id=settings.aws_conn_id,
        tags=deployment_tags(settings),
        # Functions, because Jinja would render text.
        max_hours=lambda context, jinja_env: context["params"]["max_hours"],
        report_only=lambda context, jinja_env: context["params"]["dry_run"],
    )
