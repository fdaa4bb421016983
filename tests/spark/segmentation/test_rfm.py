"""RFM scores are those of numpy's quintiles, with equal scores for equal values."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from scipy import stats

from segmentation.quantiles import quantiles
from segmentation.rfm import AT_RISK, GRID, customer_rfm
from tests.spark import customers


def test_quantiles_are_those_of_numpy_and_scipy(spark: SparkSession) -> None:
    """Also for few and for equal values."""
    shares = [0.1, 0.25, 0.5, 0.9]
    for count in (1, 2, 257):
        frame = customers.frame(spark, count)
        found = quantiles(frame, ("recency_days", "total_orders", "share_other"), shares)
        assert list(found) == ["recency_days", "total_orders", "share_other"]
        for column, values in found.items():
            data = [float(row[0]) for row in frame.select(column).collect()]
            assert values == pytest.approx(np.quantile(data, shares), rel=1e-12)
            assert values == pytest.approx(
                stats.mstats.mquantiles(data, shares, alphap=1, betap=1), rel=1e-12
            )


def test_scores_are_the_quintiles_of_numpy(spark: SparkSession) -> None:
    """The orders are tied: 300 customers have 35 different numbers of orders."""
    frame = customers.frame(spark, 300)
    rows = frame.join(customer_rfm(frame), on="customer_id").collect()
    expected = {
        "recency_score": ("recency_days", [5, 4, 3, 2, 1]),
        "frequency_score": ("total_orders", [1, 2, 3, 4, 5]),
        "monetary_score": ("total_spend", [1, 2, 3, 4, 5]),
    }
    for score, (column, scores) in expected.items():
        values = np.array([float(row[column]) for row in rows])
        bins = np.digitize(values, np.quantile(values, [0.2, 0.4, 0.6, 0.8]), right=True)
        assert [row[score] for row in rows] == [scores[at] for at in bins]
        assert {row[score] for row in rows} == {1, 2, 3, 4, 5}
    assert all(row.rfm_group == GRID[row.recency_score - 1][row.frequency_score - 1] for row in rows)
    assert all(row.at_risk == (row.rfm_group in AT_RISK) for row in rows)
    assert any(row.at_risk for row in rows)


def test_equal_customers_have_equal_scores(spark: SparkSession) -> None:
    same = {"recency_days": 9.0, "total_orders": 2, "total_spend": 80.0}
    found = customer_rfm(customers.frame(spark, 7, **same)).drop("customer_id").distinct().collect()
    assert [tuple(row) for row in found] == [(5, 1, 1, "New Customers", False)]


def test_the_recency_of_customers_who_left_is_low_and_champions_order_often_and_lately(
    spark: SparkSession,
) -> None:
    frame = customers.frame(spark, 300)
    rows = frame.join(customer_rfm(frame), on="customer_id").collect()
    champions = [row for row in rows if row.rfm_group == "Champions"]
    hibernating = [row for row in rows if row.rfm_group == "Hibernating"]
    assert max(row.recency_days for row in champions) < min(row.recency_days for row in hibernating)
    assert min(row.total_orders for row in champions) > max(row.total_orders for row in hibernating)
