"""Adds the defects of real sales files to valid sample lines.

A defective line has exactly one defect. Where a field is part of the total, the total is changed too, so that a
negative quantity is not also a wrong total. The reasons are the codes with which preprocessing rejects the line.
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
    """One kind of defect: the rejection reason, and the edits by column."""

    reason: str
    edits: Mapping[str, Edit] = field(default_factory=dict)


@dataclass(frozen=True)
class DefectiveLines:
    """The result of `add_defects`: all lines, the number of defective lines by reason, and a mask of the good lines."""

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
    """Replace d by 2 − d: this changes only the sign of the factor 1 − d, and so of the total."""
    return pc.subtract(2.0, discounts.cast(pa.float64())).cast(pa.string())


def _five_cents_more(totals: pa.StringArray) -> pa.StringArray:
    cents = pc.round(pc.multiply(totals.cast(pa.float64()), 100))
    return pc.divide(pc.add(cents, 5), 100).cast(pa.string())


def _not_utf8(texts: pa.StringArray) -> pa.StringArray:
    """Append an ü encoded in Latin-1."""
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
    """Return the lines with `count` defective ones at random positions, cycling through the defects.

    `lines` has string columns and no equal lines. At most half can be defective: a duplicate is a copy of a good line.
    """
    good = np.ones(lines.num_rows, dtype=bool)
    if count == 0:
        return DefectiveLines(lines, Counter(), good)
    positions = np.sort(random.choice(lines.num_rows, count, replace=False))
    good[positions] = False
    lines = _duplicate(lines, positions[DEFECTS.index(_DUPLICATE) :: len(DEFECTS)], good)
    for number, defect in enumerate(DEFECTS):
        for column, edit in defect.edits.items():
            lines = _edit(lines, column, positions[number :: len(DEFECTS)], edit)
    return DefectiveLines(lines, Counter(DEFECTS[i % len(DEFECTS)].reason for i in range(count)), good)


def _duplicate(lines: pa.Table, positions: npt.NDArray[np.int64], good: npt.NDArray[np.bool_]) -> pa.Table:
    originals = np.flatnonzero(good)
    source = np.arange(lines.num_rows)
    # A position before the first good line has index −1, the last good line, which is also a good line to copy.
    source[positions] = originals[np.searchsorted(originals, positions) - 1]
    return lines.take(pa.array(source))


def _edit(lines: pa.Table, column: str, positions: npt.NDArray[np.int64], edit: Edit) -> pa.Table:
    mask = np.zeros(lines.num_rows, dtype=bool)
    mask[positions] = True
    values = lines[column].combine_chunks()
    edited = pc.replace_with_mask(values, pa.array(mask), edit(values.filter(pa.array(mask))))
    return lines.set_column(lines.schema.get_field_index(column), column, edited)


def rewrite(
    path: Path, *, without: str | None = None, extra: str | None = None, bom: bool = False, crlf: bool = False
) -> None:
    """Rewrite a file of this generator in the format of another tool.

    `without` drops a column, `extra` appends a column with this name, `bom` adds a byte-order mark, `crlf` uses CRLF
    line ends. For small files: the file is read into memory. Raises ValueError for a column that does not exist.
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
