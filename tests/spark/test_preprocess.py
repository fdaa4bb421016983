from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyspark
import pytest
from pyspark.sql import DataFrame, SparkSession

import preprocess
from segmentation.lake import Lake
from segmentation.schemas import OPTIONAL_COLUMNS
from tests.spark.java import java_home

Make = Callable[..., str]
RUN_DATE = "2026-01-01"
SPARK = Path(preprocess.__file__).parent


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def run(out: Path) -> Callable[..., dict[str, Any]]:
    """Run the job into ``out`` and return its metrics."""

    def job(
        uri: str, *, max_rejected_share: float = 1.0, run_date: str = RUN_DATE, mapping: str = "none"
    ) -> dict[str, Any]:
        preprocess.main(arguments(uri, out.as_uri(), max_rejected_share, run_date, mapping))
        found: dict[str, Any] = json.loads(
            (out / f"metrics/run_date={run_date}/preprocess.json").read_text("utf-8")
        )
        return found

    return job


def arguments(
    uri: str, out: str, max_rejected_share: float = 1.0, run_date: str = RUN_DATE, mapping: str = "none"
) -> list[str]:
    flags = {
        "--run-date": run_date,
        "--processed": f"{out}/processed",
        "--metrics": f"{out}/metrics",
        "--code-version": "v1",
        "--input": uri,
        "--max-rejected-share": str(max_rejected_share),
        "--mapping": mapping,
    }
    return [text for flag in flags.items() for text in flag]


@pytest.fixture
def published(spark: SparkSession, out: Path) -> Callable[..., DataFrame]:
    return lambda dataset, run_date=RUN_DATE: Lake(
        spark, (out / "processed").as_uri(), "", "", run_date
    ).read(dataset)


def test_lines_become_sales_rejected_lines_and_customers(
    run: Callable[..., dict[str, Any]],
    published: Callable[..., DataFrame],
    write_csv: Make,
    line: Make,
    out: Path,
) -> None:
    uri = write_csv(
        line(order_id="A"),
        line(order_id="B", customer_id="CUS2", product='"Vio\nWasser"'),
        line(order_id="C", quantity="0"),
        line(order_id="A"),
        "half,a,line",
    )
    metrics = run(uri)
    assert [row.order_id for row in published("sales").orderBy("order_id").collect()] == ["A", "B"]
    assert [
        (row.order_id, row.reason) for row in published("rejected_sales").orderBy("order_id").collect()
    ] == [
        ("A", "duplicate_line"),
        ("C", "quantity_below_one"),
        ("half", "wrong_field_count"),
    ]
    assert [row.customer_id for row in published("customer_features").orderBy("customer_id").collect()] == [
        "CUS1",
        "CUS2",
    ]
    assert metrics["rows"] == {"sales": 2, "rejected_sales": 3, "customer_features": 2}
    assert metrics["rejected"] == {"wrong_field_count": 1, "quantity_below_one": 1, "duplicate_line": 1}
    assert metrics["input"] == {
        "files": 1,
        "bytes": (out.parent / "raw/sales.csv").stat().st_size,
        "fingerprint": metrics["input"]["fingerprint"],
    }
    assert metrics["notes"] == [
        "a quoted field holds a line break: the input is read again, one core for each file"
    ]
    assert metrics["parameters"]["max-rejected-share"] == 1.0
    assert {"session", "find", *metrics["rows"], "total"} == metrics["seconds"].keys()
    assert files(out) == {"part", "preprocess.json"}, "neither markers nor staging"


def test_files_without_optional_columns_and_with_returns(
    run: Callable[..., dict[str, Any]], published: Callable[..., DataFrame], write_csv: Make
) -> None:
    mapping = {
        "without": ["Customer_Type", "Category", "Discount", "Total_Price", "Region"],
        "returns": "net",
    }
    top = "Order_ID,Customer_ID,Product,Unit_Price,Quantity,Order_Date"
    lines = ("A,C,p,1.5,10,01-08-2023", "B,C,p,1.5,-4,02-08-2023", "X,D,p,1.5,-4,02-08-2023")
    metrics = run(write_csv(*lines, top=top), mapping=quote(json.dumps(mapping)))
    assert metrics["parameters"]["mapping"] == mapping
    assert metrics["rows"] == {"sales": 3, "rejected_sales": 0, "customer_features": 1}
    assert metrics["notes"] == [
        f"the files have no {name}: {OPTIONAL_COLUMNS[name]}"
        for name in ("customer_type", "category", "discount", "total_price", "region")
    ]
    (customer,) = published("customer_features").collect()
    assert (customer.total_quantity, customer.total_spend, customer.total_orders) == (6, 9.0, 1)
    constant = ("is_b2b", "unique_categories", "share_water", "share_other", "region_count", "avg_discount")
    assert [customer[name] for name in constant] == [0] * len(constant)
    assert (customer.customer_type, customer.region) == (None, None)


def test_extra_columns_and_repeated_headers_are_noted(
    run: Callable[..., dict[str, Any]], write_csv: Make, line: Make, header: list[str]
) -> None:
    top = ",".join([*header, "Shop"])
    metrics = run(write_csv(line() + ",Nord", top, line(order_id="ORD2") + ",", top=top))
    assert metrics["rows"]["sales"] == 2
    assert metrics["notes"] == [
        "unknown columns are ignored: Shop",
        "1 repeated header lines inside the files are ignored",
    ]


def test_a_rerun_gives_the_same_result_and_keeps_other_run_dates(
    run: Callable[..., dict[str, Any]], published: Callable[..., DataFrame], write_csv: Make, line: Make
) -> None:
    first = run(write_csv(line(), line(order_id="ORD2")))
    tables = {name: sorted(published(name).collect()) for name in first["rows"]}
    again = run(write_csv(line(order_id="ORD2"), line(), name="other.csv"), run_date="2026-01-02")
    assert again["input"]["fingerprint"] == first["input"]["fingerprint"]
    assert {name: sorted(published(name, "2026-01-02").collect()) for name in tables} == tables
    run(write_csv(line(order_id="ORD3")))
    assert [row.order_id for row in published("sales").collect()] == ["ORD3"]
    assert published("sales", "2026-01-02").count() == 2


def files(out: Path) -> set[str]:
    """Return the names of all files without checksum files; part files only as ``part``."""
    return {path.name.split("-")[0] for path in out.rglob("*") if path.is_file() and path.suffix != ".crc"}


def refused(run: Callable[..., Any], capsys: pytest.CaptureFixture[str], uri: str, **kwargs: Any) -> str:
    """Return the last line on stderr of a job that must end with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        run(uri, **kwargs)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_too_many_rejected_lines_publish_nothing(
    run: Callable[..., Any], write_csv: Make, line: Make, out: Path, capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    uri = write_csv(line(), line(order_id="ORD2"), line(discount="2"), line(order_date="x"))
    caplog.set_level("INFO")
    message = refused(run, capsys, uri, max_rejected_share=0.49)
    folder = out / f"metrics/run_date={RUN_DATE}/rejected_lines"
    assert "50.00% of the 4 lines are rejected, more than the limit of 49.00%" in message
    assert "a higher Maximum share of rejected lines" in message
    where = f"{out.as_uri()}/metrics/run_date={RUN_DATE}/rejected_lines/"
    assert f"the rejected lines are in {where}, for example discount_out_of_range: 'ORD1,CUS1," in message
    assert "; unparsable_date: 'ORD1,CUS1,B2B,Evian,Water,1.50,10,0.1,13.50,Bayern,x'" in message
    assert "discount_out_of_range             1   25.00%" in caplog.text
    kept = [line for path in folder.glob("*.csv") for line in csv.DictReader(path.open(encoding="utf-8"))]
    assert sorted((line["reason"], line["source_file"], line["discount"]) for line in kept) == [
        ("discount_out_of_range", uri, "2"),
        ("unparsable_date", uri, "0.1"),
    ]
    assert not files(out / "processed"), "nothing else is published"
    assert run(uri, max_rejected_share=0.5)["rows"]["sales"] == 2, "the limit itself is allowed"
    assert not folder.exists()


def test_invalid_input_is_refused_and_nothing_is_published(
    run: Callable[..., Any],
    write_csv: Make,
    line: Make,
    header: list[str],
    out: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    without_region = ",".join(name for name in header if name != "Region")
    cases = {
        write_csv(name="header.csv"): "has no line below the header",
        write_csv(line(quantity="0", product='"a ""b"""'), name="invalid.csv"): (
            """for example quantity_below_one: 'ORD1,CUS1,B2B,a "b",Water,"""
        ),
        write_csv(name="short.csv", top=without_region): "lacks the column Region",
        write_csv(name="empty.csv", top="", end=""): "is empty",
        (out / "nowhere").as_uri(): "no CSV file at",
    }
    for uri, words in cases.items():
        assert words in refused(run, capsys, uri)
    assert not files(out / "processed")


def test_the_flags_are_required_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        preprocess.main([])
    error = capsys.readouterr().err
    assert "--input, --mapping, --max-rejected-share" in error
    with pytest.raises(SystemExit):
        preprocess.main(arguments("x", "y", max_rejected_share=1.5))
    assert "1.5 is not between 0 and 1" in capsys.readouterr().err


def test_spark_submit_runs_the_zip_and_ends_with_the_message_and_exit_code_2(
    write_csv: Make, tmp_path: Path
) -> None:
    """As on the cluster: the package is a zip, and the message is the last line.

    In client mode, spark-submit writes the stderr of a Python program to its own stdout.
    """
    package = tmp_path / "segmentation.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for module in (SPARK / "segmentation").glob("*.py"):
            archive.write(module, module.relative_to(SPARK))
    home = Path(pyspark.__file__).parent
    ended = subprocess.run(
        [
            home / "bin/spark-submit",
            *("--master", "local[1]", "--conf", "spark.ui.enabled=false", "--py-files", package),
            SPARK / "preprocess.py",
            *arguments(write_csv(top="Order_ID,Region"), (tmp_path / "out").as_uri()),
        ],
        env={
            "PATH": os.environ["PATH"],
            "JAVA_HOME": str(java_home()),
            "SPARK_HOME": str(home),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    last = ended.stdout.splitlines()[-1]
    assert last.startswith("preprocess.py: error: file:")
    assert "lacks the columns Customer_ID, Customer_Type," in last
