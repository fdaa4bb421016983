"""In a real browser, the report is readable in both themes, on a phone and on paper, and has no accessibility problems.

Run by ``make test-ui``, without Airflow: the page is made from the example data of the report's tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from emr_pipeline.report_data import ReportData
from sales_segmentation.report import render
from tests.dags.sales_segmentation.report.conftest import ANSWERS, CLUSTER, FACTS, METRICS, PRICES
from tests.ui.conftest import OPTIONS

pytestmark = pytest.mark.ui

PHONE, SMALL_DESKTOP, DESKTOP = 390, 1000, 1100
LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""
LEAST_PIXELS = 7.5
"""The smallest text of a chart on a phone."""

CONTRASTS = """() => {
  const rgba = text => {
    const numbers = (text.match(/[\\d.]+/g) || []).map(Number);
    return numbers.length < 3 ? [0, 0, 0, 0] : [...numbers.slice(0, 3), numbers[3] ?? 1];
  };
  const over = (top, below) => top.slice(0, 3).map((value, at) => value * top[3] + below[at] * (1 - top[3]));
  const luminance = colour => {
    const [r, g, b] = colour.map(value => value / 255).map(
      value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paint = element => {
    const style = getComputedStyle(element);
    if (!(element instanceof SVGGeometryElement)) return rgba(style.backgroundColor);
    const colour = rgba(style.fill === 'none' ? '' : style.fill);
    return [...colour.slice(0, 3), colour[3] * style.opacity * style.fillOpacity];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const words = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data).join('').trim();
    const box = element.getBoundingClientRect();
    if (!words || !box.width || element.closest('title, desc, style')) continue;
    const stack = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    // Scrolled out of view in its table.
    if (!(element instanceof SVGElement) && !stack.includes(element)) continue;
    const layers = [];
    for (const below of stack.filter(each => !(each instanceof SVGTextElement))) {
      layers.push(paint(below));
      if (layers.at(-1)[3] === 1) break;
    }
    const ground = layers.reduceRight((below, top) => over(top, below), [255, 255, 255]);
    const style = getComputedStyle(element);
    const ink = over(rgba(element instanceof SVGElement ? style.fill : style.color), ground);
    const [light, dark] = [luminance(ink), luminance(ground)].sort((a, b) => b - a);
    found.push([words, (light + 0.05) / (dark + 0.05), element instanceof SVGElement]);
  }
  return found;
}"""

TEXT_SIZES = """() => [...document.querySelectorAll('svg text')].filter(text => text.getBoundingClientRect().width)
  .map(text => {
    const matrix = text.getScreenCTM();
    return [text.textContent, parseFloat(getComputedStyle(text).fontSize) * Math.hypot(matrix.a, matrix.b)];
  })"""

OVERFLOWS = """() => [...document.querySelectorAll('svg')].flatMap(svg => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(text => {
    const own = text.getBoundingClientRect();
    return own.left < box.left - 1 || own.right > Math.min(box.right, innerWidth) + 1;
  }).map(text => text.textContent);
})"""


SCROLLED = """() => [...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth)
  .map(box => `${box.ariaLabel}: ${box.scrollWidth} > ${box.clientWidth}`)"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the report of the example data."""
    folder = tmp_path_factory.mktemp("report")
    for name, content in render(ReportData(ANSWERS, METRICS, FACTS, 1234.0, CLUSTER, PRICES)).items():
        (folder / name).write_bytes(content)
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def report(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """A function that opens the report: ``report(PHONE, "dark")``."""
    opened: list[Page] = []

    def open_report(width: int, scheme: Any = "light") -> Page:
        # As high as the page, because only what is in the viewport is found by its position.
        page = browser.new_page(viewport={"width": width, "height": 20_000}, color_scheme=scheme)
        opened.append(page)
        page.goto(address)
        return page

    yield open_report
    for page in opened:
        page.close()


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(report: Callable[..., Page], width: int, scheme: str) -> None:
    """The text of the charts too, on the bar or the cell behind it."""
    found = report(width, scheme).evaluate(CONTRASTS)
    assert sum(in_chart for _, _, in_chart in found) > 100
    assert [(words, round(contrast, 2)) for words, contrast, _ in found if contrast < LEAST_CONTRAST] == []


def test_the_page_and_its_charts_fit_on_a_phone(report: Callable[..., Page]) -> None:
    page = report(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    assert page.evaluate(OVERFLOWS) == []
    sizes = page.evaluate(TEXT_SIZES)
    assert len(sizes) > 100
    assert [(text, pixels) for text, pixels in sizes if pixels < LEAST_PIXELS] == []


def test_tables_do_not_scroll_on_a_small_desktop(report: Callable[..., Page]) -> None:
    assert report(SMALL_DESKTOP).evaluate(SCROLLED) == []


def test_charts_of_a_wide_screen_are_not_cut(report: Callable[..., Page]) -> None:
    assert report(DESKTOP).evaluate(OVERFLOWS) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_problem(report: Callable[..., Page], scheme: str) -> None:
    violations = Axe().run(report(DESKTOP, scheme)).response["violations"]
    serious = [
        (each["id"], each["help"], each["nodes"][0]["html"][:200])
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_the_report_is_printed_in_light_colours(report: Callable[..., Page], tmp_path: Path) -> None:
    """Also from dark mode, with the charts of the wide screen."""
    page = report(PHONE, "dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('figcaption')).color") == "rgb(88, 99, 114)"
    shown = page.evaluate("getComputedStyle(document.querySelector('.wide')).display")
    assert (shown, page.evaluate("getComputedStyle(document.querySelector('.narrow')).display")) == (
        "block",
        "none",
    )
    file = tmp_path / "report.pdf"
    page.pdf(path=file, format="A4")
    assert file.read_bytes().count(b"/Type /Page\n") in range(5, 20)


def test_the_customers_to_act_on_are_downloaded_as_csv(report: Callable[..., Page]) -> None:
    page = report(DESKTOP)
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Download all as CSV").click()
    assert "CUS5" in Path(downloaded.value.path()).read_text("utf-8-sig")
