"""The report of the local Athena compares the results of two engines."""

from __future__ import annotations

import pytest

from benchmarks.local_athena import SIZES, TERMS, _equal
from localaws.athena.sql.parsing.parser import parse_query


@pytest.mark.parametrize(
    ("found", "equal"),
    [
        ([("a", "1.25"), ("b", None)], True),
        ([("b", None), ("a", "1.253")], True),
        ([("a", "1.35"), ("b", None)], False),
        ([("a", "1.25"), ("b", "0")], False),
        ([("a", "1.25")], False),
    ],
)
def test_results_are_equal_up_to_the_rounding_of_averages(
    found: list[tuple[str | None, ...]], equal: bool
) -> None:
    assert _equal([("a", 1.2544), ("b", None)], found) == equal


def test_every_large_query_is_valid() -> None:
    for kind, sizes in SIZES.items():
        parse_query(TERMS[kind](min(sizes[0], 250)))
