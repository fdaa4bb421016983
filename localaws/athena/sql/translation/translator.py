"""The base of the translator of expressions: what its parts, one for each kind of expression, have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.sql.functions.nested_rules import row
from localaws.athena.sql.functions.overloads import Argument
from localaws.athena.sql.parsing.nodes import only, type_mismatch
from localaws.athena.sql.translation.scope import Scope
from localaws.athena.sql.translation.windows import Window
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.comparisons import sort_key
from localaws.athena.sql.types.typed_sql import TypedSql

# Compiles a subquery within a scope; returns its columns and SQL.
Subquery = Callable[[exp.Expr, Scope], tuple[str, Sequence[pa.DataType]]]


class Translator:
    """Translates the expressions of one SELECT. ``now`` is the start time of the query."""

    def __init__(self, scope: Scope, subquery: Subquery, now: datetime, depth: int = 0) -> None:
        """``depth`` is the number of lambdas around the expressions."""
        self._scope, self._subquery, self._now, self._depth = scope, subquery, now, depth
        self.windows: dict[str, Window] = {}  # of the WINDOW clause
        self.grouped: set[str] | None = None  # SQL of the expressions in GROUP BY

    def compile(self, node: exp.Expr) -> TypedSql:
        """Translate one node. Raises QueryFailed for invalid and for unsupported expressions."""
        raise NotImplementedError

    def _argument(self, node: exp.Expr) -> Argument:
        """Translate an argument of a function, which can be a lambda."""
        raise NotImplementedError

    def condition(self, node: exp.Expr, clause: str) -> str:
        value = self.compile(node)
        if value.type not in (dt.BOOLEAN, dt.NULL):
            raise type_mismatch(
                node, f"{clause} must evaluate to a boolean: actual type {dt.trino_name(value.type)}"
            )
        return coerced(value, dt.BOOLEAN)

    def order_terms(
        self, terms: Sequence[exp.Expr], compile_term: Callable[[exp.Expr], str] | None = None
    ) -> str:
        """Return the SQL after ORDER BY."""
        return ", ".join(f"{key} {direction}" for key, direction in self.ordered(terms, compile_term))

    def ordered(
        self, terms: Sequence[exp.Expr], compile_term: Callable[[exp.Expr], str] | None = None
    ) -> list[tuple[str, str]]:
        """Return the sort keys and directions of ORDER BY. As in Trino, NULLS LAST is the default."""
        written = []
        for term in terms:
            only(term, "this", "desc", "nulls_first")
            text = compile_term(term.this) if compile_term else sort_key(self.compile(term.this), term)
            direction = "DESC" if term.args.get("desc") else "ASC"
            nulls = "FIRST" if term.args.get("nulls_first") else "LAST"
            written.append((text, f"{direction} NULLS {nulls}"))
        return written

    def _single_column(self, query: exp.Expr, as_row: bool = False) -> tuple[str, pa.DataType]:
        """Translate a subquery to one column ``c0``, and return its SQL and type.

        Several columns become a row; with ``as_row`` also one column.
        """
        text, types = self._subquery(query, self._scope)
        if len(types) == 1 and not as_row:
            return text, types[0]
        packed = row([TypedSql(f"c{at}", datatype) for at, datatype in enumerate(types)])
        return f"SELECT {packed.sql} AS c0 FROM ({text})", packed.type


def chain(node: exp.Expr) -> list[exp.Expr]:
    """Return the operands of ``a OR b OR c``, which is parsed as ``(a OR b) OR c``."""
    operands, kind = [], type(node)
    while type(node) is kind:
        operands.append(node.expression)
        node = node.this
    return [node, *reversed(operands)]
