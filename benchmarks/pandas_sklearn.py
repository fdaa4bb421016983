"""The same work as the three jobs with pandas and scikit-learn: ``python -m benchmarks.pandas_sklearn INPUT OUTPUT``.

The same cleaning rules and the seven features, then ``sklearn_segments``. All results are written as Parquet.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.sklearn_segments import write_segments

KEYS = ["Order_ID", "Customer_ID"]
TEXTS = ["Product", "Category", "Region"]
NUMBERS = ["Unit_Price", "Quantity", "Discount", "Total_Price"]


def cleaned(lines: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the valid lines with typed columns, and the rejected lines with their reason."""
    numbers = lines[NUMBERS].apply(pd.to_numeric, errors="coerce")
    price, quantity, rate, total = (numbers[name] for name in NUMBERS)
    day = pd.to_datetime(lines["Order_Date"], format="%d-%m-%Y", errors="coerce")
    rules = {
        "missing_key": lines[KEYS].isna().any(axis=1),
        "missing_text": lines[TEXTS].isna().any(axis=1),
        "unparsable_number": numbers.isna().any(axis=1) | (quantity % 1 != 0),
        "unparsable_date": day.isna(),
        "unknown_customer_type": ~lines["Customer_Type"].isin(["B2B", "B2C"]),
        "quantity_below_one": quantity < 1,
        "discount_out_of_range": ~rate.between(0, 1),
        "negative_price": price < 0,
        "total_mismatch": (total - price * quantity * (1 - rate)).abs() > 0.01,
        "duplicate_line": lines.duplicated(),
    }
    reason = pd.Series(np.select(list(rules.values()), list(rules), default=""), index=lines.index)
    valid = lines.assign(**numbers, Order_Date=day)[reason == ""]
    return valid, lines[reason != ""].assign(reason=reason[reason != ""])


def features_of(sales: pd.DataFrame) -> pd.DataFrame:
    """Return the seven features of each customer."""
    return sales.groupby("Customer_ID").agg(
        total_orders=("Order_ID", "nunique"),
        total_quantity=("Quantity", "sum"),
        total_spend=("Total_Price", "sum"),
        avg_discount=("Discount", "mean"),
        unique_products=("Product", "nunique"),
        unique_categories=("Category", "nunique"),
        region_count=("Region", "nunique"),
    )


def main(source: str, target: Path) -> None:
    sales, rejected = cleaned(pd.read_csv(source, dtype=str))
    for name, frame in (("sales", sales), ("rejected_sales", rejected)):
        frame.to_parquet(target / f"{name}.parquet", compression="snappy")
    write_segments(pa.Table.from_pandas(features_of(sales).reset_index(), preserve_index=False), target)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
