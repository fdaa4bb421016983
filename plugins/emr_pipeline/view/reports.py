"""The reports of the runs: which there are, by Airflow's database, and what is in them, from S3.

The contract with whoever builds a report: the task's operator is PublishReportOperator, its return value the S3 URI
of the page, and everything the page shows lies beside it. Nothing that a URL says becomes part of another key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import aliased

from emr_pipeline.extra_links import KEY_FIGURES
from emr_pipeline.settings import Settings
from emr_pipeline.view import aws
from emr_pipeline.view.pages import Problem

OPERATOR = "PublishReportOperator"
NEWEST = 100
"""Reports on the list."""

CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "md": "text/plain; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
}
RUN_AGAIN = "Run the DAG again to have it made."
LARGEST_BYTES = 32 * 1024 * 1024
CLOCK_SKEW = timedelta(seconds=10)
"""How far Airflow's clock and that of S3 may lie apart."""

_ADDRESS = re.compile(
    r"s3://(?P<bucket>[a-z0-9.-]+)/(?P<folder>reports/(?:[a-z0-9][\w.=+-]*/)*)(?P<name>[a-z0-9][\w.-]*)",
    re.ASCII | re.IGNORECASE,
)
_NAME = re.compile(r"[a-z0-9][\w-]*\.(?P<kind>[a-z]+)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Report:
    """A run and its report; ``address`` is empty while the task that makes it has not succeeded."""

    dag_id: str
    dag_name: str
    run_id: str
    run_state: str
    run_after: datetime
    task_id: str
    task_state: str
    made: datetime | None
    address: str
    key_figures: str

    @property
    def run_date(self) -> str:
        """The date the report is about, as its address tells."""
        found = re.search(r"/run_date=([\d-]+)/", self.address)
        return found[1] if found else ""


@dataclass(frozen=True)
class Place:
    """Where a report lies: its page is ``name`` in ``folder``, which ends with a slash."""

    bucket: str
    folder: str
    name: str


def newest(dag_ids: Collection[str]) -> list[Report]:
    """Return the newest runs of these DAGs that have a report or should get one, the newest first."""
    return _select(DagRun.dag_id.in_(dag_ids))


def of_run(dag_id: str, run_id: str) -> Report:
    """Return the report of a run; raise Problem when there is no such run or it has no report to show."""
    the_run = (DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    with create_session(scoped=False) as session:
        if session.scalar(select(DagRun.id).where(*the_run)) is None:
            raise Problem("There is no such run", f"DAG {dag_id} has no run {run_id}.", HTTPStatus.NOT_FOUND)
    reports = _select(*the_run)
    if not reports:
        raise Problem("No report", f"No task of {dag_id} is a {OPERATOR}, so its runs have none.", 200)
    report = next((report for report in reports if report.address), reports[0])
    if not report.address:
        raise Problem("No report yet", _reason(report), HTTPStatus.OK)
    return report


def _reason(report: Report) -> str:
    match report.task_state:
        case "success":
            return f"Task {report.task_id} has succeeded but left no address in its return value."
        case "failed" | "upstream_failed" | "skipped" | "removed":
            return (
                f"Task {report.task_id} is {report.task_state}, so this run made none. The run's tasks tell why; "
                "clear what failed, and the report appears here."
            )
    return f"Task {report.task_id} makes it at the end of the run, which is {report.run_state}; look again later."


def _select(*conditions: ColumnElement[bool]) -> list[Report]:
    address, figures = aliased(XComModel), aliased(XComModel)

    def left_by_task(xcom: type[XComModel], key: str) -> ColumnElement[bool]:
        task = (xcom.task_id == TaskInstance.task_id, xcom.map_index == TaskInstance.map_index)
        return and_(xcom.dag_run_id == DagRun.id, *task, xcom.key == key)

    columns: dict[str, Any] = {
        "dag_id": DagRun.dag_id,
        "dag_name": DagModel.dag_display_name,
        "run_id": DagRun.run_id,
        "run_state": DagRun.state,
        "run_after": DagRun.run_after,
        "task_id": TaskInstance.task_id,
        "task_state": func.coalesce(TaskInstance.state, ""),
        "made": TaskInstance.end_date,
        "address": address.value,
        "key_figures": figures.value,
    }
    statement = (
        select(*(column.label(name) for name, column in columns.items()))
        .select_from(DagRun)
        .join(DagModel, DagModel.dag_id == DagRun.dag_id)
        .join(TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id))
        .outerjoin(address, left_by_task(address, "return_value"))
        .outerjoin(figures, left_by_task(figures, KEY_FIGURES))
        .where(TaskInstance.operator == OPERATOR, *conditions)
        .order_by(DagRun.run_after.desc(), DagRun.id.desc(), TaskInstance.end_date.desc())
        .limit(NEWEST)
    )
    with create_session(scoped=False) as session:
        rows = [row._asdict() for row in session.execute(statement)]
    return [
        Report(**row | {"address": _text(row["address"]), "key_figures": _text(row["key_figures"])})
        for row in rows
    ]


def _text(value: Any) -> str:
    """Return an XCom's text as the database holds it; empty for anything else, which is never deserialized."""
    try:
        text = json.loads(value)
    except (TypeError, ValueError):
        text = value
    return text if isinstance(text, str) else ""


def place(settings: Settings, report: Report) -> Place:
    """Return where the report lies; raise Problem for an address outside of the reports of the bucket.

    Whoever may write XComs could otherwise read, through Airflow's connection, what is not theirs.
    """
    found = _ADDRESS.fullmatch(report.address)
    if not found or found["bucket"] != settings.bucket:
        reason = f"Task {report.task_id} returned {report.address!r}, which is not below {settings.s3('reports', '')}"
        raise Problem("This address is not one of a report", f"{reason}.", HTTPStatus.NOT_FOUND)
    return Place(found["bucket"], found["folder"], found["name"])


def is_replaced(settings: Settings, report: Report, where: Place) -> bool:
    """Return whether a later run has put its report of the same date there; raise Problem when there is none."""
    with aws.explained(settings, report.address, RUN_AGAIN):
        head = aws.s3(settings).conn.head_object(Bucket=where.bucket, Key=where.folder + where.name)
    return report.made is not None and head["LastModified"] > report.made + CLOCK_SKEW


def read(settings: Settings, where: Place, name: str) -> tuple[bytes, str]:
    """Return the content and media type of the page or of a picture beside it; raise Problem for anything else."""
    kind = found["kind"].lower() if (found := _NAME.fullmatch(name)) else ""
    if kind not in CONTENT_TYPES:
        kinds = ", ".join(CONTENT_TYPES)
        raise Problem("Not part of a report", f"A report has files with plain names and of {kinds}.", 404)
    with aws.explained(settings, f"s3://{where.bucket}/{where.folder}{name}", RUN_AGAIN):
        response = aws.s3(settings).conn.get_object(Bucket=where.bucket, Key=where.folder + name)
        if response["ContentLength"] > LARGEST_BYTES:
            raise Problem("Too large to show", f"{name} has {response['ContentLength']} bytes.", 502)
        return response["Body"].read(), CONTENT_TYPES[kind]
