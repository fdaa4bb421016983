"""The README lists all supported operations and faults, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from botocore import xform_name

import localaws
from localaws.athena.api.operations import AthenaApi
from localaws.athena.api.support import report
from localaws.athena.sql.functions.rules import RULES
from localaws.athena.sql.functions.supported import AGGREGATES, SCALARS, WINDOW_FUNCTIONS
from localaws.athena.tables.formats import SERDES
from localaws.athena.tables.lines import CODECS
from localaws.athena.tables.scans import REFUSED_PROPERTIES
from localaws.cloudformation.api import CloudFormationApi
from localaws.cloudformation.resources import RESOURCE_TYPES
from localaws.emr.api import EmrApi
from localaws.emr_serverless.api import EmrServerlessApi
from localaws.faults.kinds import KINDS

README = (Path(localaws.__file__).parent / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "api"),
    [
        ("EMR", EmrApi),
        ("EMR Serverless", EmrServerlessApi),
        ("Athena", AthenaApi),
        ("CloudFormation", CloudFormationApi),
    ],
)
def test_the_listed_operations_are_those_of_the_api(title: str, api: type) -> None:
    table = section(title).strip().partition("\n\n")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    named = {xform_name(word) for row in rows for word in re.findall(r"\b(?:[A-Z][a-z]+|UI|URL){2,}\b", row)}
    public = {name for name in dir(api) if not name.startswith("_")} - {"sql", "workgroup_and_output"}
    assert named == public


def test_the_listed_file_formats_are_those_of_athena() -> None:
    named = set(re.findall(r"`([^`]+)`", section("Athena").partition("| tables | |")[2].partition("\n\n")[0]))
    classes = {name for name in named if re.search(r"SerDe$|Serde$", name)}
    assert {serde for serde in SERDES if not classes & {serde, serde.rpartition(".")[2]}} == set()
    assert {name for name in classes if not any(serde.endswith(name) for serde in SERDES)} == set()
    assert {name for name in named if re.fullmatch(r"\.[a-z0-9]+", name)} == CODECS.keys()
    assert named >= REFUSED_PROPERTIES


def test_the_report_of_athena_lists_all_functions() -> None:
    reported = set(re.findall(r"`([^`]+)`", report()))
    assert reported >= {*SCALARS, *RULES, *AGGREGATES, *WINDOW_FUNCTIONS, *SERDES, *CODECS}


def test_the_supported_resource_types_are_listed() -> None:
    assert set(re.findall(r"`(AWS::\w+::\w+)`", section("CloudFormation"))) == RESOURCE_TYPES.keys()


def test_every_kind_of_fault_has_a_row_with_its_fields() -> None:
    rows = dict(re.findall(r"^\| `([A-Z][a-z]\w+)` \| (.*?) \|", section("Faults on demand"), re.MULTILINE))
    assert rows.keys() == KINDS.keys()
    shared = {"times", "cluster", "tags", "after_work"}
    for name, kind in KINDS.items():
        fields = set(kind.__dataclass_fields__) - shared
        if "operation" in fields:
            fields -= {"containing"}
        assert set(re.findall(r"`(\w+)`", rows[name])) == fields, name
