"""The tables of the pipeline: the columns Athena sees, where they lie, and the questions asked of them.

The jobs define the same columns as Spark types; a contract test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

RAW_COLUMNS = (
    "Order_ID",
    "Customer_ID",
    "Customer_Type",
    "Product",
    "Category",
    "Unit_Price",
    "Quantity",
    "Discount",
    "Total_Price",
    "Region",
    "Order_Date",
)
"""The header of a raw file, in any order."""


@dataclass(frozen=True)
class Dataset:
    """A table, partitioned by ``run_date``; ``columns`` maps a name to its Athena type."""

    name: str
    columns: dict[str, str]

    @property
    def params(self) -> dict[str, str]:
        """What ``create_tables.sql`` and ``repair_tables.sql`` need to know."""
        columns = ",\n    ".join(f"`{name}` {kind}" for name, kind in self.columns.items())
        return {"dataset": self.name, "columns": columns}


def _columns(**names_by_type: str) -> dict[str, str]:
    """Return the columns in the order given, from blank-separated names by type."""
    return {name: kind for kind, names in names_by_type.items() for name in names.split()}


_SEVEN = "total_orders total_quantity total_spend avg_discount unique_products unique_categories region_count"

DATASETS = (
    Dataset(
        "sales",
        _columns(string="order_id customer_id customer_type product category")
        | {"unit_price": "decimal(12,4)", "quantity": "int", "discount": "decimal(5,4)"}
        | {"total_price": "decimal(14,4)", "region": "string", "order_date": "date"},
    ),
    Dataset(
        "rejected_sales",
        _columns(string=" ".join(RAW_COLUMNS).lower() + " reason source_file"),
    ),
    Dataset(
        "customer_features",
        _columns(string="customer_id customer_type region")
        | _columns(bigint="total_orders total_quantity", double="total_spend avg_discount")
        | _columns(bigint="unique_products unique_categories region_count")
        | _columns(
            double="recency_days tenure_days orders_per_month lines_per_order quantity_per_order avg_unit_price "
            "discounted_share share_soft_drinks share_alcoholic_beverages share_juices share_water share_other "
            "product_diversity weekend_share seasonality is_b2b"
        ),
    ),
    Dataset(
        "explained_variance",
        _columns(int="component", double="explained_variance_ratio cumulative", boolean="retained"),
    ),
    Dataset("component_loadings", _columns(int="component", string="feature", double="loading")),
    Dataset(
        "customer_components",
        _columns(string="customer_id") | {"components": "array<double>"} | _columns(double="pc1 pc2"),
    ),
    Dataset(
        "model_selection",
        _columns(int="k", double="wssse silhouette calinski_harabasz stability", boolean="chosen"),
    ),
    Dataset("customer_segments", _columns(string="customer_id", int="segment", double="distance pc1 pc2")),
    Dataset(
        "segment_profiles",
        _columns(int="segment", string="label", bigint="customers")
        | _columns(double=f"customer_share revenue revenue_share {_SEVEN}"),
    ),
    Dataset("segment_features", _columns(int="segment", string="feature", double="mean deviation")),
)

QUESTIONS = (
    "totals",
    "segment_profile",
    "segment_sample",
    "segment_features",
    "chosen_k",
    "explained_variance",
    "revenue_by_region",
    "revenue_by_category",
    "monthly_revenue",
    "customer_types",
    "top_customers_by_spend",
    "highest_average_discount",
    "low_engagement_customers",
    "customers_by_product_diversity",
    "rejected_lines",
)
"""Each is answered by ``sql/<question>.sql``; the report shows them all."""
