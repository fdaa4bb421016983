"""Migration, matched segments and drift between two runs, against numpy, scipy and scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy.optimize import linear_sum_assignment
from scipy.stats import entropy
from sklearn.preprocessing import KBinsDiscretizer

from segmentation.change import (
    LARGE_PSI,
    SegmentedCustomers,
    assignment,
    match_segments,
    population_stability_index,
    psi_by_chance,
    publish_changes,
)
from segmentation.job import Job
from segmentation.moments import Moments
from segmentation.segments import NAMES
from tests.spark import customers

LATER = "2024-02-01"


def publish(spark: SparkSession, folder: Path, run_date: str, frame: DataFrame, segment: Any) -> None:
    """Publish the customers and their segments, an SQL expression."""
    lake = customers.lake(spark, folder, run_date)
    lake.publish("customer_features", frame)
    zero = F.lit(0.0)
    segments = frame.select(
        "customer_id",
        F.expr(segment).cast("int").alias("segment"),
        *(zero.alias(name) for name in ("distance", "silhouette", "pc1", "pc2")),
    )
    lake.publish("customer_segments", segments)


def changes(spark: SparkSession, folder: Path, run_date: str) -> tuple[Job[Any], list[Any], list[Any]]:
    """Return the job, segment_migration and feature_drift of ``run_date``."""
    job: Job[Any] = Job("kmeans", customers.lake(spark, folder, run_date), None)
    publish_changes(job, SegmentedCustomers.read(job.lake))
    tables = (job.lake.read(name).collect() for name in ("segment_migration", "feature_drift"))
    return job, *tables


@pytest.fixture(scope="module")
def two_runs(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Businesses are segment 0, then 1. Of 300 customers the first ten are gone; five are new, and spend more."""
    folder = tmp_path_factory.mktemp("change")
    before = customers.frame(spark, 300)
    publish(spark, folder, customers.RUN_DATE, before, "if(is_b2b = 1, 0, 1)")
    number = F.expr("cast(substring(customer_id, 4) as int)")
    new = customers.frame(spark, 5).withColumn("customer_id", F.concat(F.lit("NEW"), "customer_id"))
    now = before.where(number >= 10).unionByName(new)
    now = now.withColumn("total_spend", F.expr("if(is_b2b = 1, total_spend, total_spend + 100)"))
    # CUS12 is a business, but gets the segment of the consumers.
    publish(spark, folder, LATER, now, "if(is_b2b = 1 and customer_id != 'CUS12', 1, 0)")
    return folder


def test_the_first_run_has_empty_tables(spark: SparkSession, two_runs: Path) -> None:
    job, migration, drift = changes(spark, two_runs, customers.RUN_DATE)
    assert (migration, drift, job.notes) == ([], [], [])
    assert job.rows == {"segment_migration": 0, "feature_drift": 0}


def test_customers_move_come_and_leave_between_segments_matched_by_profile(
    spark: SparkSession, two_runs: Path
) -> None:
    _, migration, _ = changes(spark, two_runs, LATER)
    found = {(row.earlier_segment, row.segment): (row.customers, row.matched) for row in migration}
    assert found == {
        (0, 1): (95, True),
        (0, 0): (1, False),
        (0, None): (4, False),
        (1, 0): (194, True),
        (1, None): (6, False),
        (None, 1): (2, False),
        (None, 0): (3, False),
    }
    assert {row.earlier_run_date for row in migration} == {customers.RUN_DATE}
    spend = [
        customers.lake(spark, two_runs, date).read("customer_features").agg(F.sum("total_spend")).first()[0]
        for date in (customers.RUN_DATE, LATER)
    ]
    assert sum(row.earlier_revenue for row in migration) == pytest.approx(spend[0])
    assert sum(row.revenue for row in migration) == pytest.approx(spend[1])


def test_the_psi_is_that_of_scipy_over_deciles_of_scikit_learn(spark: SparkSession, two_runs: Path) -> None:
    """PSI is the sum of both Kullback-Leibler divergences; continuous values within the earlier range."""
    job, _, drift = changes(spark, two_runs, LATER)
    old, new = (
        np.array(customers.lake(spark, two_runs, date).read("customer_features").select(*NAMES).collect())
        for date in (customers.RUN_DATE, LATER)
    )
    found = {row.feature: row for row in drift}
    assert set(found) == set(NAMES)
    for name in ("recency_days", "weekend_share"):
        at = NAMES.index(name)
        deciles = KBinsDiscretizer(10, encode="ordinal", strategy="quantile", quantile_method="linear")
        # scikit-learn has bins that are closed on the left: on the negative values they are closed on the right.
        deciles.fit(-old[:, [at]])
        counts = [
            np.bincount(deciles.transform(-values[:, [at]]).ravel().astype(int), minlength=10)
            for values in (old, new)
        ]
        # Below and above the range of the earlier run is nobody.
        p, q = ((np.append(count, [0, 0]) + 0.5) / (count.sum() + 6) for count in counts)
        assert found[name].psi == pytest.approx(entropy(p, q) + entropy(q, p), rel=1e-9)
        assert found[name].mean == pytest.approx(new[:, at].mean())
        assert found[name].earlier_mean == pytest.approx(old[:, at].mean())
        assert not found[name].drifted
    assert [row.feature for row in drift if row.drifted] == ["total_spend"]
    assert job.notes == [
        f"features with a PSI above 0.25 since {customers.RUN_DATE}: total_spend {found['total_spend'].psi:.2f}"
    ]
    assert found["total_spend"].psi > LARGE_PSI
    assert found["unique_categories"].psi == pytest.approx(0, abs=1e-3)


def test_a_feature_that_was_constant_drifts_in_both_directions(spark: SparkSession, tmp_path: Path) -> None:
    before = customers.frame(spark, 40, seasonality=0.5)
    publish(spark, tmp_path, customers.RUN_DATE, before, "0")
    for value in (0.4, 0.6):
        publish(spark, tmp_path, LATER, customers.frame(spark, 40, seasonality=value), "0")
        _, _, drift = changes(spark, tmp_path, LATER)
        assert [row.feature for row in drift if row.drifted] == ["seasonality"]


def test_the_psi_of_known_histograms() -> None:
    """Shares of 1/4 and 3/4 against 3/4 and 1/4 after half a customer is added to each of the two bins."""
    assert population_stability_index(np.array([2, 7]), np.array([7, 2])) == pytest.approx(np.log(3))
    assert population_stability_index(np.array([5, 0]), np.array([50, 0])) < LARGE_PSI


def test_the_limit_of_chance_is_exceeded_by_few_samples_without_drift() -> None:
    random = np.random.default_rng(3)
    shares = np.full(10, 0.1)
    pairs = [(random.multinomial(300, shares), random.multinomial(60, shares)) for _ in range(2000)]
    above = [population_stability_index(*pair) > psi_by_chance(*pair) for pair in pairs]
    assert 0.005 < np.mean(above) < 0.06


def test_a_segment_that_is_unlike_all_earlier_ones_is_new() -> None:
    """The means of the first feature are 0 and 4, then 1 and 9: 9 is farther from 4 than the earlier segments apart."""

    def segment(mean: float) -> Moments:
        noise = np.random.default_rng(6).normal(size=(len(NAMES), 50))
        noise[0] += mean - noise[0].mean()
        return Moments.of(noise)

    assert match_segments({0: segment(0), 1: segment(4)}, {5: segment(9), 6: segment(1)}) == {0: 6}
    assert match_segments({0: segment(0), 1: segment(4)}, {5: segment(7), 6: segment(1)}) == {0: 6, 1: 5}


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 7), (7, 3), (12, 12), (50, 49)])
def test_the_assignment_is_as_cheap_as_that_of_scipy(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(5)
    for cost in (random.random(shape), random.integers(0, 4, shape).astype(float)):
        pairs = assignment(cost)
        rows, columns = zip(*pairs, strict=True)
        assert len(set(rows)) == len(set(columns)) == min(shape)
        assert sum(cost[pair] for pair in pairs) == pytest.approx(cost[linear_sum_assignment(cost)].sum())
