"""The costs of earlier runs, one JSON file for each run in the folder ``costs/<dag id>/`` of the bucket.

The names of the files begin with the time of the run, so that the newest ones are found without reading all of them.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from emr_pipeline.cost import ClusterCost, RunCost, Use

MAX_AGE = timedelta(days=180)
"""Older runs are not read."""

MAX_RUNS = 20
"""The newest runs that are read."""

log = logging.getLogger(__name__)


def record_key(dag_id: str, run_id: str, run_after: datetime) -> str:
    """Return the S3 key of a run's record; it is the same when the run is cleared and recorded again."""
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:8]
    return f"{_folder(dag_id)}{run_after:%Y-%m-%dT%H-%M-%S}_{digest}.json"


def write_run_cost(s3: Any, bucket: str, key: str, run: RunCost) -> None:
    document = asdict(run) | {"dollars": run.dollars}
    body = json.dumps(document, indent=2).encode()
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def read_run_costs(s3: Any, bucket: str, dag_id: str, now: datetime) -> list[RunCost]:
    """Return the costs of the newest runs of a DAG, newest first; a file that cannot be read is skipped."""
    folder = _folder(dag_id)
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=folder, StartAfter=f"{folder}{now - MAX_AGE:%Y-%m-%d}"
    )
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    runs = []
    for key in reversed(keys[-MAX_RUNS:]):
        try:
            runs.append(_run_cost(json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())))
        except (KeyError, TypeError, ValueError) as error:
            log.warning("s3://%s/%s is not the cost of a run: %r", bucket, key, error)
    return runs


def clusters_of_record(s3: Any, bucket: str, dag_id: str, run_id: str, run_after: datetime) -> set[str]:
    """Return the ids of the clusters in a run's record, also of those that AWS no longer knows; none without a record.

    Only a task with Airflow's AWS connection writes this record, from the tags of the clusters.
    """
    try:
        response = s3.get_object(Bucket=bucket, Key=record_key(dag_id, run_id, run_after))
    except s3.exceptions.NoSuchKey:
        return set()
    run = _run_cost(json.loads(response["Body"].read()))
    owned = (run.tags.get("dag_id"), run.tags.get("run_id")) == (dag_id, run_id)
    return {cluster.cluster_id for cluster in run.clusters} if owned else set()


def _folder(dag_id: str) -> str:
    return f"costs/{dag_id}/"


def _run_cost(document: Mapping[str, Any]) -> RunCost:
    members = {name: value for name, value in document.items() if name != "dollars"}
    return RunCost(**members | {"clusters": tuple(_cluster(each) for each in document["clusters"])})


def _cluster(document: Mapping[str, Any]) -> ClusterCost:
    return ClusterCost(**{**document, "uses": tuple(Use(**use) for use in document["uses"])})
