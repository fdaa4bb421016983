"""The EMR releases that may be asked for, with the Spark each one brings.

Source: Amazon EMR Release Guide, "Application versions in Amazon EMR 7.x releases". Whatever the label, a
step runs on the Spark that is installed here; its controller log says which.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from moto.utilities.utils import load_resource

SPARK_BY_RELEASE: dict[str, str | None] = {
    "emr-spark-8.0.0": None,  # Spark 4.0; its exact version is not claimed here
    "emr-7.13.0": "3.5.6",
    "emr-7.12.0": "3.5.6",
    "emr-7.11.0": "3.5.6",
    "emr-7.10.0": "3.5.5",
    "emr-7.9.0": "3.5.5",
    "emr-7.8.0": "3.5.4",
}


def applications(label: str) -> list[dict[str, str]]:
    """Return the applications of a known release as DescribeReleaseLabel lists them."""
    version = SPARK_BY_RELEASE[label]
    return [{"Name": "Spark", "Version": version}] if version else []


def label_error(label: str) -> str | None:
    """Why there is no such release here, None if there is one.

    A release that EMR has and this server has not is not supported; any other label is invalid.
    """
    if label in SPARK_BY_RELEASE:
        return None
    known = ", ".join(SPARK_BY_RELEASE)
    if label in _emr_labels():
        return f"not supported by the local EMR: the release {label}. Here are {known}."
    return f"The supplied release label is invalid: {label}. Here are {known}."


@cache
def _emr_labels() -> frozenset[str]:
    """The labels that ListReleaseLabels answered in any region, as moto recorded them."""
    folder = "emr/resources"
    names = [
        file.name for file in (files("moto") / folder).iterdir() if file.name.startswith("release-labels-")
    ]
    return frozenset(
        label for name in names for label in load_resource(f"{folder}/{name.removesuffix('.gz')}")
    )
