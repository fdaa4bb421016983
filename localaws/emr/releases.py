"""The EMR releases that may be asked for, with the Spark each one brings.

Source: Amazon EMR Release Guide, "Application versions in Amazon EMR 7.x releases". Whatever the label, a
step runs on the Spark that is installed here; its controller log says which.
"""

from __future__ import annotations

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
