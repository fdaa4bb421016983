"""The page: the template filled with the data."""

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

CHOICES = {
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
    """Return the HTML; it loads nothing, and no text of the data is markup in it."""
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
        inline={name: Markup(chart.inline) for name, chart in charts.items()},  # escaped there
        charts=charts,
        tables={question: table(rows) for question, rows in data.answers.items() if _shown(question)},
        colours=len(SEGMENTS),
        choices=_choices(data),
        why=data.metrics.get("kmeans", {}).get("why"),
        run=_run(data, figures),
        cost=_cost(data.cluster),
        jobs=jobs,
        notes={job: content["notes"] for job, content in jobs.items() if content.get("notes")},
        style=Markup((FOLDER / "style.css").read_text()),
    )


def _shown(question: str) -> bool:
    """Return whether an answer is a table of the page; the others are charts only."""
    return question not in {"totals", "segment_sample", "segment_features"}


def _tiles(data: ReportData, figures: Overview) -> list[tuple[str, str, str]]:
    """Return what the reader sees first: name, figure, and a word of explanation."""
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
            else "by an earlier model",
        ),
        (
            "Lines set aside",
            formatting.percent(figures.rejected_percent),
            f"{formatting.integer(figures.rejected)} of {formatting.integer(figures.read)}",
        ),
        ("Duration", formatting.duration(data.seconds), "from the start to this report"),
        (
            "Cluster cost",
            formatting.dollars(cluster.dollars if cluster else None),
            "estimate, until this report",
        ),
    ]


def _run(data: ReportData, figures: Overview) -> dict[str, str]:
    """Return the facts of the run by name."""
    facts, preprocess = data.facts, data.metrics.get("preprocess", {})
    given = preprocess.get("input", {})
    return {
        "Run date": formatting.day(facts["run_date"]),
        "Model": "fitted in this run"
        if figures.fitted
        else f"of {formatting.day(facts['model_date'])}; nothing was fitted",
        "Input": facts["input"],
        "Input size": f"{formatting.files(given.get('files'))}, {formatting.size(given.get('bytes'))}",
        "Job code": preprocess.get("code_version", "unknown"),
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
    """Return how the cost was estimated."""
    if cluster is None or cluster.price is None:
        return "The cost is unknown: EMR did not say what the cluster is, or a node type has no known price."
    price = cluster.price
    return (
        f"The cost is an estimate and no bill: {cluster.nodes} nodes × {formatting.integer(cluster.seconds)} s × "
        f"${price.total:.3f} an hour (EC2 ${price.ec2:.3f} and EMR ${price.emr:.3f}), the dearest on-demand price of "
        f"{', '.join(cluster.node_types)} in us-east-1 ({PRICES_FROM}, {PRICES_OF}). Spot nodes are cheaper than that. "
        "It leaves out disks, S3 and Athena, and the time from this report to the end of the cluster."
    )


def _choices(data: ReportData) -> dict[str, Any]:
    """Return what was chosen for the jobs that made these results, by name."""
    given: dict[str, Any] = {}
    for job in ("preprocess", "pca", "kmeans"):
        given |= data.metrics.get(job, {}).get("parameters", {})
    return {name: given[flag] for flag, name in CHOICES.items() if flag in given}
