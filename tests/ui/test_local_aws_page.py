"""In a real browser, the page of the local AWS shows data as text, updates by itself, and keeps the focus.

Run by ``make test-ui``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from localaws.testing import LocalAws
from tests.ui.conftest import HEIGHT, OPTIONS, PHONE_WIDTH, WIDTH

pytestmark = pytest.mark.ui

PATIENCE_MS = 60_000
HOSTILE = "<img src=x onerror=alert(1)>"
SECTIONS = ("clusters", "serverless", "queries", "s3")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(state=tmp_path_factory.mktemp("page")) as aws:
        s3, athena = aws.client("s3"), aws.client("athena")
        s3.create_bucket(Bucket="lake")
        s3.put_object(Bucket="lake", Key=f"raw/{HOSTILE}", Body=HOSTILE.encode())
        for text in (
            "CREATE DATABASE sales",
            f"SELECT '{HOSTILE}' AS \"{HOSTILE}\"",
            "SELECT customer FROM sales.orders",
        ):
            query = athena.start_query_execution(
                QueryString=text, ResultConfiguration={"OutputLocation": "s3://lake/results/"}
            )["QueryExecutionId"]
            while athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"] in (
                "QUEUED",
                "RUNNING",
            ):
                time.sleep(0.05)
        yield aws


@pytest.fixture(scope="module")
def local_page(aws: LocalAws, chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        page = browser.new_page(base_url=aws.endpoint_url, viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield page
        browser.close()


@pytest.fixture(autouse=True)
def no_errors(local_page: Page) -> Iterator[None]:
    """Fail for a script error, a violation of the policy, or a dialog of an injected script."""
    errors: list[str] = []
    local_page.on("console", lambda message: errors.append(message.text))
    local_page.on("pageerror", lambda error: errors.append(str(error)))
    local_page.on("dialog", lambda dialog: errors.append(dialog.message))
    yield
    assert errors == []


def test_names_texts_and_results_are_shown_as_text(local_page: Page) -> None:
    local_page.goto("/#s3/lake/raw/")
    local_page.get_by_role("link", name=HOSTILE).click()
    expect(local_page.locator("pre")).to_have_text(HOSTILE)
    local_page.goto("/#queries")
    expect(local_page.locator("tbody tr")).to_have_count(3)
    local_page.get_by_role("link", name="onerror").click()
    expect(local_page.get_by_role("columnheader")).to_have_text(HOSTILE)
    expect(local_page.get_by_role("cell")).to_have_text(HOSTILE)
    assert local_page.locator("img").count() == 0


def test_it_updates_by_itself_and_keeps_the_focus(local_page: Page, aws: LocalAws) -> None:
    local_page.goto("/#s3")
    local_page.get_by_role("link", name="lake").focus()
    aws.client("s3").create_bucket(Bucket="new-bucket")
    expect(local_page.get_by_role("link", name="new-bucket")).to_be_visible()
    expect(local_page.get_by_role("link", name="lake")).to_be_focused()


def test_it_can_be_used_with_the_keyboard(local_page: Page) -> None:
    local_page.goto("/#clusters")
    local_page.reload()
    expect(local_page.locator("h2")).to_have_text("Clusters")
    for name in ("Skip to the content", "EMR", "EMR Serverless", "Athena"):
        local_page.keyboard.press("Tab")
        expect(local_page.locator(":focus")).to_have_text(name)
    local_page.keyboard.press("Enter")
    expect(local_page.locator("h2")).to_have_text("Queries")


@pytest.mark.parametrize("path", [*SECTIONS, "s3/lake/raw/"])
def test_it_fits_a_narrow_screen_in_both_colour_schemes(local_page: Page, path: str) -> None:
    for scheme in ("light", "dark"):
        local_page.set_viewport_size({"width": PHONE_WIDTH, "height": HEIGHT})
        local_page.emulate_media(color_scheme=scheme)
        local_page.goto(f"/#{path}")
        expect(local_page.locator("h2")).to_be_visible()
        assert local_page.evaluate("document.documentElement.scrollWidth <= innerWidth")
