"""UNION, INTERSECT and EXCEPT: their branches, and the columns of the result.

Source: https://trino.io/docs/401/sql/select.html#union-intersect-except-clause
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.sql.parsing.nodes import type_mismatch
from localaws.athena.sql.translation.output_columns import OutputColumn, Query
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.typed_sql import TypedSql


def branches(node: exp.Expr) -> list[exp.Expr]:
    """Return the branches of a set operation: all of ``a UNION b UNION c``, parsed as ``(a UNION b) UNION c``."""
    distinct, found = node.args.get("distinct"), [node.expression]
    left = node.this
    while (
        isinstance(node, exp.Union)
        and isinstance(left, exp.Union)
        and left.args.get("distinct") == distinct
        and not any(left.args.get(part) for part in ("order", "limit", "offset", "with_"))
    ):
        found.append(left.expression)
        left = left.this
    return [left, *reversed(found)]


def common_outputs(
    outputs: Sequence[OutputColumn], added: Sequence[OutputColumn], word: str, node: exp.Expr
) -> list[OutputColumn]:
    """Return the columns of a set operation. Their names are those of the first query."""
    if len(outputs) != len(added):
        raise type_mismatch(
            node, f"{word} query has different number of fields: {len(outputs)}, {len(added)}"
        )
    found = []
    for at, (first, second) in enumerate(zip(outputs, added, strict=True)):
        common = dt.common_type(first.type, second.type)
        if common is None:
            shown = f"{dt.trino_name(first.type)}, {dt.trino_name(second.type)}"
            raise type_mismatch(node, f"column {at + 1} in {word} query has incompatible types: {shown}")
        length = max(first.length, second.length) if first.length and second.length else None
        found.append(OutputColumn(first.name, common, length))
    return found


def as_types(query: Query, outputs: Sequence[OutputColumn]) -> str:
    """Return one side of a set operation, cast to the column types of the result."""
    if [output.type for output in query.outputs] == [output.type for output in outputs]:
        return f"(SELECT * FROM ({query.sql}))"
    casts = [
        f"{coerced(TypedSql(f'c{at}', found.type), output.type)} AS c{at}"
        for at, (found, output) in enumerate(zip(query.outputs, outputs, strict=True))
    ]
    return f"(SELECT {', '.join(casts)} FROM ({query.sql}))"
