"""Fixtures with sales lines, and results of jobs that several files read; ``session.py`` has the Spark session."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import kmeans
import pca
from tests.spark import customers


@pytest.fixture
def header() -> list[str]:
    """The column names of the original data."""
    return [
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
    ]


@pytest.fixture
def line() -> Callable[..., str]:
    """Make a valid raw line as CSV; fields are replaced by their snake_case name."""

    def make(**fields: Any) -> str:
        row = {
            "order_id": "ORD1",
            "customer_id": "CUS1",
            "customer_type": "B2B",
            "product": "Evian",
            "category": "Water",
            "unit_price": "1.50",
            "quantity": "10",
            "discount": "0.1",
            "total_price": "13.50",
            "region": "Bayern",
            "order_date": "23-08-2023",
        }
        unknown = fields.keys() - row.keys()
        assert not unknown, f"no such column: {unknown}"
        return ",".join(str(value) for value in (row | fields).values())

    return make


@pytest.fixture
def write_csv(tmp_path: Path, header: list[str]) -> Callable[..., str]:
    """Write lines below the header (or ``top``) into a CSV file and return its URI."""

    def write(*lines: str, name: str = "sales.csv", top: str = ",".join(header), end: str = "\n") -> str:
        path = tmp_path / "raw" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes("".join(text + end for text in (top, *lines)).encode("utf-8", "surrogateescape"))
        return path.as_uri()

    return write


@pytest.fixture(scope="session")
def after_pca(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of pca for 300 customers; a test that changes it makes a copy."""
    folder = tmp_path_factory.mktemp("pca")
    customers.write(spark, folder, 300)
    pca.main(customers.flags(folder, **customers.PCA))
    return folder


@pytest.fixture(scope="session")
def after_kmeans(after_pca: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of ``after_pca`` with the results of kmeans, which finds three segments."""
    folder = shutil.copytree(after_pca, tmp_path_factory.mktemp("kmeans"), dirs_exist_ok=True)
    kmeans.main(customers.flags(folder, **customers.KMEANS))
    return folder
