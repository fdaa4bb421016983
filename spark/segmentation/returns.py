"""The features of customers if returns, which are lines with a negative quantity, are part of the sales."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.features import customer_features
from segmentation.schemas import TABLES


def net_features(sales: DataFrame, last_day: date) -> DataFrame:
    """Return ``customer_features`` with the returns subtracted from total_quantity and total_spend, but not below 0.

    All other features describe the purchases only. A customer without a purchase has no row.
    """
    purchases = customer_features(sales.where("quantity > 0"), last_day)
    returned = (
        sales.where("quantity < 0")
        .groupBy("customer_id")
        .agg(F.sum("quantity").alias("quantity"), F.sum("total_price").cast("double").alias("spend"))
    )
    zero = F.lit(0)
    return (
        purchases.join(returned, on="customer_id", how="left")
        .withColumn(
            "total_quantity", F.greatest(F.col("total_quantity") + F.coalesce("quantity", zero), zero)
        )
        .withColumn("total_spend", F.greatest(F.col("total_spend") + F.coalesce("spend", zero), F.lit(0.0)))
        .select(TABLES["customer_features"].names)
    )
