"""What has changed since an earlier run: customers who moved between segments, came or left, and drift of features."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.blocks import Array, aggregate, arrange, as_blocks
from segmentation.job import Job
from segmentation.lake import Lake
from segmentation.moments import Moments
from segmentation.quantiles import quantiles
from segmentation.segments import NAMES, feature_moments
from segmentation.small_tables import small_table

#: A feature with a larger PSI has shifted (Siddiqi, Credit Risk Scorecards, 2006: up to 0.1 no shift, up to 0.25 some).
LARGE_PSI = 0.25

_DECILES = tuple(tenth / 10 for tenth in range(11))

Counts = npt.NDArray[np.int64]


def publish_changes(job: Job[Any], now: SegmentedCustomers) -> None:
    """Publish segment_migration and feature_drift of this run's customers against the latest earlier run date.

    Both datasets are empty if there is none. Features with a large PSI are noted.
    """
    earlier = job.lake.earlier("customer_features", "customer_segments")
    migration: list[tuple[Any, ...]] = []
    drift: list[tuple[Any, ...]] = []
    if earlier is None:
        job.log("no earlier run date has segments: there is nothing to compare with")
    else:
        with job.stage("change"):
            before = SegmentedCustomers.read(earlier)
            migration = _migration(earlier, before, now)
            drift = _drift(before, now)
            before.frame.unpersist()
        migration = [(earlier.run_date, *row) for row in migration]
        drift = [(earlier.run_date, *row) for row in drift]
        shifted = [f"{feature} {psi:.2f}" for _, feature, psi, _, _, drifted in drift if drifted]
        if shifted:
            job.note(f"features with a PSI above {LARGE_PSI} since {earlier.run_date}: {', '.join(shifted)}")
    for dataset, rows in (("segment_migration", migration), ("feature_drift", drift)):
        job.publish(dataset, small_table(job.lake.spark, dataset, rows))


@dataclass(frozen=True)
class SegmentedCustomers:
    """The customers of one run with their features and ``segment``, cached, and the moments of each segment.

    The frame is arranged for blocks.
    """

    frame: DataFrame
    moments: Mapping[int, Moments]

    @classmethod
    def read(cls, lake: Lake) -> SegmentedCustomers:
        """Return the published customers of a run."""
        segments = lake.read("customer_segments").select("customer_id", "segment")
        features = lake.read("customer_features")
        frame = arrange(features.count(), features, segments).persist(StorageLevel.MEMORY_AND_DISK)
        return cls(frame, feature_moments(frame))

    @property
    def everyone(self) -> Moments:
        """The moments of all customers."""
        return reduce(operator.add, self.moments.values())


def _migration(earlier: Lake, before: SegmentedCustomers, now: SegmentedCustomers) -> list[tuple[Any, ...]]:
    """Return the rows of segment_migration without the run date."""
    matched = match_segments(before.moments, now.moments)
    labels = {}
    if earlier.has("segment_profiles"):
        labels = {row.segment: row.label for row in earlier.read("segment_profiles").collect()}
    # A sum of decimals is exact and does not depend on the order of the rows.
    spend = F.col("total_spend").cast("decimal(28, 4)")
    old = before.frame.select(
        "customer_id", F.col("segment").alias("earlier_segment"), spend.alias("earlier_spend")
    )
    new = now.frame.select("customer_id", "segment", spend.alias("spend"))
    pairs = (
        old.join(new, on="customer_id", how="full_outer")
        .groupBy("earlier_segment", "segment")
        .agg(
            F.count("*").alias("customers"),
            F.coalesce(F.sum("earlier_spend").cast("double"), F.lit(0.0)).alias("earlier_revenue"),
            F.coalesce(F.sum("spend").cast("double"), F.lit(0.0)).alias("revenue"),
        )
        .collect()
    )
    # The customers without a segment, who came or left, are last.
    last = float("inf")
    pairs.sort(key=lambda row: tuple(last if at is None else at for at in (row.earlier_segment, row.segment)))
    return [
        (
            row.earlier_segment,
            labels.get(row.earlier_segment),
            row.segment,
            row.segment is not None and matched.get(row.earlier_segment) == row.segment,
            row.customers,
            row.earlier_revenue,
            row.revenue,
        )
        for row in pairs
    ]


def match_segments(before: Mapping[int, Moments], now: Mapping[int, Moments]) -> dict[int, int]:
    """Return for each earlier segment the segment of this run with the most similar profile, if it is similar enough.

    The pairs have the lowest sum of squared distances between the means of all features, in standard deviations of the
    earlier customers. A pair is left out if the earlier segment is at least as near to another earlier segment: its
    partner is then a new segment. With different numbers of segments some have no partner.
    """
    std = reduce(operator.add, before.values()).std
    varies = std > 0
    old, new = (
        np.array([moments.mean[varies] / std[varies] for moments in each.values()]) for each in (before, now)
    )
    distances = _squared_distances(old, new)
    others = _squared_distances(old, old)
    np.fill_diagonal(others, np.inf)
    numbers = list(before), list(now)
    return {
        numbers[0][row]: numbers[1][column]
        for row, column in assignment(distances)
        if distances[row, column] < others[row].min()
    }


def _squared_distances(a: Array, b: Array) -> Array:
    return np.asarray(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2))


def assignment(cost: Array) -> list[tuple[int, int]]:
    """Return pairs of a row and a column of ``cost`` with the lowest sum; no row and no column occurs twice.

    The Hungarian algorithm (Kuhn 1955) with shortest augmenting paths (Jonker and Volgenant 1987), O(n³).
    """
    if cost.shape[0] > cost.shape[1]:
        return sorted((row, column) for column, row in assignment(cost.T))
    rows, columns = cost.shape
    # Row and column 0 are the start of a path.
    of_row, of_column = np.zeros(rows + 1), np.zeros(columns + 1)
    owner, previous = np.zeros(columns + 1, dtype=int), np.zeros(columns + 1, dtype=int)
    for row in range(1, rows + 1):
        owner[0], column = row, 0
        slack, open_ = np.full(columns + 1, np.inf), np.ones(columns + 1, dtype=bool)
        while owner[column]:
            open_[column] = False
            at = owner[column]
            reduced = np.append(np.inf, cost[at - 1] - of_row[at] - of_column[1:])
            closer = open_ & (reduced < slack)
            slack[closer], previous[closer] = reduced[closer], column
            column = int(np.argmin(np.where(open_, slack, np.inf)))
            step = slack[column]
            of_row[owner[~open_]] += step
            of_column[~open_] -= step
            slack[open_] -= step
        while column:
            owner[column] = owner[previous[column]]
            column = int(previous[column])
    return sorted((int(owner[column]) - 1, column - 1) for column in range(1, columns + 1) if owner[column])


def _drift(before: SegmentedCustomers, now: SegmentedCustomers) -> list[tuple[Any, ...]]:
    """Return the rows of feature_drift without the run date, the largest PSI first."""
    limits = {name: _limits(found) for name, found in quantiles(before.frame, NAMES, _DECILES).items()}
    old, new = (_histograms(each, limits) for each in (before, now))
    means = dict(
        zip(NAMES, zip(before.everyone.mean.tolist(), now.everyone.mean.tolist(), strict=True), strict=True)
    )
    found = [
        (name, population_stability_index(old[name], new[name]), psi_by_chance(old[name], new[name]))
        for name in NAMES
    ]
    found.sort(key=lambda each: -each[1])
    return [(name, psi, *means[name], psi > max(LARGE_PSI, chance)) for name, psi, chance in found]


def _limits(deciles: Sequence[float]) -> Array:
    """Return the limits of the bins: below the minimum, up to each different decile, and above the maximum."""
    minimum, *others = deciles
    return np.append(np.nextafter(minimum, -np.inf), np.unique(others))


def _histograms(customers: SegmentedCustomers, limits: Mapping[str, Array]) -> dict[str, Counts]:
    """Return for each feature the number of customers in each bin; a limit belongs to the bin below it."""

    def count(block: Array) -> list[Counts]:
        return [
            np.bincount(np.searchsorted(limits[name], values), minlength=len(limits[name]) + 1)
            for name, values in zip(NAMES, block, strict=True)
        ]

    def add(a: list[Counts], b: list[Counts]) -> list[Counts]:
        return [x + y for x, y in zip(a, b, strict=True)]

    values = F.array(*(F.col(name).cast("double") for name in NAMES))
    counts = aggregate(as_blocks(customers.frame, values), count, add)
    return dict(zip(NAMES, counts, strict=True))


def population_stability_index(before: Counts, now: Counts) -> float:
    """Return the PSI of two histograms with the same bins: Σ (p − q) · ln(p / q) with the shares p and q of a bin.

    Half a customer is added to each bin, so that an empty bin has a logarithm: p = (n + 0.5) / (N + 0.5 · bins).
    """
    old, new = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (before, now))
    return float(((new - old) * np.log(new / old)).sum())


def psi_by_chance(before: Counts, now: Counts) -> float:
    """Return the PSI that few features without drift exceed; with few customers it is large.

    Without drift, PSI / (1/N + 1/M) has a χ² distribution with bins − 1 degrees of freedom (Yurdakul, Statistical
    Properties of Population Stability Index, 2018); its mean plus two standard deviations is taken.
    """
    degrees = len(before) - 1
    return float((1 / before.sum() + 1 / now.sum()) * (degrees + 2 * np.sqrt(2 * degrees)))
