"""The grouping sets of GROUP BY DISTINCT, which DuckDB does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, combinations, product

from sqlglot import exp

GroupingSet = tuple[str, ...]


def grouping_sets(term: exp.Expr, key: Callable[[exp.Expr], str]) -> list[GroupingSet]:
    """Return the grouping sets of one element of GROUP BY. ``key`` translates an expression."""

    def simple(part: exp.Expr) -> GroupingSet:
        if isinstance(part, exp.Tuple):
            return tuple(key(item) for item in part.expressions)
        return (key(part.this if isinstance(part, exp.Paren) else part),)

    if not isinstance(term, exp.Rollup | exp.Cube | exp.GroupingSets):
        return [simple(term)]
    parts = [simple(part) for part in term.expressions]
    if isinstance(term, exp.GroupingSets):
        return parts
    sizes = range(len(parts), -1, -1)
    chosen: Iterable[tuple[GroupingSet, ...]]
    if isinstance(term, exp.Rollup):
        chosen = (tuple(parts[:size]) for size in sizes)
    else:
        chosen = chain.from_iterable(combinations(parts, size) for size in sizes)
    return [tuple(chain.from_iterable(several)) for several in chosen]


def distinct_sets(elements: list[list[GroupingSet]]) -> list[str]:
    """Return the SQL of the different grouping sets of the cross product of all elements."""
    found = {
        frozenset(keys): list(dict.fromkeys(keys))
        for keys in (tuple(chain.from_iterable(several)) for several in product(*elements))
    }
    return [f"({', '.join(keys)})" for keys in found.values()]
