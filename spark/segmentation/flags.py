"""The command-line flags the jobs share, and the checks of their values.

Every flag is required: defaults live in the DAG's params only.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import date
from typing import TypeVar

Number = TypeVar("Number", int, float)


def job_parser(name: str, description: str) -> ArgumentParser:
    """Return a parser with the flags that every job takes."""
    parser = ArgumentParser(prog=f"{name}.py", description=description, allow_abbrev=False)
    parser.add_argument(
        "--run-date",
        required=True,
        type=run_date,
        metavar="YYYY-MM-DD",
        help="partition that the job replaces",
    )
    parser.add_argument(
        "--processed",
        required=True,
        metavar="URI",
        help="folder of the datasets, such as s3://bucket/processed",
    )
    parser.add_argument(
        "--metrics",
        required=True,
        metavar="URI",
        help="folder of the metrics files, such as s3://bucket/metrics",
    )
    parser.add_argument(
        "--code-version", required=True, metavar="TEXT", help="version of this code, copied into the metrics"
    )
    return parser


def add_models(parser: ArgumentParser) -> None:
    """Add the flag of the jobs that save a model."""
    parser.add_argument(
        "--models",
        required=True,
        metavar="URI",
        help="folder of the saved models, such as s3://bucket/models",
    )


def run_date(text: str) -> str:
    """Return ``text`` if it is a day written YYYY-MM-DD; raises ArgumentTypeError."""
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise ArgumentTypeError(f"{text!r} is not a day written YYYY-MM-DD")


def share(text: str) -> float:
    """Return ``text`` as a number from 0 to 1; raises ArgumentTypeError."""
    value = _parsed(text, float, "a number")
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def at_least(minimum: int) -> Callable[[str], int]:
    """Return a check for whole numbers from ``minimum`` up."""

    def check(text: str) -> int:
        value = _parsed(text, int, "a whole number")
        if value < minimum:
            raise ArgumentTypeError(f"{text} is less than {minimum}")
        return value

    return check


def _parsed(text: str, kind: Callable[[str], Number], words: str) -> Number:
    try:
        return kind(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not {words}") from None
