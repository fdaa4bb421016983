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
from segmentation.cleaning import RULES, Tally, may_have_copies, rejected, tally, valid, watched
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

#: What spoils a line, and the reason it gives.
SPOILED: list[tuple[Fields, str]] = [
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

#: What looks odd and is right.
ODD: list[Fields] = [
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


def mark(frame: DataFrame) -> DataFrame:
    return cleaning.mark(frame, copies=True)


def tallied(frame: DataFrame) -> Tally:
    rows, observation = watched(mark(frame))
    rows.collect()
    return tally(observation)


def reasons(frame: DataFrame) -> list[str | None]:
    """Return the reasons of ``frame`` by order."""
    rows = mark(frame).select("raw.order_id", "order_id", "reason").collect()
    return [row.reason for row in sorted(rows, key=lambda row: str(row[1]))]


def test_every_kind_of_spoiled_line_has_its_reason(lines: Lines) -> None:
    """All cases go through at once; the source file tells them apart."""
    cases = [{**fields, "source_file": f"file:/{place}.csv"} for place, (fields, _) in enumerate(SPOILED)]
    found = {row.source_file: row.reason for row in rejected(mark(lines(*cases))).collect()}
    assert {f"file:/{place}.csv": reason for place, (_, reason) in enumerate(SPOILED)} == found


def test_every_rule_has_a_case() -> None:
    assert {rule.reason for rule in RULES} == {reason for _, reason in SPOILED} | {"duplicate_line"}


def test_odd_lines_are_valid(lines: Lines) -> None:
    odd = [{"order_id": f"ORD{place}", **fields} for place, fields in enumerate(ODD)]
    assert reasons(lines(*odd)) == [None] * len(ODD)


def test_values_are_exact(lines: Lines) -> None:
    (row,) = valid(mark(lines({}))).collect()
    assert (row.unit_price, row.discount, row.total_price) == (
        Decimal("1.5600"),
        Decimal("0.1000"),
        Decimal("126.3600"),
    )
    assert (row.quantity, row.order_date) == (90, date(2023, 8, 23))


def test_the_first_reason_in_table_order_counts(lines: Lines) -> None:
    worst = {"customer_id": None, "unit_price": "x", "order_date": "x", "quantity": "0", "discount": "2"}
    assert reasons(lines(worst)) == ["missing_key"]


def test_all_but_one_of_identical_lines_are_duplicates(lines: Lines) -> None:
    other_file: Fields = {"source_file": "file:/b.csv"}
    marked = mark(lines({}, other_file, {}, {"quantity": "90.0"}))
    assert valid(marked).count() == 2, "a line that differs in the text of one column is another line"
    copies = rejected(marked).collect()
    assert [row.reason for row in copies] == ["duplicate_line"] * 2
    assert sorted(row.source_file for row in copies) == ["file:/a.csv", "file:/b.csv"], (
        "the first file's stays"
    )


def test_a_good_line_is_no_copy_of_a_malformed_one(lines: Lines) -> None:
    """One that has a field too many agrees with it in all columns."""
    marked = mark(lines({"defect": "wrong_field_count"}, {"source_file": "file:/b.csv"}))
    assert [row.order_id for row in valid(marked).collect()] == ["ORD1"]
    assert [row.source_file for row in rejected(marked).collect()] == ["file:/a.csv"]


def test_copies_are_looked_for_only_when_asked_and_are_not_overlooked(lines: Lines) -> None:
    quick = cleaning.mark(lines({}, {}, {"order_id": "ORD2"}), copies=False)
    assert valid(quick).count() == 3
    assert may_have_copies(valid(quick))
    assert not may_have_copies(valid(mark(lines({}, {}, {"order_id": "ORD2"}))))


def test_copies_of_a_bad_line_keep_its_reason(lines: Lines) -> None:
    assert reasons(lines({"discount": "2"}, {"discount": "2"})) == ["discount_out_of_range"] * 2


def test_rejected_lines_show_their_raw_text(lines: Lines) -> None:
    spoiled: Fields = {"unit_price": "1,56", "order_date": "23.08.23"}
    (row,) = rejected(mark(lines(spoiled))).collect()
    expected = {name: {**VALID, **spoiled}[name] for name in RAW_COLUMNS}
    assert row.asDict() == {**expected, "reason": "unparsable_number", "source_file": "file:/a.csv"}


def test_the_frames_have_the_published_columns(lines: Lines) -> None:
    marked = mark(lines({}))
    for dataset, frame in (("sales", valid(marked)), ("rejected_sales", rejected(marked))):
        types = [(field.name, field.dataType) for field in TABLES[dataset]]
        assert [(field.name, field.dataType) for field in frame.schema] == types


def test_header_lines_are_neither_valid_nor_rejected(lines: Lines) -> None:
    frame = lines({}, {"defect": HEADER}, {"defect": HEADER})
    found = tallied(frame)
    assert (found.valid, found.rejected, found.headers, found.lines) == (1, {}, 2, 1)
    assert rejected(mark(frame)).count() == 0


def test_the_tally_counts_by_reason_in_table_order(lines: Lines) -> None:
    found = tallied(lines({}, {}, {"discount": "2"}, {"order_id": None}))
    assert found.valid == 1
    assert list(found.rejected.items()) == [
        ("missing_key", 1),
        ("discount_out_of_range", 1),
        ("duplicate_line", 1),
    ]
    assert (found.lines, found.rejected_share, found.last_day) == (4, 0.75, date(2023, 8, 23))
    assert "discount_out_of_range             1   25.00%  a discount below 0 or above 1" in found.table()


def test_the_tally_of_nothing(lines: Lines) -> None:
    found = tallied(lines({"defect": HEADER}))
    assert (found.valid, found.lines, found.rejected_share, found.last_day) == (0, 0, 0.0, None)


def test_the_fingerprint_is_that_of_the_lines_only(lines: Lines) -> None:
    """It changes with any field, and neither with the order of lines nor their file or partitions."""
    first, second = {"order_id": "A"}, {"order_id": "B"}
    found = tallied(lines(first, second)).fingerprint
    moved = {**first, "source_file": "file:/z.csv"}
    assert tallied(lines(second, moved, {"defect": HEADER})).fingerprint == found
    assert tallied(lines(first, {"order_id": "C"})).fingerprint != found
    assert tallied(lines(first, first, second)).fingerprint != found
    gap, shifted = {"product": None, "category": "x"}, {"product": "x", "category": None}
    assert tallied(lines(gap)).fingerprint != tallied(lines(shifted)).fingerprint


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


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(st.one_of(RAW_LINES, st.just(VALID)), min_size=1, max_size=40))
def test_whatever_comes_no_line_is_lost_and_valid_lines_keep_every_promise(
    spark: SparkSession, batch: list[Fields]
) -> None:
    schema = ", ".join(f"{name} string" for name in VALID)
    frame = spark.createDataFrame([tuple(fields[name] for name in VALID) for fields in batch], schema)
    marked = mark(frame)
    sales, bad = valid(marked).collect(), rejected(marked).collect()
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


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    orders=st.lists(
        st.tuples(
            st.decimals(0, 9999, places=2),
            st.integers(1, 10_000),
            st.decimals(0, 1, places=2),
            st.dates(date(1900, 1, 1), date(2199, 12, 31)),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_every_line_whose_numbers_agree_is_valid(
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
    assert tallied(frame).rejected == {}


def test_ansi_mode_changes_nothing(spark: SparkSession, lines: Lines) -> None:
    """Spark 4 has it on by default: nothing may raise, whatever a field holds."""
    cases = [{"order_id": f"ORD{place}", **fields} for place, (fields, _) in enumerate(SPOILED)]
    usual = tallied(lines(*cases))
    before = spark.conf.get("spark.sql.ansi.enabled")
    spark.conf.set("spark.sql.ansi.enabled", "true")
    try:
        assert tallied(lines(*cases)) == usual
    finally:
        spark.conf.set("spark.sql.ansi.enabled", str(before))
