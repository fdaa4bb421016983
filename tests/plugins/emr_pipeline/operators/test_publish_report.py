"""The report is rendered from results, metrics and costs, and published at its destination."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.execution_time.context import OutletEventAccessors

from emr_pipeline.operators.athena import AthenaStatementOperator
from emr_pipeline.operators.publish_report import PublishReportOperator
from emr_pipeline.report_data import ReportData
from tests.plugins.emr_pipeline.operators.conftest import ATHENA

Context = Callable[..., Any]


def put(aws: Any, key: str, text: str) -> str:
    aws.client("s3").put_object(Bucket="operators", Key=key, Body=text.encode())
    return f"s3://operators/{key}"


class MappedXComs:
    """The XComs of a mapped task, which can only be read as a slice: iteration makes Airflow log an error."""

    def __init__(self, values: list[str]) -> None:
        self._values = values

    def __getitem__(self, part: slice) -> list[str]:
        assert isinstance(part, slice)
        return self._values[part]


@pytest.fixture
def publish(aws: Any, run: Context) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """A function that publishes a report and returns its address, and the other XComs and the events by name."""

    def report(
        render: Any, started: timedelta = timedelta(minutes=-5), **changed: Any
    ) -> tuple[Any, dict[str, Any]]:
        query = AthenaStatementOperator(task_id="queries", query="SELECT 42 AS answer", **ATHENA)
        put(aws, "metrics/kmeans.json", json.dumps({"k": 4}))
        task = PublishReportOperator(
            task_id="publish_report",
            **{
                "questions": ["everything"],
                "query_ids": MappedXComs([query.execute(run())]),
                "metrics": {"kmeans": "s3://operators/metrics/kmeans.json"},
                "facts": {"run_date": "2026-01-31"},
                "cluster_id": "",
                "render": render,
                "key_figures": lambda data: f"k {data.metrics['kmeans']['k']}",
                "destination": "s3://operators/reports/run_date=2026-01-31",
            }
            | changed,
        )
        pushed: dict[str, Any] = {}
        context = run()
        context["dag_run"] = SimpleNamespace(
            start_date=datetime.now(UTC) + started, run_after=datetime(2026, 1, 31, tzinfo=UTC)
        )
        context["outlet_events"] = OutletEventAccessors()
        context["ti"].xcom_push = lambda key, value: pushed.update({key: value})
        address = task.execute(context)
        events = {outlet.name: context["outlet_events"][outlet].extra for outlet in task.outlets}
        return address, pushed | events

    return report


def test_the_report_is_rendered_from_results_metrics_and_costs(publish: Any, cluster_id: str) -> None:
    seen: list[ReportData] = []

    def render(data: ReportData) -> dict[str, bytes]:
        seen.append(data)
        return {"index.html": b"page"}

    address, pushed = publish(render, cluster_id=cluster_id)
    assert address == "s3://operators/reports/run_date=2026-01-31/index.html"
    assert pushed == {"key_figures": "k 4"}
    (data,) = seen
    assert data.answers == {"everything": [{"answer": "42"}]}
    assert data.metrics == {"kmeans": {"k": 4}}
    assert data.facts == {"run_date": "2026-01-31"}
    assert data.seconds == pytest.approx(300, abs=60)
    assert data.cluster is not None
    assert (data.cluster.cluster_id, data.cluster.nodes) == (cluster_id, 2)
    assert data.prices is not None
    assert data.cluster.dollars(data.prices)


def test_a_run_that_was_cleared_after_its_cluster_has_ended_has_no_duration(
    publish: Any, cluster_id: str
) -> None:
    """A cleared run has a new start date; a run cannot be shorter than its cluster."""
    seen: list[ReportData] = []
    time.sleep(1)
    publish(
        lambda data: seen.append(data) or {"index.html": b"page"},
        started=timedelta(0),
        cluster_id=cluster_id,
    )
    assert seen[0].seconds is None


def test_the_event_of_the_report_has_its_address_and_key_figures(publish: Any) -> None:
    report = Asset("report", "s3://operators/reports")
    address, published = publish(lambda _: {"index.html": b"page"}, outlets=[report])
    assert published["report"] == {"run_date": "2026-01-31", "key_figures": "k 4", "address": address}


def test_a_report_replaces_an_earlier_one_and_each_file_has_its_content_type(aws: Any, publish: Any) -> None:
    publish(lambda _: {"index.html": b"old", "gone.png": b"old"})
    put(aws, "reports/run_date=2026-02-01/index.html", "another run's")
    publish(lambda _: {"index.html": b"new", "plane.svg": b"<svg/>", "report.md": b"# new"})
    listed = aws.client("s3").list_objects_v2(Bucket="operators", Prefix="reports/")["Contents"]
    content_types = {
        item["Key"].removeprefix("reports/"): aws.client("s3").head_object(
            Bucket="operators", Key=item["Key"]
        )["ContentType"]
        for item in listed
    }
    content_types.pop("run_date=2026-02-01/index.html")
    assert content_types == {
        "run_date=2026-01-31/index.html": "text/html; charset=utf-8",
        "run_date=2026-01-31/plane.svg": "image/svg+xml",
        "run_date=2026-01-31/report.md": "text/markdown; charset=utf-8",
    }


def test_metrics_and_costs_that_cannot_be_read_are_missing_in_the_report(publish: Any) -> None:
    seen: list[ReportData] = []

    def render(data: ReportData) -> dict[str, bytes]:
        seen.append(data)
        return {"index.html": b"page"}

    unreadable = {"cluster_id": "j-NOSUCHCLUSTER", "metrics": {"lost": "s3://operators/metrics/lost.json"}}
    publish(render, **unreadable, key_figures=lambda _: "")
    assert seen[0].cluster is None
    assert seen[0].metrics == {}
