"""What the Spark tests share: one small local session, started the way a job starts it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import segmentation
from tests.spark.java import JavaMissing, java_home


@pytest.fixture(scope="session")
def s3_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``s3://bucket`` stands for."""
    return tmp_path_factory.mktemp("bucket")


@pytest.fixture(scope="session")
def spark(s3_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Two cores, loopback only; ``s3://bucket`` is a local folder."""
    try:
        os.environ.update(JAVA_HOME=str(java_home()), SPARK_LOCAL_IP="127.0.0.1")
    except JavaMissing as problem:
        pytest.exit(str(problem), returncode=2)
    settings = {
        "spark.ui.enabled": "false",
        # The Python workers import the package from here, as they do from the zip on a cluster.
        "spark.executorEnv.PYTHONPATH": str(Path(segmentation.__file__).parents[1]),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        # The quick compiler only: the tests end before the optimising one would pay.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": tmp_path_factory.mktemp("warehouse").as_uri(),
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        "spark.hadoop.fs.viewfs.mounttable.bucket.linkFallback": f"s3://{s3_root}",
        # For s3 only: Spark reads its own models through file:// and needs the usual class there.
        "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    }
    session = SparkSession.builder.master("local[2]").appName("tests").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def header() -> list[str]:
    """The names of the published header."""
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
    """Make a valid raw line as CSV, with fields overridden by their snake_case name."""

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
    """Write lines below the published header (or ``top``) into a CSV file and return its URI."""

    def write(*lines: str, name: str = "sales.csv", top: str = ",".join(header), end: str = "\n") -> str:
        path = tmp_path / "raw" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes("".join(text + end for text in (top, *lines)).encode("utf-8", "surrogateescape"))
        return path.as_uri()

    return write
