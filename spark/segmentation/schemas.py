"""The columns and types of the datasets that the jobs publish, and the columns of the raw lines.

Money is a decimal: sums are exact and do not depend on the order of the rows. ``data_dictionary.py`` describes the
columns.
"""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from segmentation.features import FEATURES


def _struct(*groups: tuple[DataType, str]) -> StructType:
    """Return a schema from pairs of a type and the names of the columns of this type, separated by blanks."""
    return StructType([StructField(name, kind) for kind, names in groups for name in names.split()])


TEXT, COUNT, NUMBER, SMALL = StringType(), LongType(), DoubleType(), IntegerType()

#: The columns of a raw line by their snake_case names, in the order of the original data.
RAW_COLUMNS = (
    "order_id",
    "customer_id",
    "customer_type",
    "product",
    "category",
    "unit_price",
    "quantity",
    "discount",
    "total_price",
    "region",
    "order_date",
)

#: The columns of RAW_COLUMNS that the files may lack, if the mapping says so, and what is then left out.
OPTIONAL_COLUMNS = {
    "customer_type": "is_b2b is 0, and the report has no customer types",
    "category": "unique_categories and the shares of categories are 0, and the report has no revenue by category",
    "discount": "every discount is 0, so that avg_discount and discounted_share are constant and not used",
    "total_price": "it is computed as price × quantity × (1 − discount), and totals are not checked",
    "region": "region_count is 0, and the report has no revenue by region",
}

TABLES: dict[str, StructType] = {
    "sales": _struct(
        (TEXT, "order_id customer_id customer_type product category"),
        (DecimalType(12, 4), "unit_price"),
        (SMALL, "quantity"),
        (DecimalType(5, 4), "discount"),
        (DecimalType(14, 4), "total_price"),
        (TEXT, "region"),
        (DateType(), "order_date"),
    ),
    "rejected_sales": _struct((TEXT, " ".join(RAW_COLUMNS)), (TEXT, "reason source_file")),
    "customer_features": _struct(
        (TEXT, "customer_id customer_type region"),
        *((COUNT if feature.is_count else NUMBER, feature.name) for feature in FEATURES),
    ),
    "explained_variance": _struct(
        (SMALL, "component"), (NUMBER, "explained_variance_ratio cumulative"), (BooleanType(), "retained")
    ),
    "component_loadings": _struct((SMALL, "component"), (TEXT, "feature"), (NUMBER, "loading")),
    "customer_components": _struct(
        (TEXT, "customer_id"), (ArrayType(NUMBER), "components"), (NUMBER, "pc1 pc2")
    ),
    "model_selection": _struct(
        (SMALL, "k"),
        (NUMBER, "wssse silhouette calinski_harabasz stability start_agreement smallest_share gap"),
        (TEXT, "given_column"),
        (NUMBER, "mutual_information"),
        (BooleanType(), "chosen"),
        (TEXT, "reason"),
    ),
    "customer_segments": _struct(
        (TEXT, "customer_id"), (SMALL, "segment"), (NUMBER, "distance silhouette pc1 pc2")
    ),
    "segment_profiles": _struct(
        (SMALL, "segment"),
        (TEXT, "label"),
        (COUNT, "customers"),
        (NUMBER, "customer_share revenue revenue_share"),
        (NUMBER, "total_orders total_quantity total_spend avg_discount"),
        (NUMBER, "unique_products unique_categories region_count"),
    ),
    "segment_features": _struct((SMALL, "segment"), (TEXT, "feature"), (NUMBER, "mean deviation")),
    "segment_rules": _struct(
        (SMALL, "segment rule"), (TEXT, "conditions"), (COUNT, "customers"), (NUMBER, "precision coverage")
    ),
    "customer_rfm": _struct(
        (TEXT, "customer_id"),
        (SMALL, "recency_score frequency_score monetary_score"),
        (TEXT, "rfm_group"),
        (BooleanType(), "at_risk"),
    ),
    "segment_migration": _struct(
        (TEXT, "earlier_run_date"),
        (SMALL, "earlier_segment"),
        (TEXT, "earlier_label"),
        (SMALL, "segment"),
        (BooleanType(), "matched"),
        (COUNT, "customers"),
        (NUMBER, "earlier_revenue revenue"),
    ),
    "feature_drift": _struct(
        (TEXT, "earlier_run_date feature"), (NUMBER, "psi earlier_mean mean"), (BooleanType(), "drifted")
    ),
}

#: The job that publishes each dataset; ``score`` also publishes those that do not describe a fit.
PRODUCERS: dict[str, str] = {
    **dict.fromkeys(("sales", "rejected_sales", "customer_features"), "preprocess"),
    **dict.fromkeys(("explained_variance", "component_loadings", "customer_components"), "pca"),
    **dict.fromkeys(
        (
            "model_selection",
            "customer_segments",
            "segment_profiles",
            "segment_features",
            "segment_rules",
            "customer_rfm",
            "segment_migration",
            "feature_drift",
        ),
        "kmeans",
    ),
}
