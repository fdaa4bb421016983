"""``make prices``: renew ``plugins/emr_pipeline/prices.json`` from the AWS Price List Bulk API.

The price list of a service in a region is a public CSV file, which needs no credentials. That of EC2 has some hundred
megabytes, so the files are read line by line and not stored.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api-fetching-price-list-files-manually.html
"""

from __future__ import annotations

import csv
import io
import json
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from devtools.paths import PROJECT

FILE = PROJECT / "plugins/emr_pipeline/prices.json"
ROOT = "https://pricing.us-east-1.amazonaws.com"
EC2, EMR, ATHENA = "AmazonEC2", "ElasticMapReduce", "AmazonAthena"

Row = Mapping[str, str]
Prices = dict[str, Any]


class PriceError(Exception):
    """A price is missing; the message names it."""


def rows(lines: Iterable[str]) -> Iterator[Row]:
    """Yield the On-Demand prices of a price list. The header is preceded by lines with facts about the file."""
    reader = csv.reader(lines)
    header = next((line for line in reader if line[:1] == ["SKU"]), [])
    for line in reader:
        row = dict(zip(header, line, strict=False))
        if row["TermType"] == "OnDemand":
            yield row


def ec2_prices(found: Iterable[Row], types: Sequence[str]) -> dict[str, float]:
    """Return the price for an hour of Linux on shared hardware, by instance type."""
    wanted = {
        "Tenancy": "Shared",
        "Operating System": "Linux",
        "Pre Installed S/W": "NA",
        "CapacityStatus": "Used",
        "Unit": "Hrs",
    }
    return {
        row["Instance Type"]: float(row["PricePerUnit"])
        for row in found
        if row["Instance Type"] in types and wanted.items() <= row.items()
    }


def emr_prices(found: Iterable[Row], types: Sequence[str]) -> dict[str, float]:
    """Return the charge of EMR for an hour by instance type, without the editions of MapR."""
    return {
        row["Instance Type"]: float(row["PricePerUnit"])
        for row in found
        if row["Instance Type"] in types
        and row.get("Software Type", "EMR") == "EMR"
        and "BoxUsage:" in row["usageType"]
    }


SERVERLESS = {
    "X86_64 vCPU": "SERVERLESS-vCPUHours",
    "X86_64 GB of memory": "SERVERLESS-MemoryGBHours",
    "X86_64 GB of disk": "SERVERLESS-StorageGBHours",
    "ARM64 vCPU": "SERVERLESS-ARM-vCPUHours",
    "ARM64 GB of memory": "SERVERLESS-ARM-MemoryGBHours",
    "ARM64 GB of disk": "SERVERLESS-StorageGBHours",
}
"""The resources of EMR Serverless with the end of their usage types. Disks have one price."""


def serverless_prices(found: Iterable[Row]) -> dict[str, float]:
    """Return the price of each resource of EMR Serverless for an hour."""
    by_usage = {row["usageType"].rpartition("EMR-")[2]: float(row["PricePerUnit"]) for row in found}
    return {resource: by_usage[usage] for resource, usage in SERVERLESS.items() if usage in by_usage}


def athena_price(found: Iterable[Row]) -> float:
    """Return the price of a terabyte that queries scan."""
    prices = [
        float(row["PricePerUnit"])
        for row in found
        if row["usageType"].endswith("DataScannedInTB") and row["Unit"] == "Terabytes"
    ]
    if not prices:
        raise PriceError("the price list of Athena has no DataScannedInTB")
    return min(prices)


def region_prices(region: str, types: Sequence[str], root: str = ROOT) -> Prices:
    """Return the prices of a region from the price lists of EC2, EMR and Athena; types that it lacks are omitted."""
    ec2 = ec2_prices(_read(root, EC2, region), types)
    of_emr = list(_read(root, EMR, region))
    emr = emr_prices(of_emr, types)
    nodes = {node: {"ec2": ec2[node], "emr": emr[node]} for node in types if node in ec2 and node in emr}
    if not nodes:
        raise PriceError(f"the price lists of {region} have none of {', '.join(types)}")
    athena = athena_price(_read(root, ATHENA, region))
    return {"athena": athena, "serverless": serverless_prices(of_emr), "nodes": nodes}


def text(document: Prices) -> str:
    """Return the content of the file, with one line for each node."""
    regions = []
    for region, prices in document["regions"].items():
        members = [f'      "athena": {json.dumps(prices["athena"])}']
        for kind in ("nodes", "serverless"):
            lines = ",\n".join(f"        {json.dumps(k)}: {json.dumps(v)}" for k, v in prices[kind].items())
            members.append(f'      "{kind}": {{\n{lines}\n      }}')
        regions.append(f"    {json.dumps(region)}: {{\n" + ",\n".join(members) + "\n    }")
    facts = "".join(f"  {json.dumps(name)}: {json.dumps(document[name])},\n" for name in ("date", "source"))
    return f'{{\n{facts}  "regions": {{\n' + ",\n".join(regions) + "\n  }\n}\n"


def _read(root: str, service: str, region: str) -> Iterator[Row]:
    url = f"{root}/offers/v1.0/aws/{service}/current/{region}/index.csv"
    with urllib.request.urlopen(url, timeout=60) as response:
        yield from rows(io.TextIOWrapper(response, encoding="utf-8", newline=""))


def main(arguments: Sequence[str], root: str = ROOT) -> int:
    """Write the file with the prices of its instance types in the given regions, by default in those that it has."""
    current = json.loads(FILE.read_text(encoding="utf-8"))["regions"]
    types = list(dict.fromkeys(node for region in current.values() for node in region["nodes"]))
    try:
        regions = {region: region_prices(region, types, root) for region in arguments or current}
    except (OSError, PriceError) as error:
        sys.stderr.write(f"{error}; {FILE.name} is unchanged\n")
        return 1
    renewed = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "source": f"AWS Price List, {root}",
        "regions": regions,
    }
    FILE.write_text(text(renewed), encoding="utf-8")
    sys.stdout.write(f"{FILE}: {', '.join(regions)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
