"""The examples of Spark. PySpark from PyPI has those in Python, so they replace those in Java and Scala.

The output is the same: SparkPi prints ``Pi is roughly 3.14...``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from localaws.spark import submit

PACKAGE = "org.apache.spark.examples."
_SCRIPTS = {
    "SparkALS": "als",
    "SparkKMeans": "kmeans",
    "SparkLR": "logistic_regression",
    "SparkPageRank": "pagerank",
    "SparkPi": "pi",
    "SparkTC": "transitive_closure",
    "JavaPageRank": "pagerank",
    "JavaSparkPi": "pi",
    "JavaTC": "transitive_closure",
    "JavaWordCount": "wordcount",
}
_JAR = re.compile(r"(.*/)?spark-examples[^/]*\.jar")


def script(name: str, spark_home: Path) -> Path | None:
    """Return the script of an example, the name of a class or of a script; None if there is none in Python."""
    folder = spark_home / "examples" / "src" / "main" / "python"
    name = name.removeprefix(PACKAGE)
    path = folder / (name if name.endswith(".py") else f"{_SCRIPTS.get(name, _snake_case(name))}.py")
    return path if path.is_file() and path.is_relative_to(folder) else None


def python_arguments(args: Sequence[str], spark_home: Path) -> list[str]:
    """Return the arguments of spark-submit with the script instead of a class in the jar of the examples."""
    options, program = submit.split_options(args)
    classes = [option.value for option in options if option.name == "--class"]
    path = script(classes[0], spark_home) if classes else None
    if not program or not _JAR.fullmatch(program[0]) or path is None:
        return list(args)
    kept = [word for option in options if option.name != "--class" for word in option.words]
    return [*kept, str(path), *program[1:]]


def _snake_case(name: str) -> str:
    """Return ``ml/k_means_example`` for ``ml.KMeansExample``."""
    *packages, short = name.split(".")
    return "/".join(
        [*packages, re.sub(r"(?<=[a-zA-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", short).lower()]
    )
