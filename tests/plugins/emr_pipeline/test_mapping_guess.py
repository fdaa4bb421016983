"""The proposed mapping of files that differ in several ways."""

from __future__ import annotations

from typing import Any

import pytest

from emr_pipeline.mapping import InputColumn, InputColumns, MappingError
from emr_pipeline.mapping_guess import guess

KNOWN = InputColumns(
    [
        InputColumn("Key"),
        InputColumn("Item", aliases=("artikel",)),
        InputColumn("Price", "number", aliases=("preis",)),
        InputColumn("Count", "number", aliases=("menge", "qty"), negative={"returns": "net"}),
        InputColumn("Rate", "number", without="is 0", aliases=("rabatt",), percent={"unit": "percent"}),
        InputColumn("Day", "date", aliases=("datum",)),
    ],
    {"returns": ("net",), "unit": ("percent",)},
)


def lines(header: str, *rows: str) -> bytes:
    return "\n".join((header, *rows)).encode() + b"\n"


@pytest.mark.parametrize(
    ("content", "mapping"),
    [
        (lines("Key,Item,Price,Count,Rate,Day", "a,b,1.5,2,0.1,31-01-2026"), {}),
        (lines("key;item;PRICE;count;rate;day", "a;b;1.5;2;0.1;31-01-2026"), {"separator": ";"}),
        (lines("Key\tItem\tPrice\tCount\tDay", "a\tb, c\t1.5\t2\t2026-01-31"),
         {"separator": "tab", "without": ["Rate"], "date_format": "yyyy-MM-dd"}),
        (lines("Key;Artikel;Preis;Menge;Rabatt %;Datum", "a;b;1.234,50;2;10;3.1.2026", "a;b;0,5;2;0;31.12.2026"),
         {"separator": ";", "columns": {"Item": "Artikel", "Price": "Preis", "Count": "Menge", "Rate": "Rabatt %",
          "Day": "Datum"}, "date_format": "d.M.yyyy", "decimal": ",", "thousands": ".", "unit": "percent"}),
        (lines("KEY|Items|prices|Qty|Rate|When", "a|b|1 234,5|-2|5 %|01/31/2026 10:15"),
         {"separator": "|", "columns": {"Item": "Items", "Price": "prices", "Count": "Qty", "Day": "When"},
          "date_format": "MM/dd/yyyy HH:mm",
          "decimal": ",", "thousands": "space", "unit": "percent"}),
        ("Key,Item,Price,Count,Rate,Day\na,Größe,1.5,2,0,31-01-2026\n".encode("cp1252"), {"encoding": "windows-1252"}),
        (lines("Key,Item,Price,Count,Rate,Day", "a,b\u2028c,1.5,2,0.1,31-01-2026"), {}),
        (lines("Key,Item,Price,Count,Rate,Day", "a,\"b\n\nc\",1.5,2,0.1,31-01-2026"), {}),
        ("\ufeffKey,Item,Price,Count,Rate,Day\n\"a\",\"b,c\",1.5,2,0,31-01-2026\n".encode(), {}),
    ],
)  # fmt: skip
def test_the_mapping_of_a_file(content: bytes, mapping: dict[str, Any]) -> None:
    found = guess(content, KNOWN)
    expected = dict(mapping)
    assert found.mapping == expected
    if not found.not_found and found.mapping:
        assert KNOWN.parse(found.text(), "guess") == expected, "the text is a valid mapping with comments"
    assert "# This file needs no mapping." in found.text() or mapping or found.not_found


def test_the_text_says_why_and_what_was_not_found() -> None:
    found = guess(lines("Nr;Bezeichnung;Preis;Qty;Tag", "a;b;1,5;-1;1/2/2026"), KNOWN)
    assert found.not_found == ["Key", "Item"]
    assert found.text() == (
        "separator: ;  # 100% of the lines have 5 fields, as the header\n"
        "columns:\n"
        "  Price: Preis  # a usual name\n"
        "  Count: Qty  # a usual name\n"
        "  Day: Tag  # the only column with dates\n"
        "without: [Rate]  # not found in the file\n"
        "date_format: d/M/yyyy  # M/d/yyyy fits all values, too: check it\n"
        'decimal: ","  # 100% of the numbers fit\n'
        "# 1 of 1 values of Count are negative; perhaps returns: net\n"
        "# Not found: Key, Item. Add their names in the file to columns.\n"
        "# Columns of the file that are not used: Nr, Bezeichnung\n"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"Key,Item\n", "no line below the header"),
        (b"only one field\nand another\n", "no separator found: the first line is 'only one field'"),
        ("Key,Item\na,b\n".encode("utf-16"), "save it as CSV UTF-8"),
        (b"PK\x03\x04\x00\x00", "is not text"),
        (b"x" * 200_000, "the file is not CSV: field larger than field limit"),
    ],
)
def test_a_file_that_is_not_csv_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(MappingError, match=words):
        guess(content, KNOWN)
