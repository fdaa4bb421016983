"""The HTML page of the report, rendered from ``page.html``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from emr_pipeline.cost import ON_DEMAND, SPOT, Use
from emr_pipeline.report_data import ReportData
from sales_segmentation.report import formatting
from sales_segmentation.report.actions import CSV_FILE, SHOWN, actions
from sales_segmentation.report.chart import SEGMENTS, Chart
from sales_segmentation.report.methods import methods
from sales_segmentation.report.news import news
from sales_segmentation.report.overview import Overview, overview
from sales_segmentation.report.summary import summary
from sales_segmentation.report.tables import table

FOLDER = Path(__file__).parent

PARAMS = {
    "mapping": "Mapping",
    "max-rejected-share": "Maximum share of rejected lines",
    "feature-set": "Feature set",
    "given-categories": "Given categories",
    "outliers": "Outliers",
    "variance-to-keep": "Variance to keep",
    "cluster-on": "Input of KMeans",
    "k-min": "Minimum number of segments",
    "k-max": "Maximum number of segments",
    "k": "Fixed number of segments",
    "min-segment-share": "Minimum share of a segment",
    "n-init": "KMeans initializations",
    "seed": "Random seed",
}
"""The params that the jobs get: the flag of each, and its title in the trigger form."""


CHARTS_ONLY = {
    "totals",
    "segment_sample",
    "segment_silhouette",
    "segment_features",
    "rfm_grid",
    "segment_migration",
    "feature_drift",
    "segment_monthly_revenue",
    "monthly_revenue",
    "revenue_by_region",
    "revenue_by_category",
    "customer_types",
    "explained_variance",
}
"""The answers that the page shows in charts or tiles, but not as a table."""


def page(data: ReportData, charts: Mapping[str, Chart]) -> str:
    """Return the HTML page. It loads nothing from elsewhere, and text of the data is escaped in it."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": formatting.day,
        "number": formatting.integer,
        "duration": formatting.duration,
    }
    figures = overview(data)
    shown = {**data.answers, "customers_to_act_on": actions(data)[:SHOWN]}
    jobs = {job: content for job, content in data.metrics.items() if job in data.facts["plan"]}
    return environment.get_template("page.html").render(
        facts=data.facts,
        figures=figures,
        tiles=_tiles(data, figures),
        news=news(data),
        summary=summary(data),
        actions=len(data.answers["customers_to_act_on"]),
        shown_actions=SHOWN,
        csv_file=CSV_FILE,
        notable={question: title for question, title in NOTABLE.items() if _ranks(question, data)},
        methods=methods(data),
        inline={name: Markup(chart.inline) for name, chart in charts.items()},  # already escaped
        narrow={name: Markup(chart.narrow) for name, chart in charts.items()},
        charts=charts,
        tables={question: table(rows) for question, rows in shown.items() if question not in CHARTS_ONLY},
        colours=len(SEGMENTS),
        params=_params(data),
        choice=_choice(data),
        run=_run(data, figures),
        cost=_cost(data),
        jobs=jobs,
        notes={job: content["notes"] for job, content in jobs.items() if content.get("notes")},
        style=Markup((FOLDER / "style.css").read_text()),
    )


NOTABLE = {
    "top_customers_by_spend": "Who spends the most?",
    "low_engagement_customers": "Who orders least often?",
    "highest_average_discount": "Who gets the highest discounts?",
    "customers_by_product_diversity": "Who buys the largest variety of products?",
}
"""Rankings of customers. One is left out if all its customers are equal, because it then answers nothing."""

RANKED = {
    "top_customers_by_spend": "total_spend",
    "low_engagement_customers": "orders_per_month",
    "highest_average_discount": "average_discount_percent",
    "customers_by_product_diversity": "unique_products",
}
"""The column of each ranking."""


def _ranks(question: str, data: ReportData) -> bool:
    rows = data.answers[question]
    return len(rows) == 1 or len({row[RANKED[question]] for row in rows}) > 1


def _tiles(data: ReportData, figures: Overview) -> list[tuple[str, str, str]]:
    """Return the tiles at the top of the page: name, value and explanation of each."""
    return [
        ("Revenue", formatting.short_money(figures.revenue), f"{formatting.integer(figures.orders)} orders"),
        (
            "Customers",
            formatting.integer(figures.customers),
            f"{formatting.integer(figures.valid)} sales lines",
        ),
        (
            "Segments",
            formatting.integer(figures.segments),
            f"silhouette {formatting.decimal(figures.silhouette)}"
            if figures.fitted
            else "models of an earlier run",
        ),
        (
            "Rejected lines",
            formatting.percent(figures.rejected_percent),
            f"{formatting.integer(figures.rejected)} of {formatting.integer(figures.lines)}",
        ),
        ("Duration", formatting.duration(data.seconds), "until this report"),
        ("Cluster", formatting.dollars(_dollars(data)), "on AWS, a price list estimate, until this report"),
    ]


def _run(data: ReportData, figures: Overview) -> dict[str, str]:
    """Return facts about the run by name."""
    facts, preprocess = data.facts, data.metrics.get("preprocess", {})
    given = preprocess.get("input", {})
    return {
        "Run date": formatting.day(facts["run_date"]),
        "Model": "fitted in this run"
        if figures.fitted
        else f"of the run date {formatting.day(facts['model_date'])}; no model was fitted",
        "Input": facts["input"],
        "Size of the input": f"{formatting.files(given.get('files'))}, {formatting.size(given.get('bytes'))}",
        "Code version": preprocess.get("code_version", "unknown"),
        "Duration": f"{formatting.duration(data.seconds)}, from the start of the run to this report",
        **_cluster(data),
    }


def _cluster(data: ReportData) -> dict[str, str]:
    cluster = data.cluster
    estimate = {"Estimate before the run": data.facts["estimate"]} if data.facts.get("estimate") else {}
    if cluster is None:
        return {"Cluster": "unknown"} | estimate
    ready = (
        f", ready after {formatting.duration(cluster.ready_after)}" if cluster.ready_after is not None else ""
    )
    nodes = f", {cluster.nodes} nodes" if cluster.nodes else ""  # EMR Serverless has none
    hours = f"{cluster.node_hours(ON_DEMAND):.2f} On-Demand, {cluster.node_hours(SPOT):.2f} Spot"
    return {
        "Cluster": f"{cluster.cluster_id}, {cluster.release}{nodes}",
        "Cluster time": f"{formatting.integer(cluster.seconds)} seconds until this report{ready}",
        "Node hours": hours,
        "Nodes on AWS, price list estimate": formatting.dollars(_dollars(data)),
    } | estimate


def _dollars(data: ReportData) -> float | None:
    return data.cluster.dollars(data.prices) if data.cluster and data.prices else None


def _cost(data: ReportData) -> str:
    """Return how the cost of the cluster was computed."""
    cluster, prices = data.cluster, data.prices
    if cluster is None or prices is None or _dollars(data) is None:
        return "The cost is unknown, because the data of the cluster or the price of a node type is not available."
    uses = ", ".join(
        f"{_use(use)}, together {formatting.integer(use.seconds)} s at ${prices.hourly[use.resource]:.4f} per hour"
        for use in cluster.uses
    )
    if cluster.nodes:
        services = "EC2 On-Demand and EMR"
        spot = " Spot instances count as On-Demand, which is the most that they cost."
    else:
        services, spot = "EMR Serverless", ""
    return (
        f"Not a bill: the use that EMR reports, at the list prices of {prices.region} of "
        f"{formatting.day(prices.date)} for {services}: {uses}.{spot} S3, Athena and the time after this report are "
        "not included, nor are the disks of nodes. A local AWS charges nothing."
    )


def _use(use: Use) -> str:
    if use.serverless:
        return use.resource
    return f"{use.nodes} × {use.resource} {'Spot' if use.market == SPOT else 'On-Demand'}"


def _choice(data: ReportData) -> dict[str, Any]:
    """Return the choice of the number of segments and the fidelity of the rules, from the metrics of the fit."""
    kmeans = data.metrics.get("kmeans", {})
    fidelity = kmeans.get("fidelity")
    return {
        "why": kmeans.get("why"),
        "findings": kmeans.get("findings", []),
        "rule": kmeans.get("rule", []),
        "fidelity": formatting.percent(100 * fidelity) if fidelity is not None else None,
    }


def _params(data: ReportData) -> dict[str, Any]:
    """Return the params of the jobs that made these results, by their titles in the form."""
    given: dict[str, Any] = {}
    for job in ("preprocess", "pca", "kmeans"):
        given |= data.metrics.get(job, {}).get("parameters", {})
    if "mapping" in given:
        values = (f"{key}: {_words(value)}" for key, value in given["mapping"].items())
        given["mapping"] = "; ".join(values) or "none"
    return {name: given[flag] for flag, name in PARAMS.items() if flag in given}


def _words(value: Any) -> str:
    """Return a value of a mapping in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{column} is {name}" for column, name in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)
