"""The base of the translator of expressions: what its parts, one for each kind of expression, have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.sql.functions.overloads import Argument
from localaws.athena.sql.parsing.nodes import only, type_mismatch, unsupported
from localaws.athena.sql.translation.output_columns import Query
from localaws.athena.sql.translation.scope import Scope
from localaws.athena.sql.translation.windows import Window
from localaws.athena.sql.types import nested
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.comparisons import sort_key
from localaws.athena.sql.types.typed_sql import TypedSql

# Compiles a subquery within a scope.
Subquery = Callable[[exp.Expr, Scope], Query]


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

        Several columns become a row with their names. With ``as_row``, one column does, too, and no field has a name.
        """
        found = self._subquery(query, self._scope)
        if len(found.outputs) == 1 and not as_row:
            return found.sql, found.outputs[0].type
        names = ["" if as_row else output.name or "" for output in found.outputs]
        try:
            datatype = dt.row(
                [pa.field(name, output.type) for name, output in zip(names, found.outputs, strict=True)]
            )
        except ValueError as error:
            raise unsupported(f"a subquery as {error}", query) from None
        packed = nested.packed(datatype, [f"c{at}" for at in range(len(names))])
        return f"SELECT {packed} AS c0 FROM ({found.sql})", datatype


def chain(node: exp.Expr) -> list[exp.Expr]:
    """Return the operands of ``a OR b OR c``, which is parsed as ``(a OR b) OR c``."""
    operands, kind = [], type(node)
    while type(node) is kind:
        operands.append(node.expression)
        node = node.this
    return [node, *reversed(operands)]
