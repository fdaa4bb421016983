"""The files of a report are complete and self-contained, and text of the data is escaped in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from emr_pipeline.cost import ClusterCost, Use
from emr_pipeline.prices import Prices
from emr_pipeline.report_data import ReportData
from emr_pipeline.settings import Settings
from sales_segmentation.jobs import JOBS
from sales_segmentation.params import form
from sales_segmentation.report import key_figures, render
from sales_segmentation.report.page import NOTABLE, PARAMS, page
from tests.dags.sales_segmentation.report.conftest import METRICS

Build = Callable[..., ReportData]

CHARTS = {
    "customer_types",
    "explained_variance",
    "model_selection",
    "monthly_revenue",
    "revenue_by_category",
    "revenue_by_region",
    "rfm_grid",
    "segment_migration",
    "feature_drift",
    "segment_monthly_revenue",
    "segment_heatmap",
    "segment_plane",
    "segment_silhouettes",
    "segment_sizes",
}
SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = "<script>alert('&')</script> $x^2$ $\\frac$"


class Page(HTMLParser):
    """The tags of a page, its text, and all addresses from which it could load something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def files(data: Build) -> dict[str, bytes]:
    return render(data())


def test_a_report_consists_of_a_page_a_markdown_file_and_each_chart_as_svg_and_png(
    files: dict[str, bytes],
) -> None:
    charts = {f"{name}.{kind}" for name in CHARTS for kind in ("svg", "png")}
    assert set(files) == {"index.html", "report.md", "customers_to_act_on.csv"} | charts
    assert all(files[f"{name}.png"].startswith(b"\x89PNG") for name in CHARTS)


def test_the_page_loads_nothing_and_has_no_scripts(files: dict[str, bytes]) -> None:
    text = files["index.html"].decode()
    found = Page(text)
    assert not {"script", "iframe", "object", "embed", "img"} & set(found.tags)
    others = {address for address in found.addresses if not address.startswith("#")}
    assert others == {"data:,", "customers_to_act_on.csv"}
    assert not re.search(r"@import|@font-face|url\((?!#)", text)
    assert "default-src 'none'" in text


def test_each_chart_is_in_the_page_with_text_for_screen_readers(files: dict[str, bytes]) -> None:
    assert files["index.html"].decode().count('<svg role="img" aria-label="') == 2 * len(CHARTS)
    for name in CHARTS:
        svg = ElementTree.fromstring(files[f"{name}.svg"])
        assert svg.get("role") == "img"
        assert svg.findtext(f"{SVG}title")
        assert svg.findtext(f"{SVG}desc")


def test_a_ranking_of_equal_customers_is_left_out(data: Build) -> None:
    question = "customers_by_product_diversity"
    equal = data().answers[question] * 10
    title = "Who buys the largest variety of products?"
    assert title in Page(page(data(), charts={})).text
    assert title not in Page(page(data(**{question: equal}), charts={})).text
    assert (
        title in Page(page(data(**{question: [*equal, equal[0] | {"unique_products": "9"}]}), charts={})).text
    )


def test_a_section_that_is_left_out_has_no_link(data: Build) -> None:
    equal = {question: data().answers[question][:1] * 2 for question in NOTABLE}
    parsed = Page(page(data(**equal), charts={}))
    assert "Notable customers" not in parsed.text
    assert {address[1:] for address in parsed.addresses if address.startswith("#")} == set(parsed.ids)


def test_a_feature_that_does_not_differ_is_not_in_the_heatmap(files: dict[str, bytes]) -> None:
    text = files["segment_heatmap.svg"].decode()
    assert "Average discount" in text
    assert "Recency days" not in text
    assert "1 feature that differs by less than 0.2 is left out" in text


def test_no_two_elements_of_the_page_share_an_id(files: dict[str, bytes]) -> None:
    found = Page(files["index.html"].decode())
    assert len(found.ids) == len(set(found.ids))
    assert {address[1:] for address in found.addresses if address.startswith("#")} <= set(found.ids)


def test_the_same_data_gives_the_same_files(data: Build, files: dict[str, bytes]) -> None:
    assert render(data()) == files


def test_text_of_the_data_is_escaped_everywhere(data: Build) -> None:
    """Also in charts, where matplotlib reads text between dollar signs as a formula."""

    def inject(answer: list[dict[str, str]], *columns: str) -> list[dict[str, str]]:
        return [row | dict.fromkeys(columns, f"{HOSTILE} {at}") for at, row in enumerate(answer)]

    good = data().answers
    files = render(
        data(
            segment_profile=inject(good["segment_profile"], "label"),
            revenue_by_region=inject(good["revenue_by_region"], "region"),
            revenue_by_category=inject(good["revenue_by_category"], "category"),
            customer_types=inject(good["customer_types"], "customer_type"),
            segment_features=inject(good["segment_features"], "feature"),
            top_customers_by_spend=inject(good["top_customers_by_spend"], "customer_id", "region"),
            rejected_lines=inject(good["rejected_lines"], "reason"),
            metrics={"pca": {"notes": [HOSTILE], "seconds": {"total": 1.0}}},
            facts=dict(data().facts) | {"input": f"s3://lake/{HOSTILE}"},
        )
    )
    found = Page(files["index.html"].decode())
    assert "script" not in found.tags
    assert found.text.count("<script>alert('&')</script> $x^2$ $\\frac$") > 6
    for name in CHARTS:
        svg = ElementTree.fromstring(files[f"{name}.svg"])
        assert not [element for element in svg.iter() if element.tag.endswith("script")]
    regions = "".join(ElementTree.fromstring(files["revenue_by_region.svg"]).itertext())
    assert "<script>alert('&')</script>" in regions
    assert "$x^2$" in "".join(ElementTree.fromstring(files["segment_plane.svg"]).itertext())
    assert "<script>" not in files["report.md"].decode().replace("\\<script\\>", "")


def test_a_section_without_data_says_so_and_has_no_chart(data: Build) -> None:
    empty = {question: [] for question in data().answers if question != "totals"}
    files = render(data(**empty, metrics={}, cluster=None))
    assert set(files) == {"index.html", "report.md"}
    text = Page(files["index.html"].decode()).text
    assert text.count("There is no") + text.count("There are no") >= 5
    assert "No line was rejected." in text
    assert "The cost is unknown" in text
    assert "No rows." in files["report.md"].decode()


def test_a_mapping_gives_the_currency_and_is_among_the_params(data: Build, files: dict[str, bytes]) -> None:
    mapping = {"columns": {"Region": "Land"}, "without": ["Category", "Discount"], "currency": "CHF"}
    parameters = METRICS["preprocess"]["parameters"] | {"mapping": mapping}
    metrics = METRICS | {"preprocess": METRICS["preprocess"] | {"parameters": parameters}}
    rendered = render(data(metrics=metrics, revenue_by_category=[]))
    text = rendered["index.html"].decode()
    assert "CHF 1.25 million" in text
    assert not [name for name, content in rendered.items() if "€".encode() in content]
    assert "columns: Region is Land; without: Category, Discount; currency: CHF" in text
    assert "There is no revenue by category." in text
    assert "The strongest region is Bremen with 60% of the revenue." in text
    assert render(data()) == files, "the next report is in euros again"


def test_the_cost_is_explained(files: dict[str, bytes]) -> None:
    text = Page(files["index.html"].decode()).text
    assert "$0.14" in text  # 1800 s of 0.22 and 450 s of 0.20 dollars per hour
    assert "0.50 On-Demand, 0.12 Spot" in text
    assert "1 × m6g.xlarge Spot, together 450 s at $0.2000 per hour" in text
    assert "Not a bill" in text
    assert "A local AWS charges nothing." in text
    assert "Estimate before the run3 nodes for 12 min" in text


def test_the_cost_of_emr_serverless_has_no_nodes(data: Build) -> None:
    uses = (Use("ARM64 vCPU", "ON_DEMAND", 3, 3600.0), Use("ARM64 GB of memory", "ON_DEMAND", 3, 14_400.0))
    prices = Prices("eu-west-1", "2026-11-27", {"ARM64 vCPU": 0.04, "ARM64 GB of memory": 0.005}, 5.0)
    serverless = replace(data(), prices=prices, cluster=ClusterCost("00f", "emr-7.13.0", 900.0, 60.0, uses))
    text = Page(page(serverless, charts={})).text
    assert "$0.06" in text
    assert "for EMR Serverless: ARM64 vCPU, together 3,600 s at $0.0400 per hour" in text
    assert "00f, emr-7.13.0" in text
    assert "00f, emr-7.13.0, " not in text
    assert "Spot instances" not in text


def test_a_scoring_run_names_the_run_date_of_its_models(data: Build) -> None:
    """Even if that is its own run date. The silhouette of the fit is not shown."""
    facts = dict(data().facts) | {"plan": ["preprocess", "score"]}
    scored = data(facts=facts)
    text = Page(page(scored, charts={})).text
    assert "segments assigned with the models of 31 January 2026" in text
    assert "This run fitted no model" in text
    assert "models of an earlier run" in text
    assert "silhouette 0.41" not in text
    assert "With a silhouette" not in text
    assert "kmeans33 s" in Page(page(data(), charts={})).text
    assert "kmeans33 s" not in text
    assert (
        key_figures(scored)
        == "2 segments, models of an earlier run, 9,900 valid lines, 1.0% rejected, 1 feature with drift"
    )


def test_the_page_shows_params_by_the_flags_of_the_jobs_and_the_titles_of_the_form() -> None:
    titles = {name.replace("_", "-"): param.schema["title"] for name, param in form(Settings("lake")).items()}
    flags = {flag for job in JOBS for flag in job.flags}
    assert PARAMS.items() <= {flag: title for flag, title in titles.items() if flag in flags}.items()


def test_the_key_figures_are_one_short_line(data: Build) -> None:
    assert (
        key_figures(data())
        == "2 segments, silhouette 0.41, 9,900 valid lines, 1.0% rejected, 1 feature with drift"
    )
