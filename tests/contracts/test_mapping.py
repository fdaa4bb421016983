"""The task ``check_input`` and the Spark job accept and refuse the same mappings, as in docs/your-own-file.md.

The task reads YAML, and the job gets JSON. A mapping that the task would refuse is passed to the job as it is.
"""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from dataclasses import asdict
from urllib.parse import quote

import pytest
import yaml

from emr_pipeline.mapping import MappingError, flag
from sales_segmentation.datasets import INPUT_COLUMNS
from segmentation.mapping import ORIGINAL, load_mapping, mapping_flag

GOOD = [
    "separator: ;",
    'separator: ","',
    "separator: tab",
    "separator: '|'",
    "encoding: utf-8",
    "encoding: iso-8859-1",
    "encoding: windows-1252",
    "decimal: ','",
    "decimal: ','\nthousands: .",
    "decimal: .\nthousands: ','",
    'thousands: "\'"',
    "thousands: space",
    "date_format: yyyy-MM-dd",
    "date_format: d.M.yyyy",
    "date_format: MM/dd/yyyy",
    "date_format: yyyyMMdd",
    "date_format: yyyy-MM-ddTHH:mm:ss",
    "date_format: d.M.yyyy H:mm",
    "discount: percent",
    "discount: share",
    "returns: net",
    "returns: set_aside",
    "returns: reject",
    "currency: CHF",
    "columns: {Order_ID: No, Quantity: 12, Region: ' Land '}",
    "columns: {order_id: Beleg}",
    "columns: {Product: Category, Category: Product}",
    "columns: {Product: Region}\nwithout: [Region]",
    "without: [Customer_Type, Category, Discount, Total_Price, region]",
    "without: []",
    "{separator: ;, encoding: windows-1252}",
]

BAD = [
    # Each with the line and a part of the message.
    ("- separator", 1, "must be lines of the form key: value"),
    ("separator", 1, "must be lines of the form key: value"),
    ("separator: ;\nseperator: ;", 2, "there is no key seperator; the keys are columns, currency, date_format"),
    ("separator: \"\\t\"", 1, "must be one of , ; | tab"),
    ("separator: ':'", 1, "separator is ':'"),
    ("separator: [;]", 1, "separator must be text"),
    ("separator:", 1, "separator is ''"),
    ("encoding: utf-16", 1, "must be one of utf-8 iso-8859-1 windows-1252"),
    ("encoding: UTF-8", 1, "encoding is 'UTF-8'"),
    ("decimal: ;", 1, "decimal is ';'"),
    ("thousands: ' '", 1, "thousands is ' '"),
    ("\nthousands: .", 2, "thousands is the same sign as decimal"),
    ("decimal: ','\nthousands: ','", 2, "thousands is the same sign as decimal"),
    ("date_format: DD.MM.YYYY", 1, "date_format is 'DD.MM.YYYY'"),
    ("date_format: dd.MM.yy", 1, "date_format is"),
    ("date_format: dd.MM", 1, "date_format is"),
    ("date_format: dMyyyy", 1, "date_format is"),
    ("date_format: dd.MM.yyyy dd", 1, "date_format is"),
    ("date_format: yyyy-MM-dd'T'HH:mm", 1, "date_format is"),
    ("date_format: ''", 1, "date_format is ''"),
    ("discount: euro", 1, "must be one of share percent"),
    ("returns: drop", 1, "must be one of reject net set_aside"),
    ("currency: eur", 1, "currency is 'eur'; it must match [A-Z]{3}"),
    ("columns: [Beleg]", 1, "columns must be lines of the form key: value"),
    ("columns:\n  Order_ID: Beleg\n  Order: Nr", 3, "there is no column Order; the columns are Order_ID"),
    ("columns:\n  Order_ID: ''", 2, "the name of Order_ID must be text in one line"),
    ("columns:\n  Order_ID: [Beleg]", 2, "the name of Order_ID must be text"),
    ("columns: {Order_ID: Beleg, order_id: Nr}", 1, "Order_ID is there twice"),
    ("columns: {Order_ID: region}", 1, "two columns have the name 'region'"),
    ("columns: {Order_ID: Beleg, Product: beleg}", 1, "two columns have the name 'Beleg'"),
    ("without: Region", 1, "without must be a list, such as [Region]"),
    ("without: [Region, Product]", 1, "the files must have the column Product; they may lack Customer_Type"),
    ("without: [Area]", 1, "there is no column Area"),
    ("without: [Region, region]", 1, "Region is there twice"),
    ("columns: {Region: Land}\nwithout:\n - Region", 3, "Region is in columns and in without"),
]  # fmt: skip

ONLY_YAML = [
    ("separator: ;\ndecimal: ,", 2, "this is not YAML, .*; write signs such as , in quotes"),
    ("separator: ;\nseparator: ;", 2, "separator is there twice"),
    ("separator: '", 1, "this is not YAML"),
    ("separator: \x00", None, "this is not YAML"),
    ("[" * 20_000, None, "nested too deeply"),
    ("", None, "mapping is empty"),
]
"""What JSON cannot express."""


def job_reads(text: str) -> str:
    """Return the flag of the job with the content of a YAML, whether it is a valid mapping or not."""
    return quote(json.dumps(yaml.load(text, Loader=yaml.BaseLoader)))


@pytest.mark.parametrize("text", GOOD)
def test_both_sides_accept_the_mapping_and_understand_the_same(text: str) -> None:
    mapping = INPUT_COLUMNS.parse(text, "mapping")
    loaded = load_mapping(mapping_flag(flag(mapping)))
    assert loaded == load_mapping(mapping_flag(job_reads(text)))
    found = asdict(loaded)
    for key, value in mapping.items():
        if key == "columns":
            assert found[key] == {name.lower(): text for name, text in value.items()}
        elif key == "without":
            assert list(found[key]) == [name.lower() for name in value]
        else:
            assert found[key] == value
    assert {name.lower() for name in INPUT_COLUMNS.header(mapping)} == loaded.names.keys()


@pytest.mark.parametrize(("text", "line", "words"), BAD)
def test_both_sides_refuse_the_mapping(text: str, line: int, words: str) -> None:
    with pytest.raises(MappingError) as refusal:
        INPUT_COLUMNS.parse(text, "mapping")
    assert str(refusal.value).startswith(f"mapping, line {line}: ")
    assert words in str(refusal.value)
    with pytest.raises(ArgumentTypeError, match="the mapping is wrong: "):
        mapping_flag(job_reads(text))


@pytest.mark.parametrize(("text", "line", "words"), ONLY_YAML)
def test_the_task_refuses_wrong_yaml(text: str, line: int | None, words: str) -> None:
    with pytest.raises(MappingError, match=words) as refusal:
        INPUT_COLUMNS.parse(text, "mapping")
    assert str(refusal.value).startswith(f"mapping, line {line}: " if line else "mapping")


def test_the_job_refuses_a_flag_that_is_not_json() -> None:
    for text in ("", "{", "%FF", "[]", "null", "1"):
        with pytest.raises(ArgumentTypeError, match="the mapping is wrong"):
            mapping_flag(text)


def test_an_empty_mapping_is_the_original_data() -> None:
    assert load_mapping(mapping_flag("none")) == ORIGINAL
    assert INPUT_COLUMNS.header({}) == INPUT_COLUMNS.names


def test_the_flag_has_no_character_that_yarn_or_a_shell_replaces() -> None:
    mapping = INPUT_COLUMNS.parse('columns: {Order_ID: "{{Beleg\'s}} $1 & `x`"}', "mapping")
    assert not set("{}\"' $&`<>|;") & set(flag(mapping))
