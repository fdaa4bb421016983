"""From the features of the customers to segments with scikit-learn; shared by the contenders on one machine.

Min-max scaling, PCA, KMeans with one start and a silhouette for k from 2 to 10, the choice of k, the segments and their
profiles. All results are written as Parquet.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import calinski_harabasz_score, silhouette_score
from sklearn.preprocessing import MinMaxScaler

SILHOUETTE_CUSTOMERS = 20_000
"""scikit-learn compares all pairs of customers, so it gets a sample above this number; the jobs use all customers."""

SEED = 7


def write_segments(customers: pa.Table, target: Path) -> None:
    """Write all results that follow from ``customers``: the id in the first column, then the features."""
    names = customers.column_names[1:]
    scaled = MinMaxScaler().fit_transform(
        np.column_stack([np.asarray(customers[name], dtype=float) for name in names])
    )
    components = PCA(random_state=SEED).fit(scaled)
    fits = {k: KMeans(k, n_init=1, random_state=SEED).fit(scaled) for k in range(2, 11)}
    sample = min(len(scaled), SILHOUETTE_CUSTOMERS)
    selection = [
        {
            "k": k,
            "wssse": fit.inertia_,
            "silhouette": silhouette_score(
                scaled, fit.labels_, metric="sqeuclidean", sample_size=sample, random_state=SEED
            ),
            "calinski_harabasz": calinski_harabasz_score(scaled, fit.labels_),
        }
        for k, fit in fits.items()
    ]
    best = fits[max(selection, key=lambda row: row["silhouette"])["k"]]
    projected = components.transform(scaled)
    segments = (
        customers.append_column("segment", pa.array(best.labels_))
        .append_column("pc1", pa.array(projected[:, 0]))
        .append_column("pc2", pa.array(projected[:, 1]))
    )
    results = {
        "customer_features": customers,
        "explained_variance": pa.table({"ratio": components.explained_variance_ratio_}),
        "component_loadings": pa.table(dict(zip(names, components.components_.T, strict=True))),
        "model_selection": pa.Table.from_pylist(selection),
        "customer_segments": segments,
        "segment_profiles": segments.group_by("segment").aggregate([(name, "mean") for name in names]),
    }
    for name, table in results.items():
        pq.write_table(table, target / f"{name}.parquet")
    (target / "wssse.json").write_text(json.dumps({k: fit.inertia_ for k, fit in fits.items()}))
