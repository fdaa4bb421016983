"""Files in another format become the same lines. Which mappings are accepted is tested in tests/contracts."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from segmentation import cleaning
from segmentation.mapping import InputMapping, load_mapping
from segmentation.raw_lines import find_sources, read_lines
from segmentation.returns import net_features
from segmentation.schemas import TABLES

Rows = Callable[..., list[Row]]

NAMES = "Order_ID;Customer_ID;Customer_Type;Product;Category;Unit_Price;Quantity;Discount;Total_Price;Region;Order_Date"
LINE = "A;C;B2B;Kölsch;Beer;1,5;10;0,1;13,5;Köln;23-08-2023"


@pytest.fixture
def classified(spark: SparkSession, tmp_path: Path) -> Callable[..., DataFrame]:
    """Write a file and return its lines after ``classify``."""

    def read(
        content: bytes, mapping: InputMapping, *, line_breaks: bool = False, name: str = "a.csv"
    ) -> DataFrame:
        (tmp_path / name).write_bytes(content)
        sources = find_sources(spark, (tmp_path / name).as_uri(), mapping)
        lines = read_lines(spark, sources, line_breaks=line_breaks)
        return cleaning.classify(lines, duplicates=False, mapping=mapping)

    return read


@pytest.fixture
def rows(classified: Callable[..., DataFrame]) -> Rows:
    """Write a file and return its lines, except the header, sorted by order, after ``classify``."""

    def read(*args: Any, **kwargs: Any) -> list[Row]:
        found = [row for row in classified(*args, **kwargs).collect() if row.reason != "header"]
        return sorted(found, key=lambda row: row.order_id or row.raw.order_id or "")

    return read


def text(*lines: str, delimiter: str = ";") -> str:
    return "\n".join((NAMES, *lines)).replace(";", delimiter) + "\n"


GERMAN = {"separator": ";", "decimal": ","}


@pytest.mark.parametrize(
    ("encoding", "product", "line_breaks"),
    [
        ("utf-8", "Kölsch €", False),
        ("iso-8859-1", "Kölsch ÿ", False),
        ("windows-1252", "Kölsch – €", False),
        ("windows-1252", "Kölsch – €", True),
    ],
)
def test_each_encoding_gives_the_same_text(
    rows: Rows, encoding: str, product: str, line_breaks: bool
) -> None:
    second = LINE.replace("A;", "B;").replace("Kölsch", f'"{product} ""1"""')
    content = text(LINE.replace("Kölsch", product), second).encode(encoding)
    first, quoted = rows(content, load_mapping({**GERMAN, "encoding": encoding}), line_breaks=line_breaks)
    assert (first.reason, first.product, first.region) == (None, product, "Köln")
    assert (quoted.reason, quoted.product) == (None, f'{product} "1"')


@pytest.mark.parametrize(
    ("encoding", "byte"), [("windows-1252", b"\x81"), ("iso-8859-1", b"\x80"), ("utf-8", b"\xf6")]
)
def test_bytes_that_the_encoding_does_not_have_are_rejected(rows: Rows, encoding: str, byte: bytes) -> None:
    content = text(LINE).encode(encoding).replace(b"Beer", b"Beer" + byte)
    (row,) = rows(content, load_mapping({**GERMAN, "encoding": encoding}))
    assert (row.reason, row.raw.category, row.raw.region) == ("broken_text", "Beer\ufffd", "Köln")


@pytest.mark.parametrize(
    ("separator", "delimiter", "line_breaks"),
    [(";", ";", False), ("|", "|", False), ("tab", "\t", False), ("tab", "\t", True)],
)
def test_each_separator_gives_the_same_fields(
    rows: Rows, separator: str, delimiter: str, line_breaks: bool
) -> None:
    plain = LINE.replace(",", ".")
    lines = (
        plain,
        plain.replace("A;", "B; ").replace("Kölsch", f' "x{delimiter}y" '),
        plain.replace("A;", "C;").replace("Kölsch", ' 5" keg '),
        plain.replace("A;", "D;").replace(";Beer", ""),
        plain.replace("A;", "E;").replace("Kölsch", '"x" y'),
        plain.replace("A;", "F;").replace("Beer", ""),
    )
    content = text(*lines, delimiter=delimiter).encode()
    found = rows(content, load_mapping({"separator": separator}), line_breaks=line_breaks)
    assert [row.reason for row in found] == [
        None, None, None, "wrong_field_count", "stray_quote", "missing_text"
    ]  # fmt: skip
    assert [row.product for row in found[:3]] == ["Kölsch", f"x{delimiter}y", '5" keg']
    assert found[0].total_price == Decimal("13.5000")


def test_a_line_break_in_quotes_is_found_with_another_separator_and_encoding(rows: Rows) -> None:
    content = text(LINE.replace("Kölsch", '"Kölsch\nklein"')).encode("iso-8859-1")
    mapping = load_mapping({**GERMAN, "encoding": "iso-8859-1"})
    assert {row.reason for row in rows(content, mapping)} >= {"open_quote"}
    (row,) = rows(content, mapping, line_breaks=True)
    assert (row.reason, row.product) == (None, "Kölsch\nklein")


def test_a_compressed_file_is_decoded_too(rows: Rows) -> None:
    content = gzip.compress(text(LINE).encode("windows-1252"))
    (row,) = rows(content, load_mapping({**GERMAN, "encoding": "windows-1252"}), name="a.csv.gz")
    assert row.product == "Kölsch"


@pytest.mark.parametrize(
    ("mapping", "values"),
    [
        ({"decimal": ",", "thousands": "."}, {"1.234,5": "1234.5", "1234,5": "1234.5", "0,5": "0.5", ",5": "0.5",
         "12.34,5": None, "1.5": None, "1,234.5": None, "1234": "1234", "1.234.567": "1234567", "1e3": None}),
        ({"decimal": ","}, {"1,5": "1.5", "1.5": None, "1.234,5": None, "1,": "1", ",": None}),
        ({"thousands": ","}, {"1,234.5": "1234.5", "1234.5": "1234.5", "1,23": None}),
        ({"thousands": "'", "decimal": "."}, {"1'234.5": "1234.5", "1\u2019234.5": "1234.5", "1,5": None}),
        ({"thousands": "space", "decimal": ","}, {"1 234,5": "1234.5", "1\u00a0234": "1234", "1\u202f234": "1234"}),
        ({}, {"1.5": "1.5", "1e3": "1000", "1,5": None}),
    ],
    ids=str,
)  # fmt: skip
def test_numbers_with_other_signs(rows: Rows, mapping: dict[str, Any], values: dict[str, str | None]) -> None:
    """A number whose signs are misplaced is rejected: 1.5 must not become 15."""
    given = mapping | {"separator": ";", "without": ["Total_Price", "Discount"]}
    lines = [f"{number:02};C;B2B;p;c;{value};1;;;r;23-08-2023" for number, value in enumerate(values)]
    found = rows(text(*lines).encode(), load_mapping(given))
    assert [row.reason for row in found] == [
        None if value else "unparsable_number" for value in values.values()
    ]
    assert [row.unit_price for row in found if row.reason is None] == [
        Decimal(value) for value in values.values() if value
    ]
    assert [row.raw.unit_price for row in found if row.reason] == [
        value for value, number in values.items() if not number
    ]


@pytest.mark.parametrize(
    ("date_format", "values"),
    [
        (
            "d.M.yyyy",
            {"3.8.2023": 3, "03.08.2023": 3, "3.8.23": "unparsable_date", "31.2.2023": "impossible_date"},
        ),
        ("yyyy-MM-dd", {"2023-08-03": 3, "2023-8-3": "unparsable_date", "03-08-2023": "unparsable_date"}),
        ("MM/dd/yyyy", {"08/03/2023": 3, "13/08/2023": "impossible_date"}),
        ("yyyyMMdd", {"20230803": 3}),
        ("yyyy-MM-ddTHH:mm:ss", {"2023-08-03T23:59:59": 3, "2023-08-03": "unparsable_date"}),
        ("dd-MM-yyyy", {"03-08-2023": 3, "3-8-2023": "unparsable_date"}),
    ],
)
def test_dates_in_other_formats(rows: Rows, date_format: str, values: dict[str, Any]) -> None:
    lines = [f"{number};C;B2B;p;c;1;1;0;1;r;{value}" for number, value in enumerate(values)]
    found = rows(text(*lines).encode(), load_mapping({"separator": ";", "date_format": date_format}))
    assert [row.reason or row.order_date for row in found] == [
        date(2023, 8, value) if isinstance(value, int) else value for value in values.values()
    ]


def test_a_discount_in_percent(rows: Rows) -> None:
    values = {
        "12,5": "0.125",
        "12,5 %": "0.125",
        "10%": "0.1",
        "0": "0",
        "100": "1",
        "0,125": "0.0013",
        "101": None,
    }
    lines = [f"{number};C;B2B;p;c;1;1;{value};;r;23-08-2023" for number, value in enumerate(values)]
    mapping = load_mapping({**GERMAN, "discount": "percent", "without": ["Total_Price"]})
    found = rows(text(*lines).encode(), mapping)
    assert [row.discount for row in found[:-1]] == [Decimal(value) for value in values.values() if value]
    assert found[-1].reason == "discount_out_of_range"


def test_optional_columns_may_be_missing(rows: Rows) -> None:
    mapping = load_mapping(
        {
            "columns": {"Order_ID": "Beleg", "Unit_Price": "Preis"},
            "without": ["Customer_Type", "Category", "Discount", "Total_Price", "Region"],
        }
    )
    header = "Beleg,Customer_ID,Product,Preis,Quantity,Order_Date,Region"
    (row, bad) = rows(f"{header}\nA,C,p,1.333,3,23-08-2023,here\nB,C,,1,1,23-08-2023,".encode(), mapping)
    assert (row.reason, row.discount, row.total_price) == (None, Decimal("0"), Decimal("3.9990"))
    assert (row.customer_type, row.category, row.region) == (None, None, None), "a column without is not read"
    assert bad.reason == "missing_text"


def test_returns_are_rejected_or_net_or_set_aside(
    classified: Callable[..., DataFrame], spark: SparkSession
) -> None:
    bought = "A;C;B2B;p;c;2.5;10;0;25;r;01-08-2023"
    lines = (bought, "B;C;B2B;p;c;2.5;-4;0;-10;r;02-08-2023", "D;D;B2B;p;c;2.5;-1;0;-2.5;r;02-08-2023",
             "E;C;B2B;p;c;2.5;-4;0;10;r;02-08-2023", "F;C;B2B;p;c;2.5;0;0;0;r;02-08-2023")  # fmt: skip
    expected = {
        "reject": [None, *["quantity_below_one"] * 4],
        "net": [None, None, None, "total_mismatch", "quantity_below_one"],
        "set_aside": [None, "returned", "returned", "total_mismatch", "quantity_below_one"],
    }
    for choice, reasons in expected.items():
        found = classified(text(*lines).encode(), load_mapping({"separator": ";", "returns": choice}))
        found = found.where("reason IS NULL OR reason <> 'header'")
        assert [row.reason for row in found.collect()] == reasons
        if choice == "net":
            # Optimising the features of lines that are not stored takes minutes.
            sales = spark.createDataFrame(cleaning.valid(found).collect(), TABLES["sales"])
            (customer,) = net_features(sales, date(2023, 8, 2)).collect()
            assert (customer.customer_id, customer.total_quantity, customer.total_spend) == ("C", 6, 15.0)
            assert (customer.total_orders, customer.recency_days) == (1, 1.0)


def test_returns_that_are_set_aside_are_not_faults() -> None:
    counts = cleaning.LineCounts(8, {"missing_key": 1, "returned": 1}, 1, date(2023, 8, 2), "")
    assert (counts.lines, counts.returned, counts.rejected_share) == (10, 1, 0.1)
