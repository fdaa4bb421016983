"""DuckDB with scikit-learn applies the same rules and computes the same features as the jobs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.duckdb_sklearn import main
from devtools import sales


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contender")


@pytest.fixture(scope="module")
def counts(folder: Path) -> sales.Counts:
    """Run the contender on lines with defects; it needs UTF-8, so that ``broken_text`` is a valid letter here."""
    file = folder / "sales.csv"
    found = sales.write(file, 5_000, customers=60, defects=0.2)
    file.write_text(file.read_bytes().decode(errors="replace"))
    main(str(file), folder)
    return found


def test_lines_are_rejected_for_the_planted_defects(folder: Path, counts: sales.Counts) -> None:
    reasons = Counter(pq.read_table(folder / "rejected_sales.parquet")["reason"].to_pylist())
    expected = Counter(counts.defective)
    del expected["broken_text"]
    expected["unparsable_date"] += expected.pop("impossible_date")
    assert reasons == expected
    assert len(reasons) == 10


def test_features_are_those_of_the_valid_lines(folder: Path, counts: sales.Counts) -> None:
    lines = pq.read_table(folder / "sales.parquet")
    groups = lines.group_by("customer_id", use_threads=False).aggregate(
        [
            ("total_price", "sum"),
            ("order_id", "count_distinct"),
            ("product", "count_distinct"),
            ("discount", "mean"),
        ]
    )
    expected = groups.sort_by("customer_id")
    features = pq.read_table(folder / "customer_features.parquet")
    assert features["customer_id"].to_pylist() == expected["customer_id"].to_pylist()
    assert features["total_orders"].to_pylist() == expected["order_id_count_distinct"].to_pylist()
    assert features["unique_products"].to_pylist() == expected["product_count_distinct"].to_pylist()
    assert features["total_spend"].to_pylist() == pytest.approx(
        pc.cast(expected["total_price_sum"], pa.float64()).to_pylist()
    )
    assert set(json.loads((folder / "wssse.json").read_text())) == {str(k) for k in range(2, 11)}
