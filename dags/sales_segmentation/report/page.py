"""The HTML page of the report, rendered from ``page.html``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from emr_pipeline.cost import PRICES_FROM, PRICES_OF, ClusterCost
from emr_pipeline.report_data import ReportData
from sales_segmentation.report import formatting
from sales_segmentation.report.chart import SEGMENTS, Chart
from sales_segmentation.report.overview import Overview, overview
from sales_segmentation.report.summary import summary
from sales_segmentation.report.tables import table

FOLDER = Path(__file__).parent

PARAMS = {
    "max-rejected-share": "Maximum share of rejected lines",
    "feature-set": "Feature set",
    "variance-to-keep": "Variance to keep",
    "cluster-on": "Input of KMeans",
    "k-min": "Minimum number of segments",
    "k-max": "Maximum number of segments",
    "k": "Fixed number of segments",
    "n-init": "KMeans initializations",
    "seed": "Random seed",
}
"""The params that the jobs get: the flag of each, and its title in the trigger form."""


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
    jobs = {job: content for job, content in data.metrics.items() if job in data.facts["plan"]}
    return environment.get_template("page.html").render(
        facts=data.facts,
        figures=figures,
        tiles=_tiles(data, figures),
        summary=summary(data),
        inline={name: Markup(chart.inline) for name, chart in charts.items()},  # already escaped
        charts=charts,
        tables={question: table(rows) for question, rows in data.answers.items() if _shown(question)},
        colours=len(SEGMENTS),
        params=_params(data),
        why=data.metrics.get("kmeans", {}).get("why"),
        run=_run(data, figures),
        cost=_cost(data.cluster),
        jobs=jobs,
        notes={job: content["notes"] for job, content in jobs.items() if content.get("notes")},
        style=Markup((FOLDER / "style.css").read_text()),
    )


def _shown(question: str) -> bool:
    """Return whether an answer is shown as a table; the others are shown in charts or tiles only."""
    return question not in {"totals", "segment_sample", "segment_features"}


def _tiles(data: ReportData, figures: Overview) -> list[tuple[str, str, str]]:
    """Return the tiles at the top of the page: name, value and explanation of each."""
    cluster = data.cluster
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
        (
            "Cluster cost",
            formatting.dollars(cluster.dollars if cluster else None),
            "estimate, until this report",
        ),
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
        **_cluster(data.cluster),
    }


def _cluster(cluster: ClusterCost | None) -> dict[str, str]:
    if cluster is None:
        return {"Cluster": "unknown"}
    spot = f", {cluster.spot_nodes} of them Spot" if cluster.spot_nodes else ""
    ready = (
        f", ready after {formatting.duration(cluster.ready_after)}" if cluster.ready_after is not None else ""
    )
    return {
        "Cluster": f"{cluster.cluster_id}, {cluster.release}, {cluster.nodes} nodes{spot}",
        "Cluster time": f"{formatting.integer(cluster.seconds)} seconds until this report{ready}",
        "Estimated cost": formatting.dollars(cluster.dollars),
    }


def _cost(cluster: ClusterCost | None) -> str:
    """Return how the cost of the cluster was estimated."""
    if cluster is None or cluster.price is None:
        return "The cost is unknown, because the data of the cluster or the price of a node type is not available."
    price = cluster.price
    return (
        f"The cost is an estimate, not a bill: {cluster.nodes} nodes × {formatting.integer(cluster.seconds)} s × "
        f"${price.total:.3f} per hour (EC2 ${price.ec2:.3f} and EMR ${price.emr:.3f}). This is the highest on-demand "
        f"price of {', '.join(cluster.node_types)} in us-east-1 ({PRICES_FROM}, {PRICES_OF}). Spot instances cost "
        "less. Not included are disks, S3 and Athena, and the time from this report until the cluster terminates."
    )


def _params(data: ReportData) -> dict[str, Any]:
    """Return the params of the jobs that made these results, by their titles in the form."""
    given: dict[str, Any] = {}
    for job in ("preprocess", "pca", "kmeans"):
        given |= data.metrics.get(job, {}).get("parameters", {})
    return {name: given[flag] for flag, name in PARAMS.items() if flag in given}
