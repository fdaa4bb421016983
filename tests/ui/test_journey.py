"""What a newcomer does in the web UI, in a real browser: log in, trigger, watch, read the report and a step's log.

The log of a step is read while the step runs, and its Spark UI is opened after the cluster has ended.

Run by ``make test-ui``. Elements are found by role and name, like in a screen reader.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, FrameLocator, Locator, Page, expect

from emr_pipeline.prices import FILE
from tests.ui.conftest import Site

pytestmark = pytest.mark.ui

DAG_NAME = "Customer segmentation"
RUN_SECONDS = 1800
"""A run takes two minutes; on a busy machine it may take fifteen."""

GROUPS = ("Prepare", "Spark on EMR", "Tables and questions", "Clean up")
RELOAD_SECONDS = 5
SECTIONS = (
    "What is new",
    "Summary",
    "Customers to act on",
    "Segments",
    "Loyalty and risk",
    "Sales",
    "Change over time",
    "Separation of the segments",
    "How the segments were found",
    "Notable customers",
    "Data quality",
    "Methods and limits",
    "About this run",
)
MIN_CHARTS = 12
"""The charts of a first run, which has no earlier run to compare with."""

CAUSE = "of the 2,000 lines are rejected, more than the limit of 0.00%"
"""The cause of the failed run, which accepts no rejected line."""

LOG_LINE = re.compile(r"INFO preprocess [\d,]+ lines read|INFO preprocess stage \d+: \d+ of \d+ tasks done")
"""A line of the job itself."""


@dataclass(frozen=True)
class Run:
    """A run: its id, the path of its page, and the monotonic time when *Trigger* was clicked."""

    run_id: str
    path: str
    clicked: float


def log_in(page: Page, site: Site) -> None:
    page.goto("/")
    page.get_by_label("Username").fill(site.user)
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Dags", exact=True).first).to_be_visible()


def find_the_dag(page: Page) -> None:
    page.get_by_role("link", name="Dags", exact=True).first.click()
    page.get_by_role("link", name=DAG_NAME, exact=True).click()
    expect(page.get_by_role("heading", name=DAG_NAME, exact=True)).to_be_visible()


def open_the_form(page: Page) -> Locator:
    page.get_by_role("button", name="Trigger Dag").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_role("heading", name=f"Trigger Dag - {DAG_NAME}")).to_be_visible()
    return form


def open_section(form: Locator, name: str) -> Locator:
    form.get_by_role("button", name=name, exact=True).click()
    section = form.get_by_role("region", name=name, exact=True)
    expect(section).to_be_visible()
    return section


def fill_in(section: Locator, title: str, text: str) -> Locator:
    """Type into a field, and leave it; return the field."""
    # Airflow does not name text fields.
    group = section.get_by_role("group").filter(has_text=re.compile(rf"^{title}"))
    field = group.get_by_role("combobox")
    field.fill("")
    field.press_sequentially(text)
    field.press("Tab")
    return field


def press_trigger(form: Locator) -> None:
    form.get_by_role("button", name="Trigger", exact=True).click()


def wait_for_end(page: Page, run_id: str, state: str) -> None:
    """Reload the list of runs until the run has ended in this state: the list does not always update itself."""
    run = page.get_by_role("row").filter(has_text=run_id)
    deadline = time.monotonic() + RUN_SECONDS
    while True:
        page.goto("/dags/sales_segmentation/runs")
        expect(run).to_be_visible()
        ended = run.get_by_role("cell", name=re.compile("^(Success|Failed)$"))
        if ended.is_visible():
            break
        assert time.monotonic() < deadline, f"the run has not ended in time: {run.inner_text()}"
        page.wait_for_timeout(RELOAD_SECONDS * 1000)
    expect(ended).to_have_text(state)


def open_the_report(page: Page, run: Run) -> FrameLocator:
    """Return the report, which is a frame inside the frame of its page."""
    page.goto(run.path)
    page.get_by_role("link", name="Report", exact=True).click()
    report = page.frame_locator("iframe").frame_locator("iframe")
    expect(report.get_by_role("heading", level=1)).to_be_visible()
    return report


@pytest.fixture(scope="module")
def dag_page(page: Page, site: Site) -> Page:
    """The page of the DAG, reached from the login."""
    log_in(page, site)
    find_the_dag(page)
    return page


def start_a_run(page: Page, **typed: dict[str, str]) -> Run:
    """Trigger a run by the form; ``typed`` has the titles of fields and their text for each section."""
    page.goto("/dags/sales_segmentation")
    form = open_the_form(page)
    for name, fields in typed.items():
        section = open_section(form, name)
        for title, text in fields.items():
            fill_in(section, title, text)
    press_trigger(form)
    clicked = time.monotonic()
    page.wait_for_url(re.compile("/runs/manual__"))
    path = urlsplit(page.url).path
    return Run(path.rpartition("/")[2], path, clicked)


@pytest.fixture(scope="module")
def started(dag_page: Page) -> Run:
    """A short run, which may still be running."""
    return start_a_run(
        dag_page, Segmentation={"KMeans initializations": "1", "Maximum number of segments": "4"}
    )


@pytest.fixture(scope="module")
def run(dag_page: Page, started: Run) -> Run:
    """The run after its success."""
    wait_for_end(dag_page, started.run_id, "Success")
    return started


@pytest.fixture(scope="module")
def failed(dag_page: Page, run: Run) -> Run:
    """A later run, which has failed because some lines are rejected."""
    later = start_a_run(dag_page, Data={"Maximum share of rejected lines": "0"})
    wait_for_end(dag_page, later.run_id, "Failed")
    return later


@pytest.mark.parametrize(
    ("name", "title", "typed", "rule"),
    [
        ("Data", "Maximum share of rejected lines", "0,5", "A number from 0 to 1"),
        ("Segmentation", "Variance to keep", "0", "A number above 0, up to 1"),
        ("Segmentation", "Minimum number of segments", "2.5", "A whole number from 2 to 50"),
        ("Segmentation", "Maximum number of segments", "700", "A whole number from 2 to 50"),
        ("Segmentation", "Fixed number of segments", "51", "A whole number from 2 to 50"),
        ("Segmentation", "Fixed number of segments", "four", "A whole number from 2 to 50"),
        ("Segmentation", "KMeans initializations", "21", "A whole number from 1 to 20"),
        ("Segmentation", "Random seed", "-1", "A whole number from 0 to 999,999,999"),
        ("Cluster", "Core nodes", "0", "A whole number from 1 to 100"),
        ("Cluster", "Spot share", "2", "A number from 0 to 1"),
        ("Cluster", "Task nodes", "1e9", "A whole number from 0 to 100"),
        ("Cost", "Budget", "5,000", "A number above 0, up to 1,000,000"),
        ("Athena", "Maximum GB scanned per query", "lots", "A number from 0.01 to 1,000,000"),
    ],
)
def test_the_form_refuses_a_wrong_number_with_its_rule_and_does_not_change_it(
    dag_page: Page, name: str, title: str, typed: str, rule: str
) -> None:
    dag_page.goto("/dags/sales_segmentation")
    form = open_the_form(dag_page)
    field = fill_in(open_section(form, name), title, typed)
    press_trigger(form)
    expect(form.get_by_text(rule).first).to_be_visible()
    expect(field).to_have_value(typed)


def test_the_form_refuses_an_invalid_address_with_its_rule(
    dag_page: Page, screenshot: Callable[[Page, str], None]
) -> None:
    dag_page.goto("/dags/sales_segmentation")
    form = open_the_form(dag_page)
    open_section(form, "Segmentation")
    fill_in(open_section(form, "Data"), "Input", "sales.csv")
    press_trigger(form)
    rule = form.get_by_text("An address has the form s3://<bucket>/<key>.")
    rule.scroll_into_view_if_needed()
    expect(rule).to_be_in_viewport()
    screenshot(dag_page, "form")


def test_the_page_of_a_step_shows_the_log_while_the_step_runs(dag_page: Page, started: Run) -> None:
    page, deadline = dag_page, time.monotonic() + RUN_SECONDS
    while not (LOG_LINE.search(text := page.locator("body").inner_text()) and "Step preprocess" in text):
        assert time.monotonic() < deadline, text
        with suppress(Error):  # the page also reloads itself, which aborts this request
            page.goto(f"/emr-pipeline{started.path}/tasks/preprocess/step")
        page.wait_for_timeout(300)
    assert re.search(r"^State\s+RUNNING$", text, re.MULTILINE), text
    assert "/emr-pipeline/sales-segmentation: /steps/s-" in text


def test_a_successful_run_shows_its_report_with_all_charts(
    dag_page: Page, run: Run, screenshot: Callable[[Page, str], None]
) -> None:
    report = open_the_report(dag_page, run)
    for section in SECTIONS:
        expect(report.get_by_role("heading", name=section, exact=True, level=2)).to_be_visible()
    print(f"\nfrom the click on Trigger until the report is shown: {time.monotonic() - run.clicked:.0f} s")
    screenshot(dag_page, "report")
    charts = report.locator("figure").get_by_role("img")
    assert charts.count() >= MIN_CHARTS
    for chart in charts.all():
        box = chart.bounding_box()
        assert box is not None, f"{chart.get_attribute('aria-label')} is not shown"
        assert min(box["width"], box["height"]) > 100, f"{chart.get_attribute('aria-label')}: {box}"


def test_the_list_of_reports_links_to_the_report(
    dag_page: Page, run: Run, screenshot: Callable[[Page, str], None]
) -> None:
    dag_page.get_by_role("link", name="Reports", exact=True).click()
    row = dag_page.frame_locator("iframe").get_by_role("row").filter(has_text=run.run_id)
    expect(row).to_contain_text("success")
    screenshot(dag_page, "reports")
    row.get_by_role("link", name="Open").click()
    report = dag_page.frame_locator("iframe").frame_locator("iframe")
    expect(report.get_by_role("heading", name="Summary")).to_be_visible()


def test_the_report_and_its_page_follow_the_theme_of_airflow(dag_page: Page, run: Run) -> None:
    """Airflow keeps the selected theme in the local storage; the browser itself prefers the light theme."""
    report = open_the_report(dag_page, run)
    bodies = (report.locator("body"), dag_page.frame_locator("iframe").locator("body"))
    light = [body.evaluate("body => getComputedStyle(body).backgroundColor") for body in bodies]
    dag_page.evaluate("localStorage.setItem('theme', 'dark')")
    for body, colour in zip(bodies, light, strict=True):
        expect(body).not_to_have_css("background-color", colour)
    dag_page.evaluate("localStorage.setItem('theme', 'light')")
    for body, colour in zip(bodies, light, strict=True):
        expect(body).to_have_css("background-color", colour)


def test_the_list_of_reports_fits_a_phone(phone: Page, run: Run) -> None:
    phone.goto("/emr-pipeline/reports")
    expect(phone.get_by_role("row").filter(has_text=run.run_id)).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_of_the_run_shows_the_cost_of_its_nodes_and_queries(
    dag_page: Page, site: Site, run: Run, screenshot: Callable[[Page, str], None]
) -> None:
    """The note has the dollars of the cost record, computed from the recorded use and the price list."""
    if site.bucket is None:
        pytest.skip("the cost record is read from the files of the local AWS")
    documents = [json.loads(file.read_text()) for file in site.bucket.glob("costs/sales_segmentation/*.json")]
    [record] = [document for document in documents if document["tags"]["run_id"] == run.run_id]
    prices = json.loads(FILE.read_text())["regions"][record["region"]]
    uses = [use for cluster in record["clusters"] for use in cluster["uses"]]
    nodes = sum(sum(prices["nodes"][use["resource"]].values()) * use["seconds"] / 3600 for use in uses)
    dollars = nodes + prices["athena"] * record["billed_bytes"] / 1e12
    assert nodes > 0
    dag_page.goto(run.path)
    dag_page.get_by_role("button", name="Edit note").click()
    cost = dag_page.get_by_text(
        f"${dollars:.2f} on AWS (estimate from the price list of {record['region']}"
    ).first
    expect(cost).to_be_visible()
    screenshot(dag_page, "cost")


def test_a_task_links_to_the_log_of_its_step(dag_page: Page, run: Run) -> None:
    """The page shows the output of the job, although its cluster has ended."""
    dag_page.goto(f"{run.path}/tasks/preprocess/details")
    dag_page.get_by_role("link", name="Step and log", exact=True).click()
    expect(dag_page.get_by_role("heading", name="Step preprocess")).to_be_visible()
    expect(dag_page.get_by_text(re.compile(r"[\d,]+ lines read, [\d,]+ valid"))).to_be_visible()


def test_the_log_of_the_task_has_the_lines_of_the_driver(dag_page: Page, run: Run) -> None:
    dag_page.goto(f"{run.path}/tasks/preprocess")
    expect(dag_page.get_by_text(LOG_LINE).first).to_be_visible()


def test_the_spark_ui_of_an_ended_cluster_opens(
    dag_page: Page, run: Run, screenshot: Callable[[Page, str], None]
) -> None:
    dag_page.goto(f"/emr-pipeline{run.path}/tasks/preprocess/step")
    expect(dag_page.get_by_text("TERMINATED")).to_be_visible()
    with dag_page.context.expect_page() as opened:
        dag_page.get_by_role("link", name="Open the Spark UI").click()
    spark_ui = opened.value
    expect(spark_ui).to_have_title("preprocess - Spark Jobs")
    spark_ui.get_by_role("link", name="Stages", exact=True).click()
    expect(spark_ui.get_by_role("heading", name="Stages for All Jobs")).to_be_visible()
    screenshot(spark_ui, "spark-ui")
    spark_ui.close()


def test_the_page_of_the_local_aws_shows_the_steps_of_the_run(
    dag_page: Page, site: Site, run: Run, screenshot: Callable[[Page, str], None]
) -> None:
    if site.local_aws is None:
        pytest.skip("the address of the local AWS is known only for the one that the tests start")
    dag_page.goto(f"{site.local_aws}/#clusters")
    dag_page.get_by_role("link", name=re.compile("sales_segmentation")).first.click()
    for step in ("preprocess", "pca", "kmeans"):
        row = dag_page.get_by_role("row").filter(has=dag_page.get_by_role("link", name=step, exact=True))
        expect(row).to_contain_text("COMPLETED")
    screenshot(dag_page, "local-aws")


def test_the_graph_of_the_run_shows_the_groups(
    dag_page: Page, run: Run, screenshot: Callable[[Page, str], None]
) -> None:
    dag_page.goto(run.path)
    dag_page.get_by_role("button", name="Show Graph (Press g)").click()
    dag_page.get_by_role("button", name="Collapse Details Panel").click()
    dag_page.get_by_role("button", name="Fit View").click()
    graph = dag_page.get_by_role("application")
    for group in GROUPS:
        expect(graph.get_by_role("link", name=group, exact=True)).to_be_in_viewport()
    screenshot(dag_page, "graph")


def test_the_page_of_a_failed_run_names_the_task_and_its_cause(
    dag_page: Page, failed: Run, screenshot: Callable[[Page, str], None]
) -> None:
    dag_page.goto(failed.path)
    note = dag_page.get_by_text(CAUSE).first
    expect(note).to_be_visible()
    expect(note).to_contain_text("Preprocess (preprocess)")
    screenshot(dag_page, "failed-run")


def test_the_page_of_a_failed_step_begins_with_its_cause(
    dag_page: Page, failed: Run, screenshot: Callable[[Page, str], None]
) -> None:
    dag_page.goto(f"{failed.path}/tasks/preprocess/details")
    dag_page.get_by_role("link", name="Step and log", exact=True).click()
    expect(dag_page.get_by_role("heading", name="Step preprocess")).to_be_visible()
    cause = dag_page.get_by_text(CAUSE).first
    expect(cause).to_be_in_viewport()
    screenshot(dag_page, "failed-step")


def test_the_list_of_reports_has_the_cause_of_a_failed_run(dag_page: Page, failed: Run) -> None:
    dag_page.goto("/emr-pipeline/reports")
    row = dag_page.get_by_role("row").filter(has_text=failed.run_id)
    expect(row).to_contain_text(CAUSE)
    row.get_by_role("link", name="Cause").click()
    expect(dag_page.get_by_role("heading", name="No report yet")).to_be_visible()
    expect(dag_page.get_by_text(CAUSE)).to_be_visible()
