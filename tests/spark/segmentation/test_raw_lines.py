from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from segmentation.errors import UserError
from segmentation.raw_lines import (
    HEADER,
    OPEN_QUOTE,
    STRAY_QUOTE,
    WRONG_FIELD_COUNT,
    find_sources,
    read_lines,
)
from segmentation.schemas import RAW_COLUMNS

Row = dict[str, str | None]
Read = Callable[..., list[Row]]
Make = Callable[..., str]


@pytest.fixture
def read(spark: SparkSession) -> Read:
    """Return all lines except headers, sorted by order."""

    def lines(uri: str, *, line_breaks: bool = False) -> list[Row]:
        rows = read_lines(spark, find_sources(spark, uri), line_breaks=line_breaks).collect()
        return sorted(
            (row.asDict() for row in rows if row.defect != HEADER), key=lambda row: row["order_id"] or ""
        )

    return lines


either_way = pytest.mark.parametrize("line_breaks", [False, True], ids=["by line", "by record"])


@either_way
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_are_not_content(
    read: Read, write_csv: Make, line: Make, header: list[str], mark: str, end: str, line_breaks: bool
) -> None:
    (row,) = read(write_csv(line(), top=mark + ",".join(header), end=end), line_breaks=line_breaks)
    assert [row[name] for name in RAW_COLUMNS] == line().split(",")
    assert row["defect"] is None


@either_way
def test_columns_are_found_by_name_in_each_file(
    read: Read, write_csv: Make, line: Make, header: list[str], line_breaks: bool
) -> None:
    """One of two files has another column order and an extra column."""
    write_csv(line(order_id="A"), name="a.csv")
    turned = ",".join(reversed([*line(order_id="B").split(","), "a remark"]))
    uri = write_csv(turned, name="b.csv", top=",".join(reversed([*header, "Comment"])))
    first, second = read(uri.rsplit("/", 1)[0], line_breaks=line_breaks)
    assert [first[name] for name in RAW_COLUMNS] == line(order_id="A").split(",")
    assert [second[name] for name in RAW_COLUMNS] == line(order_id="B").split(",")
    assert str(first["source_file"]).endswith("/a.csv")
    assert str(second["source_file"]).endswith("/b.csv")


@either_way
def test_quotes_hold_commas_and_doubled_quotes(
    read: Read, write_csv: Make, line: Make, line_breaks: bool
) -> None:
    (row,) = read(write_csv(line(product='"Wein, ""rot"""')), line_breaks=line_breaks)
    assert (row["product"], row["category"]) == ('Wein, "rot"', "Water")
    assert row["defect"] is None


@either_way
def test_empty_fields_are_null_and_blanks_around_fields_are_removed(
    read: Read, write_csv: Make, line: Make, line_breaks: bool
) -> None:
    (row,) = read(write_csv(line(region="", product=" Evian ", category='""')), line_breaks=line_breaks)
    assert (row["region"], row["product"], row["category"]) == (None, "Evian", None)


@either_way
def test_blank_lines_are_skipped(read: Read, write_csv: Make, line: Make, line_breaks: bool) -> None:
    assert len(read(write_csv("", line(), "   ", line(), ""), line_breaks=line_breaks)) == 2


@either_way
def test_lines_with_too_few_or_too_many_fields_have_a_defect(
    read: Read, write_csv: Make, line: Make, line_breaks: bool
) -> None:
    rows = read(
        write_csv(line(order_id="A") + ",more", "B,CUS1", line(order_id="C")), line_breaks=line_breaks
    )
    assert [(row["order_id"], row["defect"]) for row in rows] == [
        ("A", WRONG_FIELD_COUNT),
        ("B", WRONG_FIELD_COUNT),
        ("C", None),
    ]
    assert rows[1]["customer_id"] == "CUS1"


def test_a_line_break_inside_quotes_is_detected_by_line_and_kept_by_record(
    read: Read, write_csv: Make, line: Make
) -> None:
    uri = write_csv(line(order_id="A", product='"Vio\nWasser"'), line(order_id="B"))
    assert OPEN_QUOTE in [row["defect"] for row in read(uri)]
    first, second = read(uri, line_breaks=True)
    assert (first["product"], first["order_date"], first["defect"]) == ("Vio\nWasser", "23-08-2023", None)
    assert (second["order_id"], second["defect"]) == ("B", None)


@pytest.mark.parametrize("closing", ["Evian", '"Evian"'], ids=["never closed", "closed by a later quote"])
def test_no_line_after_an_open_quote_is_lost(read: Read, write_csv: Make, line: Make, closing: str) -> None:
    """Each line after it is returned as a line with an open quote."""
    lines = [line(order_id="A", product='"Vio'), line(order_id="B"), line(order_id="C", product=closing)]
    rows = read(write_csv(*lines), line_breaks=True)
    assert [(row["order_id"], row["defect"]) for row in rows] == [
        ("A", OPEN_QUOTE),
        ("B", OPEN_QUOTE),
        ("C", OPEN_QUOTE),
    ]


WELL_QUOTED = {
    '5" Wein': '5" Wein',
    '"say ""hi"""': 'say "hi"',
    '""""': '"',
    ' "Evian" ': "Evian",
    '"x, ""y"""': 'x, "y"',
    'a "b"': 'a "b"',
    r"back\slash": r"back\slash",
    r'"C:\"': "C:\\",
}
"""A product as written and as read; in a field that does not begin with a quote, quotes are ordinary characters."""

BADLY_QUOTED = [r'"Fritz \"Kola\""', r'"5\" bottle"', '""Evian""', '"Evian"x', '"a" "b"', '"a"b"c"']


@either_way
def test_well_quoted_lines_are_read_and_others_have_a_defect(
    read: Read, write_csv: Make, line: Make, line_breaks: bool
) -> None:
    products = [*WELL_QUOTED, *BADLY_QUOTED]
    uri = write_csv(*(line(order_id=f"{n:02}", product=product) for n, product in enumerate(products)))
    rows = read(uri, line_breaks=line_breaks)
    assert [row["product"] for row in rows if row["defect"] is None] == list(WELL_QUOTED.values())
    assert [row["defect"] for row in rows[len(WELL_QUOTED) :]] == [STRAY_QUOTE] * len(BADLY_QUOTED)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_break_and_doubled_quotes_may_be_in_one_field(
    read: Read, write_csv: Make, line: Make, end: str
) -> None:
    uri = write_csv(line(order_id="A", product=f'"a ""b""{end}c"'), line(order_id="B"), "  ", end=end)
    first, second = read(uri, line_breaks=True)
    assert (first["product"], first["defect"]) == ('a "b"\nc', None)
    assert (second["order_id"], second["defect"]) == ("B", None)


@either_way
def test_a_line_with_a_million_quotes_is_read(
    read: Read, write_csv: Make, line: Make, line_breaks: bool
) -> None:
    """The regular expressions must not use the stack for each quote."""
    product = '"' + '""' * 500_000 + '"'
    good, bad = read(
        write_csv(line(order_id="A", product=product), line(order_id="B", product=product + "x")),
        line_breaks=line_breaks,
    )
    assert (len(good["product"] or ""), good["defect"], bad["defect"]) == (500_000, None, STRAY_QUOTE)


@either_way
def test_broken_utf8_becomes_the_replacement_character(
    read: Read, write_csv: Make, line: Make, line_breaks: bool
) -> None:
    (row,) = read(write_csv(line(region="W\udcfcrttemberg")), line_breaks=line_breaks)
    assert row["region"] == "W\ufffdrttemberg"


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rests=st.lists(
        st.lists(st.text("ab ü\u00a0\ufffd\\'#-1.0\t\x0b\x00", max_size=4), min_size=8, max_size=12),
        min_size=1,
        max_size=60,
    )
)
def test_a_plain_line_and_a_parsed_line_have_the_same_fields(
    spark: SparkSession, tmp_path: Path, header: list[str], rests: list[list[str]]
) -> None:
    """With a quoted order, a line goes to the CSV parser; without quotes it is split at commas."""

    def fields(order: str) -> list[Row]:
        path = tmp_path / "sales.csv"
        lines = [",".join(header), *(",".join([order.format(n), *rest]) for n, rest in enumerate(rests))]
        path.write_text("\n".join(lines))
        found = read_lines(spark, find_sources(spark, path.as_uri()), line_breaks=False)
        return [row.asDict() for row in found.where("defect is null or defect <> 'header'").collect()]

    assert fields("ORD{}") == fields('"ORD{}"')


@either_way
def test_headers_repeated_inside_a_file_are_headers(
    spark: SparkSession, write_csv: Make, line: Make, header: list[str], line_breaks: bool
) -> None:
    uri = write_csv(line(), ",".join(f'"{name}"' for name in header), line())
    rows = read_lines(spark, find_sources(spark, uri), line_breaks=line_breaks).collect()
    assert sorted(str(row.defect) for row in rows) == ["None", "None", HEADER, HEADER]


@pytest.mark.parametrize(("suffix", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_compressed_files_are_read(
    read: Read, write_csv: Make, line: Make, tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    plain = tmp_path / "raw" / "sales.csv"
    write_csv(line())
    packed = plain.with_name(f"sales.csv.{suffix}")
    packed.write_bytes(compress(plain.read_bytes()))
    (row,) = read(packed.as_uri())
    assert row["order_id"] == "ORD1"


def test_a_folder_a_glob_and_a_file_of_any_name_are_inputs(
    spark: SparkSession, write_csv: Make, line: Make
) -> None:
    for name in ("a.csv", "b.CSV", "notes.txt", "_hidden.csv"):
        uri = write_csv(line(), name=name)
    folder = uri.rsplit("/", 1)[0]

    def names(uri: str) -> list[str]:
        return [file.uri.rsplit("/", 1)[1] for source in find_sources(spark, uri) for file in source.files]

    assert names(folder) == names(folder + "/") == ["a.csv", "b.CSV"]
    assert names(folder + "/a*.csv") == ["a.csv"]
    assert names(folder + "/notes.txt") == ["notes.txt"]


def test_the_names_of_columns_may_differ_in_case(
    spark: SparkSession, write_csv: Make, header: list[str]
) -> None:
    (source,) = find_sources(spark, write_csv(top=",".join(header).upper()))
    assert list(source.columns) == list(RAW_COLUMNS)
    assert source.extra == []


def test_extra_columns_are_named(spark: SparkSession, write_csv: Make, header: list[str]) -> None:
    (source,) = find_sources(spark, write_csv(top=",".join(["Shop", *header])))
    assert source.extra == ["Shop"]


def test_a_column_without_a_name_is_an_extra_column(
    spark: SparkSession, write_csv: Make, line: Make, header: list[str]
) -> None:
    """Spreadsheets and pandas write such headers."""
    uri = write_csv(f"0,{line()}", top=",".join(["", *header]))
    (source,) = sources = find_sources(spark, uri)
    assert source.extra == ["(without a name)"]
    rows = read_lines(spark, sources, line_breaks=False).collect()
    assert sorted(str(row.defect) for row in rows) == ["None", HEADER]


@pytest.mark.parametrize("name", ["Verkäufe März+1 %20.csv", "a%2Fb+c#d.csv", "日本\u00a0\U0001f377.csv"])
def test_the_source_file_has_no_percent_encoding(
    spark: SparkSession, s3_root: Path, header: list[str], line: Make, name: str
) -> None:
    (s3_root / "named").mkdir(exist_ok=True)
    (s3_root / "named" / name).write_text("\n".join([",".join(header), line(), ""]))
    sources = find_sources(spark, f"s3://bucket/named/{name}")
    rows = read_lines(spark, sources, line_breaks=False).collect()
    assert {row.source_file for row in rows} == {f"s3://bucket/named/{name}"}


def test_the_name_of_a_file_is_not_a_pattern(read: Read, write_csv: Make, line: Make) -> None:
    write_csv(line(), line(), name="sales1.csv")
    folder = write_csv(line(), name="sales[1].csv").rsplit("/", 1)[0]
    assert len(read(folder)) == 3


def test_missing_columns_are_refused(spark: SparkSession, write_csv: Make, header: list[str]) -> None:
    left = [name for name in header if name not in ("Region", "Order_ID")]
    with pytest.raises(UserError, match=r"sales\.csv lacks the columns Order_ID, Region: its header is"):
        find_sources(spark, write_csv(top=",".join(left)))


def test_a_repeated_column_is_refused(spark: SparkSession, write_csv: Make, header: list[str]) -> None:
    with pytest.raises(UserError, match="has the column Region more than once"):
        find_sources(spark, write_csv(top=",".join([*header, "region"])))


def test_no_csv_and_an_empty_file_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no CSV file at file:.*nothing"):
        find_sources(spark, (tmp_path / "nothing").as_uri())
    (tmp_path / "empty.csv").touch()
    with pytest.raises(UserError, match=r"empty\.csv is empty"):
        find_sources(spark, tmp_path.as_uri())
