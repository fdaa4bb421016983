"""The supported EMR releases and their Spark versions.

Source: Amazon EMR Release Guide, "Application versions in Amazon EMR 7.x releases". Steps run on the Spark that is
installed on this machine; the step's controller log contains its version. A release with another major version of Spark
is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

from moto.utilities.utils import load_resource

SPARK_BY_RELEASE: dict[str, str | None] = {
    "emr-spark-8.0.0": None,  # Spark 4.0; the exact version is not known
    "emr-7.13.0": "3.5.6",
    "emr-7.12.0": "3.5.6",
    "emr-7.11.0": "3.5.6",
    "emr-7.10.0": "3.5.5",
    "emr-7.9.0": "3.5.5",
    "emr-7.8.0": "3.5.4",
    "emr-7.7.0": "3.5.3",
    "emr-7.6.0": "3.5.3",
    "emr-7.5.0": "3.5.2",
    "emr-7.4.0": "3.5.2",
    "emr-7.3.0": "3.5.1",
    "emr-7.2.0": "3.5.1",
    "emr-7.1.0": "3.5.0",
    "emr-7.0.0": "3.5.0",
}


def applications(label: str) -> list[dict[str, str]]:
    """Return the applications of a supported release in the format of DescribeReleaseLabel."""
    spark = SPARK_BY_RELEASE[label]
    return [{"Name": "Spark", "Version": spark}] if spark else []


def major_version(label: str) -> str:
    """Return the major version of Spark of a supported release."""
    return (SPARK_BY_RELEASE[label] or "4").partition(".")[0]


def label_error(label: str) -> str | None:
    """Return why a release label is rejected; None if the release is supported.

    A label of EMR that is missing here is "not supported"; all others are "invalid".
    """
    if label in SPARK_BY_RELEASE:
        try:
            wanted, installed = major_version(label), version("pyspark")
        except PackageNotFoundError:
            return None  # without Spark each step is refused
        if installed.startswith(f"{wanted}."):
            return None
        return (
            f"not supported by this local EMR: {label} has Spark {wanted}, but Spark {installed} is installed"
        )
    known = ", ".join(SPARK_BY_RELEASE)
    if label in _emr_labels():
        return f"not supported by the local EMR: the release {label}. Supported releases: {known}."
    return f"The supplied release label is invalid: {label}. Supported releases: {known}."


@dataclass(frozen=True)
class SupportedInstanceType:
    """An instance type; ``members`` are those of ListSupportedInstanceTypes."""

    id: str
    members: Mapping[str, Any]


def supported_instance_types(label: str) -> list[SupportedInstanceType]:
    """Return the instance types of a release, as moto has recorded them; none for a release that it does not know."""
    try:
        names = set(load_resource(f"emr/resources/instance-types-{label}.json"))
    except FileNotFoundError:
        return []
    every = load_resource("emr/resources/instance_types.json")
    return [SupportedInstanceType(name, members) for name, members in every.items() if name in names]


@cache
def _emr_labels() -> frozenset[str]:
    """Return the labels of ListReleaseLabels in all regions, as moto has recorded them."""
    folder = "emr/resources"
    names = [
        file.name for file in (files("moto") / folder).iterdir() if file.name.startswith("release-labels-")
    ]
    return frozenset(
        label for name in names for label in load_resource(f"{folder}/{name.removesuffix('.gz')}")
    )
