"""Defective lines: each has exactly one defect and is counted under its reason."""

import csv
import re
from collections import Counter
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest

from devtools import dirty_data, sales
from segmentation import cleaning

REASONS = {defect.reason for defect in dirty_data.DEFECTS}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def is_day(text: str) -> bool:
    try:
        datetime.strptime(text, "%d-%m-%Y")
    except ValueError:
        return False
    return True


def reasons_to_reject(line: dict[str, str]) -> set[str]:
    """Return the reasons of all rules that a line violates, implemented independently of the Spark job."""
    price, quantity, discount, total = (
        number(line[name]) for name in ("Unit_Price", "Quantity", "Discount", "Total_Price")
    )
    is_dated = re.fullmatch(r"\d{2}-\d{2}-\d{4}", line["Order_Date"]) is not None
    broken = {
        "missing_key": not line["Order_ID"] or not line["Customer_ID"],
        "unknown_customer_type": line["Customer_Type"] not in {"B2B", "B2C"},
        "missing_text": not (line["Product"] and line["Category"] and line["Region"]),
        "broken_text": "\N{REPLACEMENT CHARACTER}" in "".join(line.values()),
        "unparsable_date": not is_dated,
        "impossible_date": is_dated and not is_day(line["Order_Date"]),
    }
    if price is None or quantity is None or discount is None or total is None:
        broken["unparsable_number"] = True
    else:
        broken["quantity_below_one"] = quantity < 1
        broken["discount_out_of_range"] = not 0 <= discount <= 1
        broken["negative_price"] = price < 0
        broken["total_mismatch"] = abs(total - price * quantity * (1 - discount)) > Decimal("0.01")
    return {reason for reason, is_broken in broken.items() if is_broken}


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5])
def test_each_defective_line_has_one_defect_and_is_counted_by_reason(tmp_path: Path, share: float) -> None:
    counts = sales.write(tmp_path / "sales.csv", 10_000, defects=share)
    found: Counter[str] = Counter()
    seen: set[tuple[str, ...]] = set()
    for line in read(tmp_path / "sales.csv"):
        reasons = reasons_to_reject(line)
        if tuple(line.values()) in seen:
            reasons.add("duplicate_line")
        seen.add(tuple(line.values()))
        assert len(reasons) <= 1, line
        found.update(reasons)
    assert found == counts.defective
    assert set(found) == REASONS
    assert found.total() == 10_000 * share


def test_reasons_are_those_of_the_preprocessing_job() -> None:
    assert {rule.reason for rule in cleaning.RULES} >= REASONS


def test_lines_without_defects_violate_no_rule(tmp_path: Path) -> None:
    sales.write(tmp_path / "sales.csv", 20_000)
    lines = read(tmp_path / "sales.csv")
    assert [line for line in lines if reasons_to_reject(line)] == []
    assert len({tuple(line.values()) for line in lines}) == 20_000


def test_defects_cycle_through_all_kinds(tmp_path: Path) -> None:
    """So a small file contains each of them."""
    counts = sales.write(tmp_path / "sales.csv", 2 * len(dirty_data.DEFECTS), defects=0.5)
    assert counts.defective == Counter(defect.reason for defect in dirty_data.DEFECTS)


def test_a_defect_changes_only_its_columns(tmp_path: Path) -> None:
    """A line differs from the original in the columns of one defect, unless it is a duplicate."""
    sales.write(tmp_path / "defective", 5_000, defects=0.2)
    sales.write(tmp_path / "clean", 5_000)
    clean = read(tmp_path / "clean")
    edited = {frozenset(defect.edits) for defect in dirty_data.DEFECTS}
    for before, after in zip(clean, read(tmp_path / "defective"), strict=True):
        changed = frozenset(column for column in before if before[column] != after[column])
        assert not changed or changed in edited or after in clean


def test_defective_numbers_have_at_most_two_decimals(tmp_path: Path) -> None:
    sales.write(tmp_path / "sales.csv", 20_000, defects=0.5)
    for line in read(tmp_path / "sales.csv"):
        for column in ("Unit_Price", "Discount", "Total_Price"):
            assert re.fullmatch(r"n/a||-?\d+(\.\d{1,2})?", line[column]), line


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2023-08-23", {"unparsable_date"}),
        ("30-02-2023", {"impossible_date"}),
        ("", {"unparsable_date"}),
        ("23-08-2023", set()),
    ],
)
def test_reasons_to_reject_detects_dates(day: str, expected: set[str]) -> None:
    values = ["ORD1", "CUS1", "B2B", "Evian", "Water", "1.66", "53", "0.1", "79.18", "Bayern", day]
    line = dict(zip(sales.COLUMNS, values, strict=True))
    assert reasons_to_reject(line) == expected


class TestRewrite:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        sales.write(tmp_path / "sales.csv", 20)
        return tmp_path / "sales.csv"

    def test_drops_a_column(self, path: Path) -> None:
        before = read(path)
        dirty_data.rewrite(path, without="Region")
        assert read(path) == [
            {name: text for name, text in line.items() if name != "Region"} for line in before
        ]

    def test_adds_a_column(self, path: Path) -> None:
        before = read(path)
        dirty_data.rewrite(path, extra="Channel")
        assert read(path) == [{**line, "Channel": "x"} for line in before]

    def test_adds_a_byte_order_mark_and_crlf(self, path: Path) -> None:
        before = path.read_bytes()
        dirty_data.rewrite(path, bom=True, crlf=True)
        assert path.read_bytes() == b"\xef\xbb\xbf" + before.replace(b"\n", b"\r\n")

    def test_an_unknown_column_is_an_error(self, path: Path) -> None:
        with pytest.raises(ValueError, match="Channel"):
            dirty_data.rewrite(path, without="Channel")
