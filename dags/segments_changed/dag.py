"""
# Segments changed

How to build on the results: this DAG runs whenever *Customer segmentation* has published `customer_segments`, and
learns from the asset's event which run date it is about. Copy it and put your own work in the place of the log line.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, dag, task

from emr_pipeline.alerts import on_failure
from emr_pipeline.settings import Settings

settings = Settings.from_environment(database="beverage_analytics")
# With its address: to a run that waits for an Asset.ref, Airflow 3.3.2 hands no events.
SEGMENTS = Asset(f"{settings.database}.customer_segments", settings.s3("processed", "customer_segments"))


@dag(
    dag_display_name="Segments changed (example)",
    doc_md=__doc__,
    schedule=[SEGMENTS],
    tags=["example", "segmentation"],
    on_failure_callback=on_failure(settings),
    owner_links=settings.owner_links,
    default_args={"owner": settings.owner, "retries": 2, "retry_delay": timedelta(seconds=10)},
)
def segments_changed() -> None:
    @task(doc_md="Logs the run date and the customers of each event. Safe to repeat: it changes nothing.")
    def read_events(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        """Return the extras of the events that have started this run, oldest first; none when started by hand."""
        extras = [event.extra for event in triggering_asset_events.get(SEGMENTS, [])]
        for extra in extras:
            logging.info("run_date=%(run_date)s has %(rows)s customers with a segment", extra)
        return extras

    read_events()


segments_changed()
