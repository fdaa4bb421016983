"""Exact quantiles of many columns."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def quantiles(
    customers: DataFrame, columns: Sequence[str], shares: Sequence[float]
) -> dict[str, tuple[float, ...]]:
    """Return for each column its quantiles at ``shares``; an empty dict if there are no rows.

    Linear interpolation between neighbouring values, as numpy's default. The executors count the different values of
    each column, each column in its own group; the driver gets only the quantiles.
    """
    values = F.array(*(F.col(name).cast("double") for name in columns))
    rows = (
        customers.select(F.posexplode(values).alias("column", "value"))
        .groupBy("column")
        .agg(F.percentile("value", [float(share) for share in shares]).alias("quantiles"))
        .collect()
    )
    return {columns[row["column"]]: tuple(row["quantiles"]) for row in sorted(rows)}
