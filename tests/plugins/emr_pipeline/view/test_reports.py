"""The report of a run is shown to users who may read its DAG, and no other S3 objects are."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from tests.plugins.emr_pipeline.conftest import BUCKET, FOLDER, SECRET, Run
from tests.plugins.emr_pipeline.view.conftest import PAGE, PNG

Browser = Callable[..., TestClient]
MakeRun = Callable[..., Run]


@pytest.fixture
def published(make_run: MakeRun, on_s3: Callable[[], None]) -> Run:
    """A run with a report on S3."""
    on_s3()
    run = make_run()
    run.publish()
    return run


def test_the_tab_shows_the_report_of_the_run_in_a_frame(browser: Browser, published: Run) -> None:
    response = browser("reader").get(f"{published.path}/report")
    assert response.status_code == 200
    assert '<iframe src="report/index.html" sandbox="allow-same-origin allow-downloads"' in response.text
    assert "later run" not in response.text


def test_a_browser_runs_no_script_of_the_report(browser: Browser, published: Run) -> None:
    response = browser("reader").get(f"{published.path}/report/index.html")
    assert response.text == PAGE
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "img-src 'self' data:", "frame-ancestors 'self'"} < set(policy)
    assert not any(rule.startswith("script-src") or "allow-scripts" in rule for rule in policy)
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_chart_of_the_report_has_its_content_type(browser: Browser, published: Run) -> None:
    response = browser("reader").get(f"{published.path}/report/segments.png")
    assert (response.content, response.headers["Content-Type"]) == (PNG, "image/png")


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "..%2F..%2Fraw%2Fsales.html",
        "%2e%2e%2findex.html",
        "..",
        ".png",
        "a%00.png",
        "%5c..%5ca.png",
    ],
)
def test_only_files_in_the_folder_of_the_report_are_served(
    browser: Browser, published: Run, aws: Any, name: str
) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key="raw/sales.html", Body=b"raw data")
    response = browser("reader").get(f"{published.path}/report/{name}")
    assert response.status_code in (404, 422)
    assert "raw data" not in response.text


@pytest.mark.parametrize(
    "address",
    [
        f"s3://{BUCKET}/raw/sales.html",
        f"s3://{BUCKET}/reports/../raw/sales.html",
        "s3://another-bucket/reports/run_date=2026-01-31/index.html",
        "/etc/passwd",
        "",
    ],
)
def test_an_address_that_is_not_below_the_reports_is_refused(
    browser: Browser, make_run: MakeRun, aws: Any, address: str
) -> None:
    """A user who may write XComs must not read other objects with Airflow's connection."""
    aws.client("s3").put_object(Bucket=BUCKET, Key="raw/sales.html", Body=b"raw data")
    run = make_run()
    run.publish(address)
    for path in ("report", "report/sales.html"):
        response = browser("reader").get(f"{run.path}/{path}")
        assert "raw data" not in response.text
        assert "not below" in response.text or "returned no address" in response.text


def test_a_user_who_is_not_logged_in_is_refused(browser: Browser, published: Run) -> None:
    for path in (f"{published.path}/report", f"{published.path}/report/index.html", "/emr-pipeline/reports"):
        response = browser().get(path)
        assert response.status_code == 307
        assert response.headers["Location"].startswith(
            "/api/v2/auth/login?next=http%3A%2F%2Ftestserver%2Femr"
        )
        assert browser().get(path, headers={"Sec-Fetch-Dest": "iframe"}).status_code == 401
        for_program = browser().get(path, headers={"Accept": "application/json"})
        assert (for_program.status_code, list(for_program.json())) == (401, ["detail"])


def test_a_forged_login_is_refused(browser: Browser, published: Run) -> None:
    client = browser()
    client.cookies.set("_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJhZG1pbiJ9.")
    assert client.get(f"{published.path}/report/index.html").status_code == 403


def test_a_user_who_may_not_read_the_dag_is_refused(browser: Browser, make_run: MakeRun) -> None:
    run = make_run(SECRET)
    run.publish()
    for path in ("report", "report/index.html"):
        assert browser("reader").get(f"{run.path}/{path}").status_code == 403
        assert browser("nobody").get(f"{run.path}/{path}").status_code == 403
    assert browser("nobody").get("/emr-pipeline/reports").status_code == 403


def test_the_list_has_the_reports_of_readable_dags_newest_first(browser: Browser, make_run: MakeRun) -> None:
    older, newer, secret = make_run(), make_run(), make_run(SECRET)
    for run in (newer, older, secret):
        run.publish(key_figures=f"<b>4 segments</b> of {run.run_id}")
    text = browser("reader").get("/emr-pipeline/reports").text
    assert 0 < text.index(newer.run_id) < text.index(older.run_id)
    assert f"&lt;b&gt;4 segments&lt;/b&gt; of {older.run_id}" in text
    assert secret.run_id not in text
    assert secret.run_id in browser("admin").get("/emr-pipeline/reports").text


def test_the_list_has_the_date_and_the_cause_of_a_failed_run(browser: Browser, make_run: MakeRun) -> None:
    run = make_run(state="failed")
    run.task("publish", "upstream_failed")
    with create_session() as session:
        failed = session.scalar(select(DagRun).filter_by(run_id=run.run_id))
        failed.note, failed.conf = "**Failed**: PCA (`pca`): no variance", {"run_date": "1998-03-01"}
    text = browser("reader").get("/emr-pipeline/reports").text
    [row] = [row for row in text.split("<tr>") if run.run_id in row]
    assert "1998-03-01" in row
    assert "Failed: PCA (`pca`): no variance" in row
    [link] = re.findall(r'<a href="([^"]+)">Cause</a>', row)
    assert "Failed: PCA (`pca`): no variance" in browser("reader").get(f"/emr-pipeline/{link}").text


def test_the_list_marks_the_report_that_a_later_run_has_replaced(browser: Browser, make_run: MakeRun) -> None:
    address = f"s3://{BUCKET}/reports/run_date=1998-04-01/index.html"
    older, newer = make_run(), make_run()
    for run in (older, newer):
        run.publish(address)
    rows = browser("reader").get("/emr-pipeline/reports").text.split("<tr>")
    marked = [run for run in (older, newer) for row in rows if run.run_id in row and "replaced" in row]
    assert marked == [older]


def test_a_report_is_marked_also_if_the_run_that_replaced_it_is_not_listed(
    browser: Browser, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older run that was cleared publishes again: it is below the limit of the list."""
    address = f"s3://{BUCKET}/reports/run_date=1998-05-01/index.html"
    older, newer = make_run(), make_run()
    for run in (newer, older):
        run.publish(address)
    monkeypatch.setattr("emr_pipeline.view.reports.LIMIT", 1)
    text = browser("reader").get("/emr-pipeline/reports").text
    assert older.run_id not in text
    [row] = [row for row in text.split("<tr>") if newer.run_id in row]
    assert "replaced by a later run" in row


def test_the_only_script_of_a_page_is_the_one_that_its_policy_allows(browser: Browser) -> None:
    response = browser("reader").get("/emr-pipeline/reports")
    [script] = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in response.headers["Content-Security-Policy"]


def test_an_empty_list_says_how_to_get_a_report(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emr_pipeline.view.reports.OPERATOR", "NoSuchOperator")
    assert "Trigger" in browser("reader").get("/emr-pipeline/reports").text


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("running", "Reload later"),
        ("upstream_failed", "cleared them"),
        ("success", "returned no address"),
    ],
)
def test_the_tab_of_a_run_without_a_report_gives_the_reason(
    browser: Browser, make_run: MakeRun, task: str, words: str
) -> None:
    run = make_run(state="running")
    run.task("publish", task)
    response = browser("reader").get(f"{run.path}/report")
    assert response.status_code == 200
    assert words in response.text


def test_a_run_that_does_not_exist_is_an_error(browser: Browser, database: Any) -> None:
    response = browser("reader").get("/emr-pipeline/dags/pipeline/runs/nope/report")
    assert response.status_code == 404
    assert "has no run nope" in response.text


def test_a_report_that_was_removed_is_an_error(browser: Browser, make_run: MakeRun) -> None:
    run = make_run()
    run.publish(f"s3://{BUCKET}/reports/run_date=1999-01-01/index.html")
    response = browser("reader").get(f"{run.path}/report")
    assert response.status_code == 404
    assert "There is no s3://operators/reports/run_date=1999-01-01/index.html" in response.text


def test_a_report_that_a_later_run_has_replaced_is_marked(browser: Browser, published: Run) -> None:
    with create_session() as session:
        an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
        session.execute(update(TaskInstance).filter_by(run_id=published.run_id).values(end_date=an_hour_ago))
    assert "A later run of the same date" in browser("reader").get(f"{published.path}/report").text


def test_a_missing_setting_is_named(
    browser: Browser, published: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMR_PIPELINE_BUCKET")
    response = browser("reader").get(f"{published.path}/report")
    assert response.status_code == 503
    assert "EMR_PIPELINE_BUCKET is not set" in response.text


def test_an_unreachable_s3_is_named_with_the_connection(
    browser: Browser, published: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {
        "conn_type": "aws",
        "login": "a",
        "password": "b",
        "extra": {"endpoint_url": "http://127.0.0.1:9"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", json.dumps(connection))
    monkeypatch.setenv("EMR_PIPELINE_AWS_CONN_ID", "elsewhere")
    response = browser("reader").get(f"{published.path}/report")
    assert response.status_code == 502
    assert "connection elsewhere" in response.text
    assert FOLDER in response.text
