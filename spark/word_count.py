"""Count the words of text files and write the most frequent ones.

spark-submit word_count.py --help
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def parser() -> ArgumentParser:
    """Return the parser of the job's flags; the DAG gives all of them."""
    flags = ArgumentParser(
        prog="word_count.py", description="Count the words of text files.", allow_abbrev=False
    )
    flags.add_argument(
        "--input", required=True, metavar="URI", help="text files, such as s3://bucket/raw/*.txt"
    )
    flags.add_argument("--output", required=True, metavar="URI", help="folder whose content is replaced")
    flags.add_argument("--top", required=True, type=int, metavar="N", help="number of words to write")
    return flags


def main(argv: Sequence[str] | None = None) -> None:
    """Read, count, write."""
    flags = parser().parse_args(argv)
    spark = SparkSession.builder.appName("word_count").getOrCreate()
    counts = top_words(spark.read.text(flags.input), flags.top)
    counts.coalesce(1).write.mode("overwrite").parquet(flags.output)


def top_words(lines: DataFrame, number: int) -> DataFrame:
    """Return ``word, occurrences`` of the most frequent words in the column ``value``, the most frequent first.

    Words are compared in lower case. Words with the same number of occurrences are in alphabetical order.
    """
    words = lines.select(F.explode(F.split(F.lower("value"), r"[^\p{L}\p{N}']+")).alias("word"))
    counts = words.where("word <> ''").groupBy("word").agg(F.count("*").alias("occurrences"))
    return counts.orderBy(F.desc("occurrences"), "word").limit(number)


if __name__ == "__main__":
    main()
