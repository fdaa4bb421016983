"""Fixtures for a browser and an Airflow: one that is started for the tests, or the one at UI_URL."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from devtools import airflow_home, airflow_services, aws, sales
from localaws.testing import LocalAws

if TYPE_CHECKING:
    from playwright.sync_api import Page

# The usual environment has no playwright: `make test` skips these tests, `make test-ui` installs it.
collect_ignore = (
    []
    if find_spec("playwright")
    else ["test_journey.py", "test_local_aws_page.py", "test_report.py", "test_web_pages.py"]
)

PATIENCE_SECONDS = 300
"""The longest time that the UI may take for one response; on a busy machine a page may take a minute."""

WIDTH, HEIGHT = 1200, 800
PHONE_WIDTH = 390
COLOURS = 256
"""The colours of a screenshot. More are hardly visible, and the file is several times as large."""

OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


DEFECTS = 0.01
"""The share of the sample lines with a defect; a run accepts it unless its form says otherwise."""


@dataclass(frozen=True)
class Site:
    """The address of Airflow's web UI, with a user and a password."""

    url: str
    user: str
    password: str = field(repr=False)
    bucket: Path | None = None
    """The folder of the pipeline's bucket; None for the Airflow at UI_URL."""
    local_aws: str | None = None
    """The address of the local AWS; None for the Airflow at UI_URL."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the installed browser."""
    found = shutil.which("chromium")
    if not found:
        pytest.exit("Chromium is missing; on Debian: apt install chromium", returncode=1)
    return found


@pytest.fixture(scope="session")
def site(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The Airflow at UI_URL, with UI_USER and UI_PASSWORD; without UI_URL one is started, with 2,000 sample lines.

    DEFECTS of the lines are rejected.
    """
    if url := os.environ.get("UI_URL"):
        yield Site(url.rstrip("/"), os.environ.get("UI_USER", ""), os.environ.get("UI_PASSWORD", ""))
        return
    folder = tmp_path_factory.mktemp("ui")
    sales.write(folder / "sales.csv", 2_000, customers=100, defects=DEFECTS)
    began = time.monotonic()
    with (
        LocalAws(state=folder / "aws", region=aws.REGION) as local,
        airflow_services.airflow(
            folder / "airflow", local.endpoint_url, AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE="True"
        ) as airflow,
    ):
        aws.provide(local, folder / "sales.csv", airflow_home.BUCKET, "raw/sales.csv")
        airflow.wait_for_dag("sales_segmentation")
        print(f"\nfrom the start of the stack until the UI shows the DAG: {time.monotonic() - began:.0f} s")
        bucket = folder / "aws" / "s3" / airflow_home.BUCKET
        yield Site(airflow.url, airflow_services.USER, airflow.password, bucket, local.endpoint_url)


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


@pytest.fixture
def phone(page: Page) -> Iterator[Page]:
    """The page in the window of a phone."""
    page.set_viewport_size({"width": PHONE_WIDTH, "height": HEIGHT})
    yield page
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


@pytest.fixture(scope="session")
def screenshot() -> Callable[[Page, str], None]:
    """Return a function that saves a screenshot of the page to the folder SCREENSHOTS, if it is set."""
    folder = os.environ.get("SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if folder:
            taken = Image.open(BytesIO(page.screenshot(animations="disabled")))
            taken.convert("RGB").quantize(COLOURS).save(Path(folder) / f"{name}.png", optimize=True)

    return take
