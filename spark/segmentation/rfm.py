"""RFM: the recency, frequency and monetary value of each customer as scores from 1 to 5, and a name for each cell.

The scores are quintiles (Hughes, Strategic Database Marketing, 1994). The names are those of
https://www.putler.com/rfm-analysis/. Its ranges overlap; ``GRID`` gives each pair of recency and frequency scores one
name, as most published versions do.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.quantiles import quantiles

RECENCY, FREQUENCY, MONETARY = "recency_days", "total_orders", "total_spend"

#: The name of each cell: a row for each recency score from 1, in it a name for each frequency score from 1.
GRID = (
    ("Hibernating", "Hibernating", "At Risk", "At Risk", "Cannot Lose Them"),
    ("Hibernating", "Hibernating", "At Risk", "At Risk", "Cannot Lose Them"),
    ("About To Sleep", "About To Sleep", "Need Attention", "Loyal Customers", "Loyal Customers"),
    ("Promising", "Potential Loyalists", "Potential Loyalists", "Loyal Customers", "Loyal Customers"),
    ("New Customers", "Potential Loyalists", "Potential Loyalists", "Champions", "Champions"),
)

#: The cells with many orders, but none for long: their revenue is at risk.
AT_RISK = ("At Risk", "Cannot Lose Them")

_SHARES = (0.2, 0.4, 0.6, 0.8)


def customer_rfm(customers: DataFrame) -> DataFrame:
    """Return customer_rfm from the columns of customer_features.

    A score counts how many of the four quintile limits a value exceeds. So equal values have equal scores, and with
    many equal values some scores do not occur. Many days since the last order are a low recency score.
    """
    limits = quantiles(customers, (RECENCY, FREQUENCY, MONETARY), _SHARES)
    recency = F.lit(5) - _exceeded(RECENCY, limits[RECENCY])
    frequency = F.lit(1) + _exceeded(FREQUENCY, limits[FREQUENCY])
    monetary = F.lit(1) + _exceeded(MONETARY, limits[MONETARY])
    names = F.array(*(F.array(*(F.lit(name) for name in row)) for row in GRID))
    name = F.element_at(F.element_at(names, F.col("recency_score")), F.col("frequency_score"))
    return customers.select(
        "customer_id",
        recency.alias("recency_score"),
        frequency.alias("frequency_score"),
        monetary.alias("monetary_score"),
    ).withColumns({"rfm_group": name, "at_risk": name.isin(*AT_RISK)})


def _exceeded(column: str, limits: Sequence[float]) -> Column:
    """Return how many of ``limits`` the value exceeds."""
    above = [(F.col(column) > limit).cast("int") for limit in limits]
    return sum(above, start=F.lit(0))
