"""The example in docs/your-own-file.md: a file in another format gives the same sales as the original format."""

from __future__ import annotations

import re
from pathlib import Path

from pyspark.sql import SparkSession

import preprocess
from emr_pipeline.mapping import flag
from sales_segmentation.datasets import INPUT_COLUMNS
from segmentation.lake import Lake

DOCS = Path(__file__).parents[2] / "docs/your-own-file.md"


def block(language: str) -> str:
    """Return the first block of code in this language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found, language
    return found[1]


def published(spark: SparkSession, folder: Path, content: bytes, mapping: str) -> dict[str, list[object]]:
    folder.mkdir()
    (folder / "sales.csv").write_bytes(content)
    flags = {
        "run-date": "2026-01-31",
        "processed": (folder / "processed").as_uri(),
        "metrics": (folder / "metrics").as_uri(),
        "code-version": "v1",
        "input": (folder / "sales.csv").as_uri(),
        "mapping": mapping,
        "max-rejected-share": "0",
    }
    preprocess.main([f"--{name}={value}" for name, value in flags.items()])
    lake = Lake(spark, flags["processed"], "", "", "2026-01-31")
    return {name: sorted(lake.read(name).collect()) for name in ("sales", "customer_features")}


def test_the_example_gives_the_same_tables_as_the_original_format(
    spark: SparkSession, tmp_path: Path
) -> None:
    yaml = block("yaml")
    assert len(yaml.splitlines()) <= 8
    mapping = INPUT_COLUMNS.parse(yaml, "mapping")
    stranger = published(spark, tmp_path / "own", block("text").encode("windows-1252"), flag(mapping))
    original = published(spark, tmp_path / "original", block("csv").encode(), "none")
    assert len(original["sales"]) == len(block("csv").splitlines()) - 1
    assert stranger == original
