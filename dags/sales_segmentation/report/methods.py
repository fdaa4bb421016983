"""The methods and the limits of the results, from the parameters and the metrics of the jobs that made them."""

from __future__ import annotations

from typing import Any

from emr_pipeline.report_data import ReportData
from sales_segmentation.datasets import INPUT_COLUMNS
from sales_segmentation.report.charts.change import LARGE_PSI, SOME_PSI
from sales_segmentation.report.charts.names import feature_name
from sales_segmentation.report.formatting import integer, parse_column, percent, plain_words
from sales_segmentation.report.overview import RETURNED

FEW = 30
"""A segment with fewer customers has uncertain means."""

RETURNS = {
    "net": "Revenue is net of returns. Features other than total quantity and total spend describe the purchases only, "
    "and a customer with returns only has no segment.",
    "set_aside": "Returns are kept in rejected_sales and are not used; they do not count as rejected lines.",
}
"""What the key returns of a mapping means for the results."""

SPACES = {
    "whitened": "the kept components, each divided by its standard deviation (whitened)",
    "features": "all scaled features",
}
"""What the distances are measured on, if not on the kept components."""

Methods = list[tuple[str, list[str]]]
"""Headings with their sentences."""


def methods(data: ReportData) -> Methods:
    """Return the methods; a heading without sentences is left out."""
    preprocess, pca, kmeans = (data.metrics.get(job, {}) for job in ("preprocess", "pca", "kmeans"))
    found = [
        ("Cleaning", _cleaning(preprocess)),
        ("Features", _features(pca)),
        ("Segments", _segments(pca, kmeans)),
        ("Measures of the segments", _measures(data)),
        ("RFM", _rfm(data)),
        ("Change over time", _change(data)),
        ("Limits", _limits(data)),
    ]
    return [(heading, sentences) for heading, sentences in found if sentences]


def _cleaning(metrics: Any) -> list[str]:
    if not metrics:
        return []
    rules = ", ".join(plain_words(reason) for reason in metrics.get("rejected", {}) if reason != RETURNED)
    share = metrics.get("parameters", {}).get("max-rejected-share")
    return [
        *_mapping(metrics.get("parameters", {}).get("mapping", {})),
        "A line that breaks a rule is kept in rejected_sales with the first rule that it breaks, and is not used.",
        *([f"Rules that lines of this input broke: {rules}."] if rules else []),
        *(
            [f"The run fails if more than {percent(100 * share)} of the lines are rejected."]
            if share is not None
            else []
        ),
    ]


def _mapping(mapping: Any) -> list[str]:
    """Return what the mapping of the run leaves out, and how it counts returns."""
    left_out = {column.name: column.without for column in INPUT_COLUMNS.columns}
    missing = [f"The files have no {name}: {left_out[name]}." for name in mapping.get("without", [])]
    returns = RETURNS.get(mapping.get("returns", ""))
    return [*missing, returns] if returns else missing


def _features(metrics: Any) -> list[str]:
    names, given = metrics.get("features"), metrics.get("parameters", {})
    if not names:
        return []
    scaling = (
        "Each feature is scaled from its minimum and maximum to 0 and 1."
        if given.get("feature-set") == "notebook"
        else "Skewed amounts and counts become log(1 + x), then each feature gets mean 0 and standard deviation 1."
    )
    outliers = {
        "winsorise": "A value more than three interquartile ranges outside the quartiles is moved to this limit.",
        "keep": "Outliers are not changed.",
    }.get(given.get("outliers", ""))
    listed = ", ".join(feature_name(name).lower() for name in names)
    return [
        f"{len(names)} features of each customer: {listed}.",
        *([outliers] if outliers and given.get("feature-set") != "notebook" else []),
        scaling,
    ]


def _segments(pca: Any, kmeans: Any) -> list[str]:
    given, components = kmeans.get("parameters", {}), pca.get("components", {})
    if not given:
        return []
    sentences = []
    if components:
        sentences.append(
            f"Principal components: {components['retained']} of {components['of']} are kept, which explain "
            f"{percent(100 * components['variance_kept'])} of the variance."
        )
    space = SPACES.get(given.get("cluster-on", ""), "the kept components")
    starts = given.get("n-init")
    sentences.append(
        f"KMeans with Euclidean distances on {space}"
        + (f"; for each number of segments the best of {starts} starts (k-means++)" if starts else "")
        + (f", random seed {given['seed']}." if "seed" in given else ".")
    )
    if given.get("k") not in (None, "auto"):
        sentences.append(f"The number of segments, {given['k']}, was requested.")
    elif "k-min" in given:
        sentences.append(f"Numbers of segments from {given['k-min']} to {given['k-max']} were tried.")
    if refinement := kmeans.get("refinement"):
        sentences.append(
            "The segments are refined by the classification EM algorithm (Celeux and Govaert 1992), with distances by "
            f"the covariance within the segments: {percent(100 * refinement['moved'])} of the customers changed the "
            "segment. The measures of each number of segments are those before it."
        )
    return sentences


def _measures(data: ReportData) -> list[str]:
    rows = data.answers["chosen_k"]
    given = {name for row in rows for name, value in row.items() if value}
    texts = {
        "wssse": "WSSSE: sum of the squared distances of the customers to the centre of their segment. It always falls "
        "with more segments.",
        "silhouette": "Silhouette: how much nearer the own segment is than the next one, from −1 to 1, with squared "
        "distances (Rousseeuw 1987). About 0: between two segments.",
        "calinski_harabasz": "Calinski-Harabasz: spread between the segments divided by the spread within them; higher "
        "is better, and only values of the same data can be compared.",
        "stability": "Stability: agreement of fits on bootstrap resamples, as adjusted Rand index; 1: the same "
        "segments each time, 0: no more agreement than by chance.",
        "gap": "Gap: how much more compact the segments are than slices of one normal cloud without groups "
        "(Tibshirani, Walther and Hastie 2001); below 0.05, the customers hardly form groups. One cloud that is not "
        "normal can also exceed it.",
        "mutual_information": "Mutual information: agreement with a column that the data already has, adjusted for "
        "chance; 1: the segments only repeat it.",
    }
    return [text for name, text in texts.items() if name in given]


def _rfm(data: ReportData) -> list[str]:
    if not data.answers["rfm_grid"]:
        return []
    return [
        "Recency is the days since the last order, frequency the number of orders, monetary value the spend. Each gets "
        "a score from 1 to 5 by the exact quintiles of this run; equal values have equal scores.",
        "The groups are pairs of recency and frequency scores, with the names of putler.com/rfm-analysis. At Risk and "
        "Cannot Lose Them (recency 1 or 2, frequency 3 or more) are at risk.",
        "The scores compare the customers with each other: a low recency score does not mean that a customer is late.",
        "A customer at risk is late after more than three times the customer's own mean interval between orders. If "
        "orders came at random times, 8% of the customers with ten orders and 5% of those with very many would be as "
        "late, but 25% of those with two.",
    ]


def _change(data: ReportData) -> list[str]:
    if not data.answers["segment_migration"]:
        return []
    return [
        "Compared with the latest earlier run date that has segments. Segments are matched by profile: the pairs with "
        "the lowest sum of squared distances between their means in standard deviations. A pair that is less similar "
        "than two earlier segments are to each other is not matched: the segment is new.",
        "PSI: the sum of (p − q) · ln(p / q) over the deciles of the earlier run, with the shares p and q of the "
        f"customers and half a customer added to each bin. Up to {SOME_PSI} no shift, up to {LARGE_PSI} some, above it "
        "a large one (Siddiqi 2006). With few customers, a PSI that chance explains is no warning.",
    ]


def _limits(data: ReportData) -> list[str]:
    profile = data.answers["segment_profile"]
    small = [
        row["segment"]
        for row, size in zip(profile, parse_column(profile, "customers"), strict=True)
        if size < FEW
    ]
    return [
        "The segments describe behaviour in this data. They do not say why customers behave so, and a segment does not "
        "predict what one customer does next.",
        "KMeans divides any data: it makes groups of similar shape and spread, also where there are no groups.",
        *(
            [
                f"Fewer than {integer(FEW)} customers are in segment {', '.join(small)}: their means are uncertain."
            ]
            if small
            else []
        ),
    ]
