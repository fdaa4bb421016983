"""The mapping of a run: how its CSV files differ from the original data.

``check_input`` reads the YAML of a person and passes the mapping as the flag ``--mapping``: JSON with percent-encoding,
because YARN and shells replace braces and quotes in arguments. The job checks it again by the rules of
docs/your-own-file.md; tests/contracts/test_mapping.py tests both sides with the same mappings.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal
from urllib.parse import unquote

from segmentation.schemas import OPTIONAL_COLUMNS, RAW_COLUMNS

NONE = "none"
"""The value of the flag without a mapping."""

SEPARATORS = {",": ",", ";": ";", "|": "|", "tab": "\t"}
ENCODINGS = ("utf-8", "iso-8859-1", "windows-1252")
DECIMALS = (".", ",")
THOUSANDS = {".": ".", ",": ",", "'": "'\u2019", "space": " \u00a0\u202f"}
"""The characters of each sign, because spreadsheets write a typographic apostrophe and spaces that do not break."""

DATE_PARTS = {
    "yyyy": "[0-9]{4}", "MM": "[0-9]{2}", "M": "[0-9]{1,2}", "dd": "[0-9]{2}", "d": "[0-9]{1,2}",
    "HH": "[0-9]{2}", "H": "[0-9]{1,2}", "mm": "[0-9]{2}", "ss": "[0-9]{2}",
}  # fmt: skip
"""The letters of a date format, as in Spark's patterns, and what they match. A time of day is read and ignored."""

_DATE_TOKEN = re.compile(f"{'|'.join(DATE_PARTS)}|[-./,: T]")

CHOICES = {
    "separator": tuple(SEPARATORS),
    "encoding": ENCODINGS,
    "decimal": DECIMALS,
    "thousands": tuple(THOUSANDS),
    "discount": ("share", "percent"),
    "returns": ("reject", "net", "set_aside"),
}
"""The keys with a fixed list of values."""


@dataclass(frozen=True)
class InputMapping:
    """How the files differ from the original data; the defaults are the original data.

    ``columns`` are names in the files by column, where they differ. The files lack the columns in ``without``.
    """

    columns: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    separator: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""
    date_format: str = "dd-MM-yyyy"
    discount: Literal["share", "percent"] = "share"
    returns: Literal["reject", "net", "set_aside"] = "reject"
    currency: str = ""

    @property
    def delimiter(self) -> str:
        """The character between two fields."""
        return SEPARATORS[self.separator]

    @property
    def names(self) -> dict[str, str]:
        """The column of RAW_COLUMNS by the name in the files, in lower case."""
        return {
            self.columns.get(name, name).lower(): name for name in RAW_COLUMNS if name not in self.without
        }


ORIGINAL = InputMapping()
"""The format of the original data."""


def mapping_flag(text: str) -> dict[str, Any]:
    """Return the value of the flag as a dict, empty for NONE; raises ArgumentTypeError for a mapping that is wrong."""
    if text == NONE:
        return {}
    try:
        given = json.loads(unquote(text, errors="strict"))
        load_mapping(given)
    except ValueError as problem:
        raise ArgumentTypeError(f"the mapping is wrong: {problem}") from None
    return dict(given)


def load_mapping(given: Any) -> InputMapping:
    """Return the mapping of a dict; raises ValueError that says what is wrong."""
    if not isinstance(given, dict):
        raise ValueError("it must be keys with values")
    values = dict(given)
    columns = _columns(values.pop("columns", {}))
    without = _without(values.pop("without", []))
    if both := [name for name in without if name in columns]:
        raise ValueError(f"{both[0]} is in columns and in without")
    for key, value in values.items():
        _check_value(key, value)
    mapping = InputMapping(columns, without, **values)
    if mapping.thousands == mapping.decimal:
        raise ValueError("decimal and thousands are the same sign")
    names = Counter(mapping.columns.get(name, name).lower() for name in RAW_COLUMNS if name not in without)
    if repeated := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"two columns have the name {repeated[0]!r} in the files")
    return mapping


def date_pattern(date_format: str) -> tuple[str, str]:
    """Return a regular expression for dates of the format, and the replacement that makes an ISO date of a match.

    Raises ValueError if the format does not have a day, a month and a year once each, or is ambiguous.
    """
    tokens = _DATE_TOKEN.findall(date_format)
    parts = [token for token in tokens if token in DATE_PARTS]
    letters = Counter(part[0] for part in parts)
    variable = any(
        one in DATE_PARTS and other in DATE_PARTS and "1," in DATE_PARTS[one] + DATE_PARTS[other]
        for one, other in pairwise(tokens)
    )
    if (
        "".join(tokens) != date_format
        or not {"d", "M", "y"} <= letters.keys()
        or max(letters.values()) > 1
        or variable
    ):
        raise ValueError(f"date_format is {date_format!r}")
    pattern = "".join(f"({DATE_PARTS[token]})" if token in DATE_PARTS else f"[{token}]" for token in tokens)
    group = {part[0]: number for number, part in enumerate(parts, start=1)}
    return f"^{pattern}$", f"${group['y']}-${group['M']}-${group['d']}"


def _columns(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise ValueError("columns must be columns with their names in the files")
    columns = {}
    for column, name in given.items():
        if column.lower() not in RAW_COLUMNS:
            raise ValueError(f"there is no column {column}")
        if not isinstance(name, str) or not name.strip() or re.search(r"[\x00-\x1f]", name):
            raise ValueError(f"the name of {column} is {name!r}; it must be text in one line")
        if column.lower() in columns:
            raise ValueError(f"{column} is there more than once")
        columns[column.lower()] = name.strip()
    return columns


def _without(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
        raise ValueError("without must be a list of columns")
    for column in given:
        if not isinstance(column, str) or column.lower() not in OPTIONAL_COLUMNS:
            raise ValueError(f"without has {column!r}; only optional columns may be missing")
    without = tuple(column.lower() for column in given)
    if len(set(without)) < len(without):
        raise ValueError("without has a column more than once")
    return without


def _check_value(key: str, value: Any) -> None:
    if key == "date_format" and isinstance(value, str):
        date_pattern(value)
    elif key == "currency" and isinstance(value, str):
        if not re.fullmatch("[A-Z]{3}", value):
            raise ValueError(
                f"currency is {value!r}; it must be a code of three capital letters, such as EUR"
            )
    elif key not in CHOICES:
        raise ValueError(f"there is no key {key}, or its value is not text")
    elif value not in CHOICES[key]:
        raise ValueError(f"{key} is {value!r}; it must be one of {', '.join(CHOICES[key])}")
