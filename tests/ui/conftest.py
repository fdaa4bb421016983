"""A browser before a running Airflow: one that is started for the tests, or the one that UI_URL names."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools import airflow_home, airflow_services, aws, sales

if TYPE_CHECKING:
    from playwright.sync_api import Page

# The usual environment has no playwright: `make test` passes these tests by, `make test-ui` brings it.
collect_ignore = [] if find_spec("playwright") else ["test_journey.py", "test_web_pages.py"]

PATIENCE_SECONDS = 300
"""How long the UI may take for one answer: a busy machine has been seen to take a minute for a page."""

WIDTH, HEIGHT = 1400, 900
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Site:
    """Where Airflow's UI is, and who logs in there."""

    url: str
    user: str
    password: str = field(repr=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the browser that the machine has."""
    found = shutil.which("chromium")
    if not found:
        pytest.exit("Chromium is missing; on Debian: apt install chromium", returncode=1)
    return found


@pytest.fixture(scope="session")
def site(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The Airflow of UI_URL, UI_USER and UI_PASSWORD; without UI_URL one with 2,000 sample lines is started."""
    if url := os.environ.get("UI_URL"):
        yield Site(url.rstrip("/"), os.environ.get("UI_USER", ""), os.environ.get("UI_PASSWORD", ""))
        return
    folder = tmp_path_factory.mktemp("ui")
    sales.write(folder / "sales.csv", 2_000, customers=100)
    began = time.monotonic()
    with (
        aws.local_aws(folder / "aws", folder / "localaws.log") as local,
        airflow_services.airflow(
            folder / "airflow", local.endpoint, AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE="True"
        ) as airflow,
    ):
        local.provide(folder / "sales.csv", airflow_home.BUCKET, "raw/sales.csv")
        airflow.wait_for_dag("sales_segmentation")
        print(f"\nfrom the start of the stack to a UI that has the DAG: {time.monotonic() - began:.0f} s")
        yield Site(airflow.url, airflow_services.USER, airflow.password)


@pytest.fixture(scope="module")
def page(site: Site, chromium: str) -> Iterator[Page]:
    """A page of a new browser with an empty profile."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        page = browser.new_page(
            base_url=site.url, viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light"
        )
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        yield page
        browser.close()


@pytest.fixture(scope="session")
def picture() -> Callable[[Page, str], None]:
    """Return what puts a picture of the page into the folder SCREENSHOTS, if there is to be any."""
    folder = os.environ.get("SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")

    return take
