"""The data of a run with two segments; a test replaces the answers that it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emr_pipeline.cost import ClusterCost, Use
from emr_pipeline.prices import Prices
from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.datasets import QUESTIONS


def rows(header: str, *lines: str) -> Rows:
    """Return an answer from lines of words; in a word ``_`` is a blank, and the word ``-`` is NULL."""
    values = ([value.replace("_", " ") if value != "-" else "" for value in line.split()] for line in lines)
    return [dict(zip(header.split(), line, strict=True)) for line in values]


ANSWERS = {
    "totals": rows(
        "order_lines orders customers revenue first_day last_day",
        "9900 3000 400 1250000.5000 2024-01-01 2025-12-31",
    ),
    "segment_profile": rows(
        "segment label customers customers_percent revenue revenue_percent "
        "mean_orders mean_spend mean_discount_percent b2b_percent",
        "0 large_B2B_orders 100 25.0 1000000.0 80.0 9.5 10000.0 8.3 100.0",
        "1 small_B2C_orders 300 75.0 250000.5 20.0 6.8 833.33 0.0 0.0",
    ),
    "segment_sample": rows(
        "segment pc1 pc2 silhouette", "0 2.0 1.0 0.4", "0 2.5 1.5 0.62", "1 -1.0 -0.5 -0.1", "1 -1.5 0.25 0.5"
    ),
    "segment_silhouette": rows(
        "segment customers silhouette nearer_to_another", "0 100 0.51 2", "1 300 0.3767 10"
    ),
    "segment_features": rows(
        "segment feature mean deviation",
        "0 avg_discount 0.08 1.7",
        "0 recency_days 20.0 -0.04",
        "1 avg_discount 0.0 -0.6",
        "1 recency_days 21.0 0.01",
    ),
    "rfm_grid": rows(
        "recency_score frequency_score rfm_group at_risk customers revenue revenue_percent",
        "5 5 Champions false 60 500000.5 40.0",
        "5 1 New_Customers false 100 50000.0 4.0",
        "3 3 Need_Attention false 60 100000.0 8.0",
        "2 4 At_Risk true 40 250000.0 20.0",
        "1 5 Cannot_Lose_Them true 20 200000.0 16.0",
        "1 1 Hibernating false 120 150000.0 12.0",
    ),
    "customers_to_act_on": rows(
        "customer_id segment rfm_group days_since_last_order mean_days_between_orders total_orders total_spend",
        "CUS5 0 Cannot_Lose_Them 95 12.5 40 60000.5",
        "CUS6 1 At_Risk 80 20.1 18 9000.0",
    ),
    "segment_migration": rows(
        "earlier_run_date earlier_segment earlier_label segment label matched customers earlier_revenue revenue",
        "2025-12-31 0 small_B2C_orders 0 large_B2B_orders false 6 5000.5 7000.5",
        "2025-12-31 0 small_B2C_orders 1 small_B2C_orders true 274 230000.0 240000.0",
        "2025-12-31 0 small_B2C_orders - - false 9 4000.0 0.0",
        "2025-12-31 1 large_B2B_orders 0 large_B2B_orders true 94 900000.0 993000.0",
        "2025-12-31 1 large_B2B_orders 1 small_B2C_orders false 2 9000.0 500.0",
        "2025-12-31 - - 1 small_B2C_orders false 24 0.0 10000.0",
    ),
    "feature_drift": rows(
        "feature psi earlier_mean mean drifted",
        "total_spend 0.3125 2910.5 3125.0 true",
        "recency_days 0.12 20.1 21.5 false",
        "avg_discount 0.0031 0.021 0.02 false",
    ),
    "segment_monthly_revenue": [
        {"segment": str(segment), "month": f"2025-{at + 1:02}-01", "revenue": f"{base + 900 * at}.0"}
        for segment, base in ((0, 40000), (1, 10000))
        for at in range(12)
    ],
    "chosen_k": rows(
        "k wssse silhouette calinski_harabasz stability smallest_percent gap given_column mutual_information chosen "
        "reason",
        "2 6000.1 0.4100 200.5 1.0 25.0 0.1 region 0.0 true chosen",
        "3 5000.2 0.3900 - 0.97 12.5 - - - false lower_silhouette",
    ),
    "segment_rules": [
        {
            "segment": str(segment),
            "label": label,
            "rule": "1",
            "conditions": f"total_spend {sign} 5000",
            "customers": customers,
            "precision_percent": "99.0",
            "coverage_percent": "99.0",
        }
        for segment, label, sign, customers in (
            (0, "large B2B orders", ">", "100"),
            (1, "small B2C orders", "<=", "300"),
        )
    ],
    "explained_variance": rows(
        "component variance_percent cumulative_percent retained",
        "1 60.0 60.0 true",
        "2 32.5 92.5 true",
        "3 7.5 100.0 false",
    ),
    "revenue_by_region": rows(
        "region revenue customers order_lines", "Bremen 750000.3000 210 6000", "Bayern 500000.2000 190 3900"
    ),
    "revenue_by_category": rows(
        "category revenue units order_lines", "Water 900000 70000 7000", "Juices 350000.5 20000 2900"
    ),
    "monthly_revenue": [
        {
            "month": f"{2024 + at // 12}-{at % 12 + 1:02}-01",
            "revenue": f"{50000 + 100 * at}.0",
            "orders": "120",
        }
        for at in range(24)
    ],
    "customer_types": rows(
        "customer_type customers orders revenue", "B2B 100 1000 1000000.0", "B2C 300 2000 250000.5"
    ),
    "top_customers_by_spend": rows(
        "customer_id customer_type region total_spend total_orders segment", "CUS1 B2B Bremen 90000.5 51 0"
    ),
    "highest_average_discount": rows(
        "customer_id average_discount_percent total_spend", "CUS2 9.39 21326.22"
    ),
    "low_engagement_customers": rows(
        "customer_id total_orders orders_per_month days_since_last_order total_spend", "CUS3 1 0.04 700 12.5"
    ),
    "customers_by_product_diversity": rows(
        "customer_id unique_products unique_categories product_diversity", "CUS4 47 4 0.9715"
    ),
    "rejected_lines": [
        {"reason": "quantity_below_one", "order_lines": "75"},
        {"reason": "missing_key", "order_lines": "25"},
    ],
}

METRICS: dict[str, dict[str, Any]] = {
    "preprocess": {
        "parameters": {"input": "s3://lake/raw/*.csv", "max-rejected-share": 0.05},
        "code_version": "4fb6325dc060",
        "input": {"files": 1, "bytes": 4_934_148},
        "rejected": {"quantity_below_one": 75, "missing_key": 25},
        "notes": ["columns that are not needed are ignored: extra"],
        "seconds": {"total": 30.8},
    },
    "pca": {
        "parameters": {"feature-set": "extended"},
        "features": ["avg_discount", "recency_days"],
        "components": {"retained": 2, "of": 3, "variance_kept": 0.925},
        "notes": [],
        "seconds": {"total": 21.0},
    },
    "kmeans": {
        "parameters": {"k": "auto", "k-min": 2, "k-max": 3, "n-init": 5, "seed": 7},
        "why": "k 2 has the highest silhouette, 0.4100",
        "rule": ["The number of segments, k, is from 2 to 3.", "The highest silhouette is chosen."],
        "fidelity": 0.99,
        "notes": [],
        "seconds": {"total": 32.8},
    },
}

FACTS = {
    "run_date": "2026-01-31",
    "model_date": "2026-01-31",
    "plan": ["preprocess", "pca", "kmeans"],
    "input": "s3://lake/raw/*.csv",
    "estimate": "3 nodes for 12 min, by a first guess",
}

CLUSTER = ClusterCost(
    "j-1ABCDE",
    "emr-7.13.0",
    900.0,
    300.0,
    (Use("m6g.xlarge", "SPOT", 1, 450.0), Use("m7g.xlarge", "ON_DEMAND", 2, 1800.0)),
)
PRICES = Prices("eu-west-1", "2026-11-27", {"m7g.xlarge": 0.22, "m6g.xlarge": 0.20}, athena=5.0)


@pytest.fixture(scope="session")
def data() -> Callable[..., ReportData]:
    """A function that returns the data, with changes: ``data(rejected_lines=[], cluster=None)``."""

    def build(
        metrics: Any = METRICS,
        cluster: ClusterCost | None = CLUSTER,
        facts: dict[str, Any] | None = None,
        **answers: Rows,
    ) -> ReportData:
        return ReportData({**ANSWERS, **answers}, metrics, facts or FACTS, 1234.0, cluster, PRICES)

    assert set(ANSWERS) == set(QUESTIONS)
    return build
