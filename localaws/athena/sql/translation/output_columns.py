"""The output columns of a query, and references to them by name or ordinal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from sqlglot import exp

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.sql.parsing.nodes import position


@dataclass(frozen=True)
class OutputColumn:
    """An output column of a query; ``name`` is None if the query does not name it."""

    name: str | None
    type: pa.DataType
    length: int | None = None  # as in TypedSql


@dataclass(frozen=True)
class Query:
    sql: str
    outputs: tuple[OutputColumn, ...]


@dataclass(frozen=True)
class Cte:
    name: str
    outputs: tuple[OutputColumn, ...]


Ctes = Mapping[str, Cte]


def renamed(
    outputs: tuple[OutputColumn, ...], alias: exp.Expr | None, partial: bool = False
) -> tuple[OutputColumn, ...]:
    """Rename columns by ``alias(a, b)``. With ``partial`` the last column keeps its name if there is no new one."""
    names = list(alias.args.get("columns") or []) if alias is not None else []
    if not names:
        return outputs
    if not (partial and len(names) == len(outputs) - 1):
        check_alias_count(alias, len(outputs))
    renamed = tuple(replace(output, name=name.name) for name, output in zip(names, outputs, strict=False))
    return renamed + outputs[len(names) :]


def check_alias_count(alias: exp.Expr | None, columns: int) -> None:
    """Raise QueryFailed unless ``alias(a, b)`` has as many names as there are columns."""
    names = alias.args.get("columns") or [] if alias is not None else []
    if len(names) != columns:
        raise QueryFailed(
            f"MISMATCHED_COLUMN_ALIASES: Column alias list has {len(names)} entries but "
            f"'{alias.name if alias else ''}' has {columns} columns available",
            SYNTAX_ERROR,
        )


def ordinal(node: exp.Expr, columns: int) -> int | None:
    """Return the index of the ordinal in ``GROUP BY 2``; None if the node is not an ordinal."""
    node = node.unnest()
    if not isinstance(node, exp.Literal) or node.is_string or not str(node.this).isdigit():
        return None
    at = int(node.this)
    if not 1 <= at <= columns:
        raise QueryFailed(
            f"INVALID_COLUMN_REFERENCE: {position(node)}position {at} is not in select list", SYNTAX_ERROR
        )
    return at - 1


def named_output(node: exp.Expr, outputs: Sequence[OutputColumn]) -> int | None:
    node = node.unnest()
    if not isinstance(node, exp.Column) or node.table:
        return None
    found = [
        at for at, output in enumerate(outputs) if output.name and output.name.lower() == node.name.lower()
    ]
    if len(found) > 1:
        raise QueryFailed(f"AMBIGUOUS_NAME: {position(node)}Column '{node.name}' is ambiguous", SYNTAX_ERROR)
    return found[0] if found else None
