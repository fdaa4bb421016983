"""
# Segments changed

An example of a DAG that uses the results. It runs each time *Customer segmentation* has published `customer_segments`,
and reads the run date from the asset event. Copy it, and replace the log line with your own work.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, dag, task

from emr_pipeline.alerts import on_failure
from emr_pipeline.settings import Settings

settings = Settings.from_environment(database="beverage_analytics")
# With name and URI: a run that is scheduled on an Asset.ref gets no events in Airflow 3.3.2.
SEGMENTS = Asset(f"{settings.database}.customer_segments", settings.s3("processed", "customer_segments"))


@dag(
    dag_display_name="Segments changed (example)",
    description="Logs the run date and the number of customers when new segments are published",
    doc_md=__doc__,
    schedule=[SEGMENTS],
    tags=["example", "segmentation"],
    on_failure_callback=on_failure(settings),
    owner_links=settings.owner_links,
    default_args={"owner": settings.owner, "retries": 2, "retry_delay": timedelta(seconds=10)},
)
def segments_changed() -> None:
    @task(
        doc_md="Logs the run date and the number of customers of each event. Safe to repeat: it changes nothing."
    )
    def read_events(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        """Return the extras of the events that triggered this run, oldest first; none after a manual trigger."""
        extras = [event.extra for event in triggering_asset_events.get(SEGMENTS, [])]
        for extra in extras:
            logging.info("run_date=%(run_date)s has %(rows)s customers with a segment", extra)
        return extras

    read_events()


segments_changed()
