"""Faults of real sales files, put into good lines on purpose.

A defective line has exactly one defect: where a field enters the total, the total follows it, so that a negative
quantity is not a wrong total as well. The reasons are the codes under which preprocessing rejects the line.
"""

import codecs
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Edit = Callable[[pa.StringArray], pa.StringArray]


@dataclass(frozen=True)
class Defect:
    """One way to make a line invalid: the reason it is rejected for, and what happens to which columns."""

    reason: str
    edits: Mapping[str, Edit] = field(default_factory=dict)


@dataclass(frozen=True)
class DefectiveLines:
    """Lines after `add_defects`: as many as before, how many were defective by reason, and which were not."""

    lines: pa.Table
    reasons: Counter[str]
    good: npt.NDArray[np.bool_]


def _becomes(text: str) -> Edit:
    return _replace("^.*$", text)


def _replace(pattern: str, text: str) -> Edit:
    return lambda values: pc.replace_substring_regex(values, pattern, text)


_negated = _replace("^", "-")
_iso_date = _replace(r"^(\d{2})-(\d{2})-(\d{4})$", r"\3-\2-\1")


def _above_one(discounts: pa.StringArray) -> pa.StringArray:
    """2 − d in place of d: the factor 1 − d changes its sign only, and so does the total."""
    return pc.subtract(2.0, discounts.cast(pa.float64())).cast(pa.string())


def _five_cents_more(totals: pa.StringArray) -> pa.StringArray:
    cents = pc.round(pc.multiply(totals.cast(pa.float64()), 100))
    return pc.divide(pc.add(cents, 5), 100).cast(pa.string())


def _not_utf8(texts: pa.StringArray) -> pa.StringArray:
    """An ü at the end, encoded in Latin-1."""
    return pc.binary_join_element_wise(texts.cast(pa.binary()), "ü".encode("latin-1"), b"").view(pa.string())


_DUPLICATE = Defect("duplicate_line")

DEFECTS = (
    Defect("broken_text", {"Region": _not_utf8}),
    Defect("missing_key", {"Order_ID": _becomes("")}),
    Defect("missing_key", {"Customer_ID": _becomes("")}),
    Defect("missing_text", {"Product": _becomes("")}),
    Defect("missing_text", {"Category": _becomes("")}),
    Defect("missing_text", {"Region": _becomes("")}),
    Defect("unparsable_number", {"Unit_Price": _becomes("n/a")}),
    Defect("unparsable_number", {"Quantity": _becomes("many")}),
    Defect("unparsable_number", {"Discount": _becomes("")}),
    Defect("unparsable_number", {"Total_Price": _becomes("")}),
    Defect("unparsable_date", {"Order_Date": _becomes("")}),
    Defect("unparsable_date", {"Order_Date": _iso_date}),
    Defect("impossible_date", {"Order_Date": _replace(r"^\d{2}-\d{2}", "30-02")}),
    Defect("quantity_below_one", {"Quantity": _becomes("0"), "Total_Price": _becomes("0")}),
    Defect("quantity_below_one", {"Quantity": _negated, "Total_Price": _negated}),
    Defect("discount_out_of_range", {"Discount": _above_one, "Total_Price": _negated}),
    Defect("negative_price", {"Unit_Price": _negated, "Total_Price": _negated}),
    Defect("total_mismatch", {"Total_Price": _five_cents_more}),
    Defect("unknown_customer_type", {"Customer_Type": _becomes("")}),
    Defect("unknown_customer_type", {"Customer_Type": _becomes("B2G")}),
    _DUPLICATE,
)


def add_defects(lines: pa.Table, count: int, random: np.random.Generator) -> DefectiveLines:
    """The lines with `count` of them defective at random places, each defect in turn.

    `lines` has text columns, no two lines equal. At most half may be defective: a duplicate copies a good line.
    """
    good = np.ones(lines.num_rows, dtype=bool)
    if count == 0:
        return DefectiveLines(lines, Counter(), good)
    places = np.sort(random.choice(lines.num_rows, count, replace=False))
    good[places] = False
    lines = _duplicate(lines, places[DEFECTS.index(_DUPLICATE) :: len(DEFECTS)], good)
    for number, defect in enumerate(DEFECTS):
        for column, edit in defect.edits.items():
            lines = _edit(lines, column, places[number :: len(DEFECTS)], edit)
    return DefectiveLines(lines, Counter(DEFECTS[i % len(DEFECTS)].reason for i in range(count)), good)


def _duplicate(lines: pa.Table, places: npt.NDArray[np.int64], good: npt.NDArray[np.bool_]) -> pa.Table:
    originals = np.flatnonzero(good)
    source = np.arange(lines.num_rows)
    # Index −1, for a place before the first good line, is the last good line: also a good line to copy.
    source[places] = originals[np.searchsorted(originals, places) - 1]
    return lines.take(pa.array(source))


def _edit(lines: pa.Table, column: str, places: npt.NDArray[np.int64], edit: Edit) -> pa.Table:
    mask = np.zeros(lines.num_rows, dtype=bool)
    mask[places] = True
    values = lines[column].combine_chunks()
    edited = pc.replace_with_mask(values, pa.array(mask), edit(values.filter(pa.array(mask))))
    return lines.set_column(lines.schema.get_field_index(column), column, edited)


def rewrite(
    path: Path, *, without: str | None = None, extra: str | None = None, bom: bool = False, crlf: bool = False
) -> None:
    """Rewrites a file of this generator as another tool might have saved the same lines.

    `without` drops a column, `extra` adds one of that name at the end; then a byte-order mark, and CRLF line
    ends. For small files: the text passes through memory. Raises ValueError for a column that is not there.
    """
    records = [line.split(b",") for line in path.read_bytes().splitlines()]
    if without is not None:
        dropped = records[0].index(without.encode())
        records = [record[:dropped] + record[dropped + 1 :] for record in records]
    if extra is not None:
        records = [[*record, b"x" if number else extra.encode()] for number, record in enumerate(records)]
    line_end = b"\r\n" if crlf else b"\n"
    text = b"".join(b",".join(record) + line_end for record in records)
    path.write_bytes((codecs.BOM_UTF8 if bom else b"") + text)
