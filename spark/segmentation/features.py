"""The features of a customer: their definitions, and how they are computed from the valid sales lines.

``FEATURES`` defines the columns of ``customer_features``, their texts in the data dictionary, the feature sets that a
model may use, and the transform that a skewed feature needs before scaling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

FeatureSet = Literal["notebook", "extended"]
FEATURE_SETS: tuple[FeatureSet, ...] = ("notebook", "extended")


@dataclass(frozen=True)
class Feature:
    """A number that describes a customer.

    ``sets`` are the feature sets with this feature. ``transform`` is ``log1p`` for a right-skewed amount or count,
    because PCA and k-means are based on variances, and None otherwise. The ``notebook`` set is never transformed, to
    compare with the published results. ``is_given`` is true for an indicator of a category that the input already
    names, such as the customer type: it describes the segments, but is not behaviour.
    """

    name: str
    definition: str
    unit: str
    why: str
    sets: tuple[FeatureSet, ...]
    transform: Literal["log1p"] | None = None
    is_count: bool = False
    is_given: bool = False


FEATURES: tuple[Feature, ...] = (
    Feature(
        "total_orders",
        "number of distinct orders",
        "orders",
        "loyalty",
        ("notebook",),
        "log1p",
        is_count=True,
    ),
    Feature(
        "total_quantity",
        "sum of the quantities of all lines",
        "units",
        "volume",
        ("notebook",),
        "log1p",
        is_count=True,
    ),
    Feature(
        "total_spend",
        "sum of the line totals, after discount",
        "currency",
        "monetary value, the M of RFM",
        ("notebook", "extended"),
        "log1p",
    ),
    Feature(
        "avg_discount",
        "mean discount over the lines",
        "share 0..1",
        "depth of the discounts",
        ("notebook", "extended"),
    ),
    Feature(
        "unique_products",
        "number of distinct products bought",
        "products",
        "breadth of demand",
        ("notebook",),
        is_count=True,
    ),
    Feature(
        "unique_categories",
        "number of distinct categories bought",
        "categories",
        "breadth of demand; constant if every customer buys in every category",
        ("notebook",),
        is_count=True,
    ),
    Feature(
        "region_count",
        "number of distinct regions delivered to",
        "regions",
        "one location or several; constant, and so not used, in data with one region for each customer. The region "
        "itself is not a feature: regions have no order and no distance, and 16 indicator columns would outweigh the "
        "behaviour",
        ("notebook", "extended"),
        is_count=True,
    ),
    Feature(
        "recency_days",
        "days from the last order of the customer to the last order in the data",
        "days",
        "recency, the R of RFM: customers at risk of leaving; counted from the last order in the data, so that a "
        "repeated run gives the same",
        ("extended",),
        "log1p",
    ),
    Feature(
        "tenure_days",
        "days from the first order of the customer to the last order in the data",
        "days",
        "long-standing or new customer",
        ("extended",),
    ),
    Feature(
        "orders_per_month",
        "distinct orders divided by the calendar months from the first order of the customer to the last order in the "
        "data, both months included",
        "orders per month",
        "frequency, the F of RFM, as a rate, so that new customers do not count as infrequent",
        ("extended",),
        "log1p",
    ),
    Feature(
        "lines_per_order",
        "lines divided by distinct orders",
        "lines per order",
        "basket size in lines",
        ("extended",),
    ),
    Feature(
        "quantity_per_order",
        "units divided by distinct orders",
        "units per order",
        "basket size in units: household or wholesale",
        ("extended",),
        "log1p",
    ),
    Feature(
        "avg_unit_price",
        "sum of unit price * quantity divided by the sum of quantity, before discount",
        "currency per unit",
        "cheap or premium products, independent of the volume",
        ("extended",),
        "log1p",
    ),
    Feature(
        "discounted_share",
        "share of lines with a discount above 0",
        "share 0..1",
        "frequency of discounts, independent of their depth",
        ("extended",),
    ),
    Feature(
        "share_soft_drinks",
        "share of spend in the category Soft Drinks, 0 without any spend",
        "share 0..1",
        "preference for the category",
        ("extended",),
    ),
    Feature(
        "share_alcoholic_beverages",
        "share of spend in the category Alcoholic Beverages, 0 without any spend",
        "share 0..1",
        "preference for the category",
        ("extended",),
    ),
    Feature(
        "share_juices",
        "share of spend in the category Juices, 0 without any spend",
        "share 0..1",
        "preference for the category",
        ("extended",),
    ),
    Feature(
        "share_water",
        "share of spend in the category Water, 0 without any spend",
        "share 0..1",
        "preference for the category",
        ("extended",),
    ),
    Feature(
        "share_other",
        "share of spend in any other category, 0 without any spend",
        "share 0..1",
        "covers unknown categories; constant 0 in data without them",
        ("extended",),
    ),
    Feature(
        "product_diversity",
        "1 - sum(n * (n - 1)) / (N * (N - 1)) with n the lines of a product and N all lines, 0 for a single line: the "
        "probability that two lines differ in product (Simpson 1949)",
        "index 0..1",
        "diversity of demand; unlike unique_products, it does not grow with the number of lines",
        ("extended",),
    ),
    Feature(
        "weekend_share",
        "share of orders placed on a Saturday or Sunday",
        "share 0..1",
        "business or leisure purchases",
        ("extended",),
    ),
    Feature(
        "seasonality",
        "(4 * sum(s * s) - 1) / 3 with s the shares of spend by quarter of the year, 0 without any spend; 0: even over "
        "the year, 1: all in one quarter (normalised Herfindahl index)",
        "index 0..1",
        "steady or seasonal demand, in any season; always high for customers with few orders",
        ("extended",),
    ),
    Feature(
        "is_b2b",
        "1 for a business customer, else 0",
        "0 or 1",
        "customer type; describes the segments, and makes them only with given_categories = cluster",
        ("extended",),
        is_given=True,
    ),
)

#: The columns of customer_features with categories that the input already names.
GIVEN_COLUMNS = ("customer_type", "region")

#: The feature for the share of spend in each category; all other categories are in share_other.
CATEGORY_SHARES = {
    "Soft Drinks": "share_soft_drinks",
    "Alcoholic Beverages": "share_alcoholic_beverages",
    "Juices": "share_juices",
    "Water": "share_water",
}


def feature_set(name: str, given: bool = True) -> tuple[Feature, ...]:
    """Return the features of the set ``name`` in the order of FEATURES, without the given ones if ``given`` is false.

    Raises KeyError for an unknown set.
    """
    if name not in FEATURE_SETS:
        raise KeyError(f"unknown feature set {name!r}; valid feature sets: {', '.join(FEATURE_SETS)}")
    chosen = (feature for feature in FEATURES if name in feature.sets and (given or not feature.is_given))
    return tuple(replace(feature, transform=None) if name == "notebook" else feature for feature in chosen)


def customer_features(sales: DataFrame, last_day: date) -> DataFrame:
    """Return one row for each customer of ``sales``: the columns of TABLES["customer_features"].

    ``last_day`` is the latest order date in the data. ``customer_type`` and ``region`` are those of the latest day
    with an order (the greater text if there are several). Lines are grouped by order, by product, and by category and
    region, and these groups by customer. So a distinct count needs no expansion of the lines, and only the groups are
    shuffled. Sums are exact decimals until the last division, so the result does not depend on the partitions.
    """
    return (
        _orders(sales, last_day)
        .join(_products(sales), on="customer_id", how="inner")
        .join(_lines(sales), on="customer_id", how="inner")
        .withColumn("lines_per_order", _ratio("lines", "total_orders"))
        .withColumn("quantity_per_order", _ratio("total_quantity", "total_orders"))
        .withColumn("is_b2b", F.col("customer_type").eqNullSafe("B2B").cast("double"))
        .select("customer_id", "customer_type", "region", *(feature.name for feature in FEATURES))
    )


def _orders(sales: DataFrame, last_day: date) -> DataFrame:
    """Return the features that depend on orders and their dates.

    Only these: orders are the most groups by far, and each further sum needs memory for each of them.
    """
    orders = sales.groupBy("customer_id", "order_id").agg(
        F.sum("total_price").alias("spend"),
        # The lines of an order have the same date; if they differ, the earliest is used.
        F.min("order_date").alias("day"),
    )
    quarters = [f"spend_q{quarter}" for quarter in range(1, 5)]
    customers = orders.groupBy("customer_id").agg(
        F.count("*").alias("total_orders"),
        F.sum("spend").alias("spend"),
        F.min("day").alias("first_day"),
        F.max("day").alias("latest_day"),
        F.count_if(F.dayofweek("day").isin(1, 7)).alias("weekend_orders"),
        *(
            F.sum(F.when(F.quarter("day") == quarter, F.col("spend"))).alias(name)
            for quarter, name in enumerate(quarters, start=1)
        ),
    )
    end = F.lit(last_day)
    months = 12 * (F.year(end) - F.year("first_day")) + F.month(end) - F.month("first_day") + 1
    squares = _total(*(_ratio(name, "spend") * _ratio(name, "spend") for name in quarters))
    return customers.select(
        "customer_id",
        "total_orders",
        F.col("spend").cast("double").alias("total_spend"),
        F.datediff(end, "latest_day").cast("double").alias("recency_days"),
        F.datediff(end, "first_day").cast("double").alias("tenure_days"),
        (F.col("total_orders") / months).alias("orders_per_month"),
        _ratio("weekend_orders", "total_orders").alias("weekend_share"),
        F.when(F.col("spend") > 0, (4 * squares - 1) / 3).otherwise(0.0).alias("seasonality"),
    )


def _products(sales: DataFrame) -> DataFrame:
    """Return the features that depend on products."""
    return (
        sales.groupBy("customer_id", "product")
        .agg(F.count("*").alias("lines"))
        .groupBy("customer_id")
        .agg(
            F.count("*").alias("unique_products"),
            F.sum("lines").alias("lines"),
            F.sum(F.col("lines") * F.col("lines")).alias("squares"),
        )
        .select(
            "customer_id",
            "unique_products",
            F.when(
                F.col("lines") > 1,
                1 - (F.col("squares") - F.col("lines")) / (F.col("lines") * (F.col("lines") - 1)),
            )
            .otherwise(0.0)
            .alias("product_diversity"),
        )
    )


def _lines(sales: DataFrame) -> DataFrame:
    """Return the sums over all lines, and the features that depend on categories and regions, with type and region."""
    is_in = {
        **{name: F.col("category") == category for category, name in CATEGORY_SHARES.items()},
        "share_other": ~F.col("category").isin(list(CATEGORY_SHARES)),
    }
    sums = ("lines", "quantity", "list_price", "discounts", "discounted", "spend")
    return (
        sales.groupBy("customer_id", "category", "region", "customer_type")
        .agg(
            F.count("*").alias("lines"),
            F.sum("quantity").alias("quantity"),
            F.sum(F.col("unit_price") * F.col("quantity")).alias("list_price"),
            F.sum("discount").alias("discounts"),
            F.count_if(F.col("discount") > 0).alias("discounted"),
            F.sum("total_price").alias("spend"),
            F.max("order_date").alias("latest_day"),
        )
        .groupBy("customer_id")
        # A customer has few different values, so sets are small; several distinct counts would multiply the groups.
        .agg(
            F.size(F.collect_set("category")).cast("bigint").alias("unique_categories"),
            F.size(F.collect_set("region")).cast("bigint").alias("region_count"),
            F.max(F.struct("latest_day", "customer_type", "region")).alias("latest"),
            *(F.sum(name).alias(name) for name in sums),
            *(F.sum(F.when(condition, F.col("spend"))).alias(name) for name, condition in is_in.items()),
        )
        .select(
            "customer_id",
            "latest.customer_type",
            "latest.region",
            "unique_categories",
            "region_count",
            "lines",
            F.col("quantity").alias("total_quantity"),
            _ratio("discounts", "lines").alias("avg_discount"),
            _ratio("discounted", "lines").alias("discounted_share"),
            _ratio("list_price", "quantity").alias("avg_unit_price"),
            *(_ratio(name, "spend").alias(name) for name in is_in),
        )
    )


def _ratio(part: str, whole: str) -> Column:
    """Return ``part`` / ``whole`` as a double, 0 if ``whole`` is 0 or one of them is null."""
    quotient = F.col(part).cast("double") / F.col(whole).cast("double")
    return F.coalesce(F.when(F.col(whole) != 0, quotient), F.lit(0.0))


def _total(*terms: Column) -> Column:
    return reduce(Column.__add__, terms)
