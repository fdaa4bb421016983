"""The reports of runs: listed from Airflow's database, read from S3.

A task with a PublishReportOperator returns the S3 URI of the report's page. The other files of the report are in the
same folder. A URL can select a file in this folder only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun, DagRunNote
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
LIMIT = 100
"""The largest number of reports in the list."""

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "md": "text/plain; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
}
RUN_AGAIN = "Run the DAG again to create it."
LARGEST_BYTES = 32 * 1024 * 1024
CLOCK_SKEW = timedelta(seconds=10)
"""The largest difference between the clocks of Airflow and S3."""

_ADDRESS = re.compile(
    r"s3://(?P<bucket>[a-z0-9.-]+)/(?P<folder>reports/(?:[a-z0-9][\w.=+-]*/)*)(?P<name>[a-z0-9][\w.-]*)",
    re.ASCII | re.IGNORECASE,
)
_NAME = re.compile(r"[a-z0-9][\w-]*\.(?P<kind>[a-z]+)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Report:
    """A run and its report; ``address`` is empty until the task that publishes it has succeeded."""

    dag_id: str
    dag_name: str
    run_id: str
    run_state: str
    run_after: datetime
    task_id: str
    task_state: str
    published: datetime | None
    address: str
    key_figures: str
    note: str
    logical_date: datetime | None
    conf: Mapping[str, Any]
    replaced: bool = False
    """Whether a later run has published its report at the same address; only set in the list of reports."""

    @property
    def run_date(self) -> str:
        """The run date in the report's address; without a report that of the run."""
        if found := re.search(r"/run_date=([\d-]+)/", self.address):
            return found[1]
        day = (self.logical_date or self.run_after).date()
        return str(self.conf.get("run_date") or day)


@dataclass(frozen=True)
class Location:
    """The location of a report on S3: its page is ``name`` in ``folder``, which ends with a slash."""

    bucket: str
    folder: str
    name: str


def newest(dag_ids: Collection[str]) -> list[Report]:
    """Return the newest runs of these DAGs that have or will have a report, newest first."""
    reports = _select(DagRun.dag_id.in_(dag_ids))
    published = [report.published for report in reports if report.published]
    last = _last_published(min(published)) if published else {}
    return [
        replace(
            report,
            replaced=bool(report.published and report.published < last.get(report.address, report.published)),
        )
        for report in reports
    ]


def _last_published(since: datetime) -> dict[str, datetime]:
    """Return when a report was last published at each address, also by runs that are not listed."""
    statement = (
        select(XComModel.value, TaskInstance.end_date)
        .join(TaskInstance, and_(*_of_task(XComModel)))
        .where(
            TaskInstance.operator == OPERATOR, XComModel.key == "return_value", TaskInstance.end_date >= since
        )
        .order_by(TaskInstance.end_date)
    )
    with create_session(scoped=False) as session:
        return {xcom_text(value): ended for value, ended in session.execute(statement)}


def _of_task(xcom: Any) -> tuple[ColumnElement[bool], ...]:
    columns = ("dag_id", "run_id", "task_id", "map_index")
    return tuple(getattr(xcom, name) == getattr(TaskInstance, name) for name in columns)


def of_run(dag_id: str, run_id: str) -> Report:
    """Return the report of a run; raise Problem if the run does not exist or has no report."""
    this_run = (DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    with create_session(scoped=False) as session:
        if session.scalar(select(DagRun.id).where(*this_run)) is None:
            raise Problem("Run not found", f"DAG {dag_id} has no run {run_id}.", HTTPStatus.NOT_FOUND)
    reports = _select(*this_run)
    if not reports:
        raise Problem("No report", f"No task of {dag_id} is a {OPERATOR}, so its runs have no report.", 200)
    report = next((report for report in reports if report.address), reports[0])
    if not report.address:
        raise Problem("No report yet", _reason(report), HTTPStatus.OK)
    return report


def _reason(report: Report) -> str:
    match report.task_state:
        case "success":
            return f"Task {report.task_id} has succeeded but returned no address."
        case "failed" | "upstream_failed" | "skipped" | "removed":
            return (
                f"{report.note.replace('**', '')} Task {report.task_id} is {report.task_state}, so this run has no "
                "report. Look at the logs of the failed tasks. After you have cleared them and they have succeeded, "
                "the report appears here."
            )
    return f"Task {report.task_id} publishes it at the end of the run, which is {report.run_state}. Reload later."


def _select(*conditions: ColumnElement[bool]) -> list[Report]:
    address, figures = aliased(XComModel), aliased(XComModel)

    def xcom_of_task(xcom: type[XComModel], key: str) -> ColumnElement[bool]:
        return and_(xcom.dag_run_id == DagRun.id, *_of_task(xcom), xcom.key == key)

    columns: dict[str, Any] = {
        "dag_id": DagRun.dag_id,
        "dag_name": DagModel.dag_display_name,
        "run_id": DagRun.run_id,
        "run_state": DagRun.state,
        "run_after": DagRun.run_after,
        "task_id": TaskInstance.task_id,
        "task_state": func.coalesce(TaskInstance.state, ""),
        "published": TaskInstance.end_date,
        "address": address.value,
        "key_figures": figures.value,
        "note": func.coalesce(DagRunNote.content, ""),
        "logical_date": DagRun.logical_date,
        "conf": DagRun.conf,
    }
    statement = (
        select(*(column.label(name) for name, column in columns.items()))
        .select_from(DagRun)
        .join(DagModel, DagModel.dag_id == DagRun.dag_id)
        .join(TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id))
        .outerjoin(address, xcom_of_task(address, "return_value"))
        .outerjoin(figures, xcom_of_task(figures, KEY_FIGURES))
        .outerjoin(DagRunNote, DagRunNote.dag_run_id == DagRun.id)
        .where(TaskInstance.operator == OPERATOR, *conditions)
        .order_by(DagRun.run_after.desc(), DagRun.id.desc(), TaskInstance.end_date.desc())
        .limit(LIMIT)
    )
    with create_session(scoped=False) as session:
        rows = [row._asdict() for row in session.execute(statement)]
    return [
        Report(
            **row
            | {"address": xcom_text(row["address"]), "key_figures": xcom_text(row["key_figures"])}
            | {"conf": row["conf"] or {}}
        )
        for row in rows
    ]


def xcom_text(value: Any) -> str:
    """Return a string XCom from its value in the database; empty for other types, which are never deserialized."""
    try:
        text = json.loads(value)
    except (TypeError, ValueError):
        text = value
    return text if isinstance(text, str) else ""


def locate(settings: Settings, report: Report) -> Location:
    """Return the location of the report; raise Problem for an address that is not below ``reports/`` of the bucket.

    Otherwise a user who may write XComs could read any object that Airflow's connection may read.
    """
    found = _ADDRESS.fullmatch(report.address)
    if not found or found["bucket"] != settings.bucket:
        reason = f"Task {report.task_id} returned {report.address!r}, which is not below {settings.s3('reports', '')}"
        raise Problem("Not the address of a report", f"{reason}.", HTTPStatus.NOT_FOUND)
    return Location(found["bucket"], found["folder"], found["name"])


def is_replaced(settings: Settings, report: Report, location: Location) -> bool:
    """Return whether a later run of the same date has replaced the report; raise Problem if there is no report."""
    with aws.errors_as_problems(settings, report.address, RUN_AGAIN):
        head = aws.s3(settings).conn.head_object(Bucket=location.bucket, Key=location.folder + location.name)
    return report.published is not None and head["LastModified"] > report.published + CLOCK_SKEW


def read(settings: Settings, location: Location, name: str) -> tuple[bytes, str]:
    """Return the content and the media type of a file of the report; raise Problem for other names."""
    kind = found["kind"].lower() if (found := _NAME.fullmatch(name)) else ""
    if kind not in CONTENT_TYPES:
        kinds = ", ".join(CONTENT_TYPES)
        raise Problem("Not a file of a report", f"A report has files of these types: {kinds}.", 404)
    with aws.errors_as_problems(settings, f"s3://{location.bucket}/{location.folder}{name}", RUN_AGAIN):
        response = aws.s3(settings).conn.get_object(Bucket=location.bucket, Key=location.folder + name)
        if response["ContentLength"] > LARGEST_BYTES:
            raise Problem("The file is too large", f"{name} has {response['ContentLength']} bytes.", 502)
        return response["Body"].read(), CONTENT_TYPES[kind]
