from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from segmentation import cleaning
from segmentation.cleaning import (
    RULES,
    LineCounts,
    line_counts,
    may_have_duplicates,
    observe,
    rejected,
    valid,
)
from segmentation.raw_lines import HEADER
from segmentation.schemas import RAW_COLUMNS, TABLES

Fields = dict[str, str | None]
Lines = Callable[..., DataFrame]

VALID: Fields = {
    "order_id": "ORD1",
    "customer_id": "CUS1",
    "customer_type": "B2B",
    "product": "Evian",
    "category": "Water",
    "unit_price": "1.56",
    "quantity": "90",
    "discount": "0.1",
    "total_price": "126.36",
    "region": "Bayern",
    "order_date": "23-08-2023",
    "defect": None,
    "source_file": "file:/a.csv",
}

#: Fields that make a line invalid, and the reason.
INVALID: list[tuple[Fields, str]] = [
    ({"defect": "wrong_field_count", "region": None, "order_date": None}, "wrong_field_count"),
    ({"defect": "open_quote"}, "open_quote"),
    ({"defect": "stray_quote"}, "stray_quote"),
    ({"region": "W\ufffdrttemberg"}, "broken_text"),
    ({"order_id": None}, "missing_key"),
    ({"customer_id": None}, "missing_key"),
    ({"product": None}, "missing_text"),
    ({"category": None}, "missing_text"),
    ({"region": None}, "missing_text"),
    ({"unit_price": None}, "unparsable_number"),
    ({"unit_price": "1,56"}, "unparsable_number"),
    ({"unit_price": "NaN"}, "unparsable_number"),
    ({"unit_price": "Infinity"}, "unparsable_number"),
    ({"unit_price": "123456789"}, "unparsable_number"),
    ({"quantity": "ninety"}, "unparsable_number"),
    ({"quantity": "1.5"}, "unparsable_number"),
    ({"quantity": "9999999999"}, "unparsable_number"),
    ({"discount": "10%"}, "unparsable_number"),
    ({"total_price": "126.36 EUR"}, "unparsable_number"),
    ({"order_date": None}, "unparsable_date"),
    ({"order_date": "2023-08-23"}, "unparsable_date"),
    ({"order_date": "1-2-2023"}, "unparsable_date"),
    ({"order_date": "23-08-2023 10:00"}, "unparsable_date"),
    ({"order_date": "30-02-2023"}, "impossible_date"),
    ({"order_date": "29-02-2023"}, "impossible_date"),
    ({"order_date": "01-13-2023"}, "impossible_date"),
    ({"order_date": "23-08-0023"}, "impossible_date"),
    ({"order_date": "23-08-2203"}, "impossible_date"),
    ({"customer_type": "C2C"}, "unknown_customer_type"),
    ({"customer_type": "b2b"}, "unknown_customer_type"),
    ({"customer_type": None}, "unknown_customer_type"),
    ({"quantity": "0", "total_price": "0"}, "quantity_below_one"),
    ({"quantity": "-90", "total_price": "-126.36"}, "quantity_below_one"),
    ({"discount": "-0.1"}, "discount_out_of_range"),
    ({"discount": "1.0001"}, "discount_out_of_range"),
    ({"discount": "15"}, "discount_out_of_range"),
    ({"unit_price": "-1.56", "total_price": "-126.36"}, "negative_price"),
    ({"total_price": "126.38"}, "total_mismatch"),
    ({"total_price": "126.3499"}, "total_mismatch"),
    ({"total_price": "-126.36"}, "total_mismatch"),
]

#: Unusual fields that are valid.
UNUSUAL: list[Fields] = [
    {"total_price": "126.37"},
    {"total_price": "126.35"},
    {"total_price": "126.3600000001"},
    {"quantity": "90.0"},
    {"unit_price": "1.56e0"},
    {"discount": "1", "total_price": "0"},
    {"discount": "0", "total_price": "140.4"},
    {"unit_price": "0", "total_price": "0"},
    {"order_date": "29-02-2024"},
    {"product": 'Wein, "rot"\n'},
]


@pytest.fixture(scope="module")
def lines(spark: SparkSession) -> Lines:
    """Make raw lines: each argument overrides fields of a valid line."""
    schema = ", ".join(f"{name} string" for name in VALID)

    def make(*overrides: Fields) -> DataFrame:
        return spark.createDataFrame([tuple({**VALID, **fields}.values()) for fields in overrides], schema)

    return make


def classified(frame: DataFrame) -> DataFrame:
    return cleaning.classify(frame, duplicates=True)


def counted(frame: DataFrame) -> LineCounts:
    rows, observation = observe(classified(frame))
    rows.collect()
    return line_counts(observation)


def reasons(frame: DataFrame) -> list[str | None]:
    """Return the reasons of the lines, sorted by order."""
    rows = classified(frame).select("raw.order_id", "order_id", "reason").collect()
    return [row.reason for row in sorted(rows, key=lambda row: str(row[1]))]


def test_every_kind_of_invalid_line_has_its_reason(lines: Lines) -> None:
    """All cases in one frame; the source file identifies the case."""
    cases = [{**fields, "source_file": f"file:/{place}.csv"} for place, (fields, _) in enumerate(INVALID)]
    found = {row.source_file: row.reason for row in rejected(classified(lines(*cases))).collect()}
    assert {f"file:/{place}.csv": reason for place, (_, reason) in enumerate(INVALID)} == found


def test_every_rule_has_a_case() -> None:
    assert {rule.reason for rule in RULES} == {reason for _, reason in INVALID} | {"duplicate_line"}


def test_unusual_lines_are_valid(lines: Lines) -> None:
    unusual = [{"order_id": f"ORD{place}", **fields} for place, fields in enumerate(UNUSUAL)]
    assert reasons(lines(*unusual)) == [None] * len(UNUSUAL)


def test_values_are_exact(lines: Lines) -> None:
    (row,) = valid(classified(lines({}))).collect()
    assert (row.unit_price, row.discount, row.total_price) == (
        Decimal("1.5600"),
        Decimal("0.1000"),
        Decimal("126.3600"),
    )
    assert (row.quantity, row.order_date) == (90, date(2023, 8, 23))


def test_the_reason_is_the_first_rule_that_a_line_violates(lines: Lines) -> None:
    worst = {"customer_id": None, "unit_price": "x", "order_date": "x", "quantity": "0", "discount": "2"}
    assert reasons(lines(worst)) == ["missing_key"]


def test_all_but_one_of_identical_lines_are_duplicates(lines: Lines) -> None:
    other_file: Fields = {"source_file": "file:/b.csv"}
    result = classified(lines({}, other_file, {}, {"quantity": "90.0"}))
    assert valid(result).count() == 2, "a line that differs in the text of one column is another line"
    duplicates = rejected(result).collect()
    assert [row.reason for row in duplicates] == ["duplicate_line"] * 2
    assert sorted(row.source_file for row in duplicates) == ["file:/a.csv", "file:/b.csv"], (
        "the first file's stays"
    )


def test_a_valid_line_is_not_a_duplicate_of_a_malformed_one(lines: Lines) -> None:
    """A line with one field more has the same values in all columns."""
    result = classified(lines({"defect": "wrong_field_count"}, {"source_file": "file:/b.csv"}))
    assert [row.order_id for row in valid(result).collect()] == ["ORD1"]
    assert [row.source_file for row in rejected(result).collect()] == ["file:/a.csv"]


def test_duplicates_are_found_only_on_request(lines: Lines) -> None:
    quick = cleaning.classify(lines({}, {}, {"order_id": "ORD2"}), duplicates=False)
    assert valid(quick).count() == 3
    assert may_have_duplicates(valid(quick), 3)
    assert not may_have_duplicates(valid(classified(lines({}, {}, {"order_id": "ORD2"}))), 2)


def test_duplicates_are_found_in_any_of_several_lists(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "LIST_LENGTH", 2)
    orders: list[Fields] = [{"order_id": f"ORD{place}"} for place in range(8)]
    assert not may_have_duplicates(lines(*orders), 8)
    assert all(may_have_duplicates(lines(*orders, repeated), 9) for repeated in orders[:3])


def test_duplicates_of_a_rejected_line_have_its_reason(lines: Lines) -> None:
    assert reasons(lines({"discount": "2"}, {"discount": "2"})) == ["discount_out_of_range"] * 2


def test_rejected_lines_show_their_raw_text(lines: Lines) -> None:
    invalid: Fields = {"unit_price": "1,56", "order_date": "23.08.23"}
    (row,) = rejected(classified(lines(invalid))).collect()
    expected = {name: {**VALID, **invalid}[name] for name in RAW_COLUMNS}
    assert row.asDict() == {**expected, "reason": "unparsable_number", "source_file": "file:/a.csv"}


def test_the_frames_have_the_published_columns(lines: Lines) -> None:
    result = classified(lines({}))
    for dataset, frame in (("sales", valid(result)), ("rejected_sales", rejected(result))):
        types = [(field.name, field.dataType) for field in TABLES[dataset]]
        assert [(field.name, field.dataType) for field in frame.schema] == types


def test_header_lines_are_neither_valid_nor_rejected(lines: Lines) -> None:
    frame = lines({}, {"defect": HEADER}, {"defect": HEADER})
    found = counted(frame)
    assert (found.valid, found.rejected, found.headers, found.lines) == (1, {}, 2, 1)
    assert rejected(classified(frame)).count() == 0


def test_rejected_lines_are_counted_by_reason_in_the_order_of_the_rules(lines: Lines) -> None:
    found = counted(lines({}, {}, {"discount": "2"}, {"order_id": None}))
    assert found.valid == 1
    assert list(found.rejected.items()) == [
        ("missing_key", 1),
        ("discount_out_of_range", 1),
        ("duplicate_line", 1),
    ]
    assert (found.lines, found.rejected_share, found.last_day) == (4, 0.75, date(2023, 8, 23))
    assert "discount_out_of_range             1   25.00%  a discount below 0 or above 1" in found.table()


def test_the_counts_of_no_lines(lines: Lines) -> None:
    found = counted(lines({"defect": HEADER}))
    assert (found.valid, found.lines, found.rejected_share, found.last_day) == (0, 0, 0.0, None)


def test_the_fingerprint_depends_on_the_lines_only(lines: Lines) -> None:
    """It depends on every field, but not on the order of the lines or on the files."""
    first, second = {"order_id": "A"}, {"order_id": "B"}
    found = counted(lines(first, second)).fingerprint
    total = sum(row.hash for row in classified(lines(first, second)).collect())
    assert found == f"{total % 2**64:016x}", "the sum of the hashes modulo 2**64"
    moved = {**first, "source_file": "file:/z.csv"}
    assert counted(lines(second, moved, {"defect": HEADER})).fingerprint == found
    assert counted(lines(first, {"order_id": "C"})).fingerprint != found
    assert counted(lines(first, first, second)).fingerprint != found
    gap, shifted = {"product": None, "category": "x"}, {"product": "x", "category": None}
    assert counted(lines(gap)).fingerprint != counted(lines(shifted)).fingerprint


TEXTS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8),
)
NUMBERS = st.one_of(
    TEXTS,
    st.integers(-(10**12), 10**12).map(str),
    st.decimals(allow_nan=True, places=3).map(str),
    st.floats().map(str),
)
DATES = st.one_of(
    TEXTS,
    st.dates().map(lambda day: f"{day:%d-%m-%Y}"),
    st.from_regex(r"\A[0-3][0-9]-[01][0-9]-20[0-9]{2}\Z"),
)
RAW_LINES = st.fixed_dictionaries(
    {
        **dict.fromkeys(("order_id", "customer_id", "product", "category", "region"), TEXTS),
        "customer_type": st.one_of(st.sampled_from(["B2B", "B2C"]), TEXTS),
        **dict.fromkeys(("unit_price", "quantity", "discount", "total_price"), NUMBERS),
        "order_date": DATES,
        "defect": st.sampled_from([None, None, None, "wrong_field_count", "open_quote"]),
        "source_file": st.just("file:/a.csv"),
    }
)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(st.one_of(RAW_LINES, st.just(VALID)), min_size=20, max_size=60))
def test_no_line_is_lost_and_valid_lines_have_valid_values(spark: SparkSession, batch: list[Fields]) -> None:
    schema = ", ".join(f"{name} string" for name in VALID)
    frame = spark.createDataFrame([tuple(fields[name] for name in VALID) for fields in batch], schema)
    result = classified(frame)
    sales, bad = valid(result).collect(), rejected(result).collect()
    assert len(sales) + len(bad) == len(batch)
    assert {row.reason for row in bad} <= {rule.reason for rule in RULES}
    raw = Counter(tuple(fields[name] for name in RAW_COLUMNS) for fields in batch)
    assert not Counter(tuple(row[name] for name in RAW_COLUMNS) for row in bad) - raw, "raw text is unchanged"
    for row in sales:
        assert None not in row
        assert row.customer_type in ("B2B", "B2C")
        assert row.quantity >= 1
        assert row.unit_price >= 0
        assert 0 <= row.discount <= 1
        exact = row.unit_price * row.quantity * (1 - row.discount)
        assert abs(row.total_price - exact) <= Decimal("0.01")


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    orders=st.lists(
        st.tuples(
            st.decimals(0, 9999, places=2),
            st.integers(1, 10_000),
            st.decimals(0, 1, places=2),
            st.dates(date(1900, 1, 1), date(2199, 12, 31)),
        ),
        min_size=20,
        max_size=60,
    )
)
def test_lines_with_consistent_numbers_are_valid(
    spark: SparkSession, orders: list[tuple[Decimal, int, Decimal, date]]
) -> None:
    schema = ", ".join(f"{name} string" for name in VALID)
    batch = [
        {
            **VALID,
            "order_id": f"ORD{place}",
            "unit_price": str(price),
            "quantity": str(quantity),
            "discount": str(discount),
            "total_price": f"{price * quantity * (1 - discount):.2f}",
            "order_date": f"{day:%d-%m-%Y}",
        }
        for place, (price, quantity, discount, day) in enumerate(orders)
    ]
    frame = spark.createDataFrame([tuple(fields.values()) for fields in batch], schema)
    assert counted(frame).rejected == {}


def test_ansi_mode_changes_nothing(spark: SparkSession, lines: Lines) -> None:
    """It is the default of Spark 4: no content of a field may raise an error."""
    cases = [{"order_id": f"ORD{place}", **fields} for place, (fields, _) in enumerate(INVALID)]
    usual = counted(lines(*cases))
    before = spark.conf.get("spark.sql.ansi.enabled")
    spark.conf.set("spark.sql.ansi.enabled", "true")
    try:
        assert counted(lines(*cases)) == usual
    finally:
        spark.conf.set("spark.sql.ansi.enabled", str(before))
