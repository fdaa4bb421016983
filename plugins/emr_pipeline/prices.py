"""List prices of AWS by region, from ``prices.json``; ``make prices`` renews the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class Prices:
    """The prices of one region in US dollars."""

    region: str
    date: str
    """The day on which the prices were written down, as YYYY-MM-DD."""
    hourly: Mapping[str, float]
    """The price of a resource for an hour: of a node by its instance type (EC2 On-Demand with Linux, and the charge of
    EMR), and of ``ARM64 vCPU`` and the other resources of EMR Serverless."""
    athena: float | None
    """The price of a terabyte scanned by Athena; None if it is unknown."""


def load_prices(region: str) -> Prices:
    """Return the prices of a region; for a region that the file does not have, without any price."""
    document = _document()
    found = document["regions"].get(region, {"nodes": {}, "serverless": {}, "athena": None})
    nodes = {node: price["ec2"] + price["emr"] for node, price in found["nodes"].items()}
    return Prices(region, document["date"], nodes | found["serverless"], found["athena"])


@cache
def _document() -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))
