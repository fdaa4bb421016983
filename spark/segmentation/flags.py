"""The command-line flags of the jobs, as frozen dataclasses, and the checks of their values.

Every flag is required: only the params of the DAG have defaults.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, TypeVar

from pyspark.sql import SparkSession

from segmentation.lake import Lake

Number = TypeVar("Number", int, float)


def flag(parse: Callable[[str], Any], metavar: str, text: str, choices: Sequence[str] | None = None) -> Any:
    """Return a dataclass field that is a flag of the same name; ``parse`` raises ArgumentTypeError."""
    # argparse shows the choices in place of a metavar.
    value = {"choices": choices} if choices else {"metavar": metavar}
    return field(metadata={"type": parse, "help": text, **value})


def flag_parser(name: str, description: str, flags: type[JobFlags]) -> ArgumentParser:
    """Return the parser of the job ``name``, with a flag for each field of ``flags``."""
    parser = ArgumentParser(prog=f"{name}.py", description=description, allow_abbrev=False)
    for each in fields(flags):
        parser.add_argument(f"--{each.name.replace('_', '-')}", required=True, **each.metadata)
    return parser


def day(text: str) -> str:
    """Return ``text`` if it is a date written YYYY-MM-DD; raises ArgumentTypeError."""
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise ArgumentTypeError(f"{text!r} is not a date written YYYY-MM-DD")


def share(text: str) -> float:
    """Return ``text`` as a number from 0 to 1; raises ArgumentTypeError."""
    value = _parsed(text, float, "a number")
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def at_least(minimum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers that are not less than ``minimum``."""

    def parse(text: str) -> int:
        value = _parsed(text, int, "a whole number")
        if value < minimum:
            raise ArgumentTypeError(f"{text} is less than {minimum}")
        return value

    return parse


@dataclass(frozen=True, kw_only=True)
class JobFlags:
    """The flags of every job."""

    run_date: str = flag(day, "YYYY-MM-DD", "partition that the job replaces")
    processed: str = flag(str, "URI", "folder of the datasets, such as s3://bucket/processed")
    metrics: str = flag(str, "URI", "folder of the metrics files, such as s3://bucket/metrics")
    code_version: str = flag(str, "TEXT", "version of this code, copied into the metrics")

    def lake(self, spark: SparkSession) -> Lake:
        """Return the data of the run."""
        return Lake(spark, self.processed, self.metrics, "", self.run_date)


@dataclass(frozen=True, kw_only=True)
class ModelJobFlags(JobFlags):
    """The flags of the jobs that read or write models."""

    models: str = flag(str, "URI", "folder of the saved models, such as s3://bucket/models")

    def lake(self, spark: SparkSession) -> Lake:
        """Return the data of the run."""
        return replace(super().lake(spark), models=self.models)


def _parsed(text: str, kind: Callable[[str], Number], words: str) -> Number:
    try:
        return kind(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not {words}") from None
