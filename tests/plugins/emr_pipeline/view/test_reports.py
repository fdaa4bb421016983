"""A run's report is shown to whoever may read its DAG, from where its task has put it, and from nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from sqlalchemy import update

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


def test_the_tab_frames_the_report_of_the_run(browser: Browser, published: Run) -> None:
    answer = browser("reader").get(f"{published.path}/report")
    assert answer.status_code == 200
    assert '<iframe src="report/index.html" sandbox="allow-same-origin"' in answer.text
    assert "later run" not in answer.text


def test_the_report_may_do_nothing_but_show_itself(browser: Browser, published: Run) -> None:
    answer = browser("reader").get(f"{published.path}/report/index.html")
    assert answer.text == PAGE
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "img-src 'self' data:", "frame-ancestors 'self'"} < set(policy)
    assert not any(rule.startswith("script-src") or "allow-scripts" in rule for rule in policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_picture_beside_the_report_is_served_as_what_it_is(browser: Browser, published: Run) -> None:
    answer = browser("reader").get(f"{published.path}/report/segments.png")
    assert (answer.content, answer.headers["Content-Type"]) == (PNG, "image/png")


@pytest.mark.parametrize(
    "name",
    [
        "notes.csv",
        "..%2F..%2Fraw%2Fsales.html",
        "%2e%2e%2findex.html",
        "..",
        ".png",
        "a%00.png",
        "%5c..%5ca.png",
    ],
)
def test_nothing_but_pages_and_pictures_beside_the_report_is_read(
    browser: Browser, published: Run, aws: Any, name: str
) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key="raw/sales.html", Body=b"not yours")
    answer = browser("reader").get(f"{published.path}/report/{name}")
    assert answer.status_code in (404, 422)
    assert "not yours" not in answer.text


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
def test_an_address_outside_of_the_reports_is_refused(
    browser: Browser, make_run: MakeRun, aws: Any, address: str
) -> None:
    """Whoever may write an XCom must not read through Airflow's connection what is not theirs."""
    aws.client("s3").put_object(Bucket=BUCKET, Key="raw/sales.html", Body=b"not yours")
    run = make_run()
    run.publish(address)
    for path in ("report", "report/sales.html"):
        answer = browser("reader").get(f"{run.path}/{path}")
        assert "not yours" not in answer.text
        assert "not below" in answer.text or "left no address" in answer.text


def test_whoever_is_not_logged_in_is_refused(browser: Browser, published: Run) -> None:
    for path in (f"{published.path}/report", f"{published.path}/report/index.html", "/emr-pipeline/reports"):
        answer = browser().get(path)
        assert answer.status_code == 307
        assert answer.headers["Location"].startswith("/api/v2/auth/login?next=http%3A%2F%2Ftestserver%2Femr")
        assert browser().get(path, headers={"Sec-Fetch-Dest": "iframe"}).status_code == 401
        for_program = browser().get(path, headers={"Accept": "application/json"})
        assert (for_program.status_code, list(for_program.json())) == (401, ["detail"])


def test_a_forged_login_is_refused(browser: Browser, published: Run) -> None:
    client = browser()
    client.cookies.set("_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJhZG1pbiJ9.")
    assert client.get(f"{published.path}/report/index.html").status_code == 403


def test_whoever_may_not_read_the_dag_is_refused(browser: Browser, make_run: MakeRun) -> None:
    run = make_run(SECRET)
    run.publish()
    for path in ("report", "report/index.html"):
        assert browser("reader").get(f"{run.path}/{path}").status_code == 403
        assert browser("nobody").get(f"{run.path}/{path}").status_code == 403
    assert browser("nobody").get("/emr-pipeline/reports").status_code == 403


def test_the_list_has_the_reports_of_readable_dags_the_newest_first(
    browser: Browser, make_run: MakeRun
) -> None:
    older, newer, secret = make_run(), make_run(), make_run(SECRET)
    for run in (newer, older, secret):
        run.publish(key_figures=f"<b>4 segments</b> of {run.run_id}")
    text = browser("reader").get("/emr-pipeline/reports").text
    assert 0 < text.index(newer.run_id) < text.index(older.run_id)
    assert f"&lt;b&gt;4 segments&lt;/b&gt; of {older.run_id}" in text
    assert secret.run_id not in text
    assert secret.run_id in browser("admin").get("/emr-pipeline/reports").text


def test_the_list_says_how_to_get_a_first_report(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emr_pipeline.view.reports.OPERATOR", "NobodysOperator")
    assert "Trigger" in browser("reader").get("/emr-pipeline/reports").text


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("running", "look again later"),
        ("upstream_failed", "clear what failed"),
        ("success", "left no address"),
    ],
)
def test_a_run_without_a_report_tells_why(browser: Browser, make_run: MakeRun, task: str, words: str) -> None:
    run = make_run(state="running")
    run.task("publish", task)
    answer = browser("reader").get(f"{run.path}/report")
    assert answer.status_code == 200
    assert words in answer.text


def test_a_run_that_does_not_exist_is_named(browser: Browser, database: Any) -> None:
    answer = browser("reader").get("/emr-pipeline/dags/pipeline/runs/nope/report")
    assert answer.status_code == 404
    assert "has no run nope" in answer.text


def test_a_report_that_was_removed_is_named(browser: Browser, make_run: MakeRun) -> None:
    run = make_run()
    run.publish(f"s3://{BUCKET}/reports/run_date=1999-01-01/index.html")
    answer = browser("reader").get(f"{run.path}/report")
    assert answer.status_code == 404
    assert "There is no s3://operators/reports/run_date=1999-01-01/index.html" in answer.text


def test_a_report_that_a_later_run_replaced_says_so(browser: Browser, published: Run) -> None:
    with create_session() as session:
        an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
        session.execute(update(TaskInstance).filter_by(run_id=published.run_id).values(end_date=an_hour_ago))
    assert "A later run of the same date" in browser("reader").get(f"{published.path}/report").text


def test_a_missing_setting_is_named(
    browser: Browser, published: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMR_PIPELINE_BUCKET")
    answer = browser("reader").get(f"{published.path}/report")
    assert answer.status_code == 503
    assert "EMR_PIPELINE_BUCKET is not set" in answer.text


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
    answer = browser("reader").get(f"{published.path}/report")
    assert answer.status_code == 502
    assert "connection elsewhere" in answer.text
    assert FOLDER in answer.text
