"""The same work as the three jobs with pandas and scikit-learn: ``pandas_sklearn.py INPUT OUTPUT``.

The same cleaning rules, the seven features, min-max scaling, PCA, KMeans with one start and a silhouette for k from 2
to 10, the choice of k, the segments and their profiles. All results are written as Parquet.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import calinski_harabasz_score, silhouette_score
from sklearn.preprocessing import MinMaxScaler

SILHOUETTE_CUSTOMERS = 20_000
"""scikit-learn compares all pairs of customers, so it gets a sample above this number; the jobs use all customers."""

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
    customers = features_of(sales)
    scaled = MinMaxScaler().fit_transform(customers)
    components = PCA(random_state=7).fit(scaled)
    fits = {k: KMeans(k, n_init=1, random_state=7).fit(scaled) for k in range(2, 11)}
    sample = min(len(scaled), SILHOUETTE_CUSTOMERS)
    selection = pd.DataFrame(
        {
            "k": k,
            "wssse": fit.inertia_,
            "silhouette": silhouette_score(
                scaled, fit.labels_, metric="sqeuclidean", sample_size=sample, random_state=7
            ),
            "calinski_harabasz": calinski_harabasz_score(scaled, fit.labels_),
        }
        for k, fit in fits.items()
    )
    best = fits[int(selection.loc[selection["silhouette"].idxmax(), "k"])]
    projected = components.transform(scaled)[:, :2]
    segments = customers.assign(segment=best.labels_, pc1=projected[:, 0], pc2=projected[:, 1])
    results = {
        "sales": sales,
        "rejected_sales": rejected,
        "customer_features": customers,
        "explained_variance": pd.DataFrame({"ratio": components.explained_variance_ratio_}),
        "component_loadings": pd.DataFrame(components.components_, columns=customers.columns),
        "model_selection": selection,
        "customer_segments": segments,
        "segment_profiles": segments.groupby("segment").mean(),
    }
    for name, frame in results.items():
        frame.to_parquet(target / f"{name}.parquet", compression="snappy")
    (target / "wssse.json").write_text(json.dumps({k: fit.inertia_ for k, fit in fits.items()}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
