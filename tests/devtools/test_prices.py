"""The price file is renewed from price lists in the format of the AWS Price List Bulk API."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from devtools import prices

FILE = prices.FILE
FACTS = [
    ["FormatVersion", "v1.0"],
    ["Disclaimer", "not a bill, see\nthe terms"],
    ["Publication Date", "2026-11-01"],
]
EC2 = {
    "TermType": "OnDemand",
    "Unit": "Hrs",
    "PricePerUnit": "0.1632000000",
    "Instance Type": "m7g.xlarge",
    "Tenancy": "Shared",
    "Operating System": "Linux",
    "Pre Installed S/W": "NA",
    "CapacityStatus": "Used",
    "usageType": "BoxUsage:m7g.xlarge",
}
EMR = {
    "TermType": "OnDemand",
    "Unit": "Hrs",
    "PricePerUnit": "0.0408000000",
    "Instance Type": "m7g.xlarge",
    "Software Type": "EMR",
    "usageType": "BoxUsage:m7g.xlarge",
}
ATHENA = {
    "TermType": "OnDemand",
    "Unit": "Terabytes",
    "PricePerUnit": "5.0000000000",
    "usageType": "USE1-DataScannedInTB",
}
SERVERLESS = [
    EMR | {"Instance Type": "", "usageType": f"USE1-EMR-SERVERLESS-{usage}", "PricePerUnit": price}
    for usage, price in {
        "vCPUHours": "0.05",
        "ARM-vCPUHours": "0.04",
        "MemoryGBHours": "0.006",
        "ARM-MemoryGBHours": "0.005",
        "StorageGBHours": "0.0001",
    }.items()
]
OTHERS = (
    {"TermType": "Reserved", "PricePerUnit": "0.1"},
    {"Tenancy": "Dedicated", "PricePerUnit": "0.2"},
    {"Operating System": "Windows", "PricePerUnit": "0.3"},
    {"CapacityStatus": "UnusedCapacityReservation", "PricePerUnit": "0"},
    {"Instance Type": "m7g.2xlarge", "PricePerUnit": "0.3264"},
)


@pytest.fixture
def root(tmp_path: Path) -> str:
    """The address of price lists of us-east-1."""
    lists: dict[str, list[dict[str, str]]] = {
        prices.EC2: [*({**EC2, **other} for other in OTHERS), EC2, *({**EC2, **other} for other in OTHERS)],
        prices.EMR: [*SERVERLESS, EMR | {"Software Type": "MapR M5", "PricePerUnit": "0.2"}, EMR],
        prices.ATHENA: [ATHENA, ATHENA | {"usageType": "USE1-DPU-Hour", "Unit": "DPU-Hour"}],
    }
    for service, found in lists.items():
        file = tmp_path / f"offers/v1.0/aws/{service}/current/us-east-1/index.csv"
        file.parent.mkdir(parents=True)
        with file.open("w", newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
            writer.writerows([*FACTS, ["SKU", *found[0]]])
            writer.writerows(["ABC", *row.values()] for row in found)
    return tmp_path.as_uri()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "prices.json"
    copy.write_text(FILE.read_text())
    monkeypatch.setattr(prices, "FILE", copy)
    return copy


def test_the_file_gets_the_on_demand_prices_of_linux_and_emr(root: str, file: Path) -> None:
    assert prices.main(["us-east-1"], root) == 0
    renewed: dict[str, Any] = json.loads(file.read_text())
    assert renewed["regions"].keys() == {"us-east-1"}
    assert renewed["regions"]["us-east-1"] == {
        "athena": 5.0,
        "nodes": {"m7g.xlarge": {"ec2": 0.1632, "emr": 0.0408}},
        "serverless": {
            "X86_64 vCPU": 0.05,
            "X86_64 GB of memory": 0.006,
            "X86_64 GB of disk": 0.0001,
            "ARM64 vCPU": 0.04,
            "ARM64 GB of memory": 0.005,
            "ARM64 GB of disk": 0.0001,
        },
    }
    assert renewed["source"] == f"AWS Price List, {root}"


@pytest.mark.parametrize("region", ["eu-west-1", "mars-north-1"])
def test_without_a_price_list_the_file_is_unchanged(
    root: str, file: Path, region: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prices.main(["us-east-1", region], root) == 1
    assert file.read_text() == FILE.read_text()
    assert "prices.json is unchanged" in capsys.readouterr().err


def test_a_region_without_the_instance_types_is_an_error(root: str) -> None:
    with pytest.raises(prices.PriceError, match=r"the price lists of us-east-1 have none of m5\.xlarge"):
        prices.region_prices("us-east-1", ["m5.xlarge"], root)


def test_the_file_of_the_package_has_the_layout_that_is_written() -> None:
    assert prices.text(json.loads(FILE.read_text())) == FILE.read_text()
