from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import word_count


def counts(spark: SparkSession, *lines: str, number: int = 10) -> list[tuple[str, int]]:
    frame = spark.createDataFrame([(line,) for line in lines], "value string")
    return [(row.word, row.occurrences) for row in word_count.top_words(frame, number).collect()]


def test_words_are_counted_in_lower_case_and_without_punctuation(spark: SparkSession) -> None:
    lines = ("It was the best, it was the worst.", "", "«Über» den Wolken - über 7 Wolken; don't!")
    assert counts(spark, *lines) == [
        ("it", 2),
        ("the", 2),
        ("was", 2),
        ("wolken", 2),
        ("über", 2),
        ("7", 1),
        ("best", 1),
        ("den", 1),
        ("don't", 1),
        ("worst", 1),
    ]


def test_only_the_most_frequent_words_are_kept(spark: SparkSession) -> None:
    assert counts(spark, "a b b c c", number=2) == [("b", 2), ("c", 2)]


def test_a_run_replaces_the_output(spark: SparkSession, tmp_path: Path) -> None:
    output = (tmp_path / "counts").as_uri()
    for text in ("old old", "new new\nfoo"):
        (tmp_path / "text.txt").write_text(text)
        word_count.main(["--input", f"{tmp_path.as_uri()}/*.txt", "--output", output, "--top", "1"])
    assert [tuple(row) for row in spark.read.parquet(output).collect()] == [("new", 2)]


def test_every_flag_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        word_count.parser().parse_args([])
    assert "required: --input, --output, --top" in capsys.readouterr().err
