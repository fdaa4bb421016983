"""Calls of aggregate and window functions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.functions import decimals
from localaws.athena.sql.functions.overloads import Argument, bind, overload
from localaws.athena.sql.functions.supported import AGGREGATES, SCALARS, WINDOW_FUNCTIONS
from localaws.athena.sql.functions.unsupported import UNSUPPORTED
from localaws.athena.sql.parsing.nodes import only, position, type_mismatch, unsupported
from localaws.athena.sql.translation.aggregate_calls import aggregate_call
from localaws.athena.sql.translation.translator import Translator
from localaws.athena.sql.translation.windows import (
    WITH_NULL_TREATMENT,
    WITHOUT_FRAME,
    Window,
    frame_text,
    resolved,
)
from localaws.athena.sql.types.comparisons import check_groups
from localaws.athena.sql.types.typed_sql import TypedSql

_LISTAGG = [overload("varchar, varchar -> varchar", "trino_listagg(string_agg({all}){over})")]


class Aggregations(Translator):
    def _listagg(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "separator", "on_overflow")
        found = self._aggregate(node, "", in_window=False)
        if isinstance(node.args.get("on_overflow"), exp.OverflowTruncateBehavior):
            text = found.sql.replace("trino_listagg(", "trino_listagg_truncated(", 1)
            return TypedSql(text, found.type)
        return found

    def _filter(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expression")
        return self._aggregate(node.this, self._filter_text(node), in_window=False)

    def _filter_text(self, node: exp.Expr) -> str:
        return f" FILTER (WHERE {self.condition(node.expression.this, 'FILTER clause')})"

    def _window(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "partition_by", "order", "spec", "over", "alias")
        filtered, call, ignore_nulls = "", node.this, isinstance(node.this, exp.IgnoreNulls)
        if isinstance(call, exp.IgnoreNulls | exp.RespectNulls):
            call = call.this
            if call.name.lower() not in WITH_NULL_TREATMENT:
                raise unsupported(f"IGNORE NULLS or RESPECT NULLS of {call.name}", node)
        if isinstance(call, exp.Filter):
            filtered, call = self._filter_text(call), call.this
        name = call.name.lower()
        if filtered and name in WINDOW_FUNCTIONS:
            raise QueryFailed(
                f"FUNCTION_NOT_AGGREGATE: {position(node)}Filter is only valid for aggregation functions",
                SYNTAX_ERROR,
            )
        window = resolved(node, self.windows)
        _check_window(name, window, node)
        frame, key = frame_text(window, self.compile)
        parts = []
        if window.partition:
            parts.append("PARTITION BY " + ", ".join(self.compile(term).sql for term in window.partition))
        if window.order:
            parts.append("ORDER BY " + self.order_terms(window.order, (lambda _: key) if key else None))
        if name not in WITHOUT_FRAME:
            parts.append(frame)
        nulls = " IGNORE NULLS" if ignore_nulls else ""
        return self._aggregate(call, f"{filtered} OVER ({' '.join(parts)})", in_window=True, nulls=nulls)

    def _aggregate(self, node: exp.Expr, over: str, in_window: bool, nulls: str = "") -> TypedSql:
        """Translate an aggregate or window function.

        ``over`` is the SQL of its FILTER and OVER, ``nulls`` that of IGNORE NULLS.
        """
        name, arguments, distinct, order = aggregate_call(node)
        if self._depth:
            raise QueryFailed(
                f"EXPRESSION_NOT_SCALAR: {position(node)}Lambda expression cannot contain aggregations, "
                f"window functions or grouping operations: {name}",
                SYNTAX_ERROR,
            )
        table = {**AGGREGATES, **WINDOW_FUNCTIONS} if in_window else AGGREGATES
        if name not in table and name != "listagg":
            raise unsupported(f"{name} as an aggregate", node)
        if distinct and in_window:
            raise not_supported(f"{name}(DISTINCT ...) OVER")
        if len(arguments) == 1 and isinstance(arguments[0], exp.Star):
            if name != "count":
                raise self._wrong_arguments(node, name, [])
            only(arguments[0])
            return TypedSql(f"count(*){over}", dt.BIGINT)
        looked_at = len(self._scope.touched)
        values = [self._argument(argument) for argument in arguments]
        used = self._scope.touched[looked_at:]
        if used and not any(column in self._scope.columns for column in used):
            # DuckDB would aggregate the outer query's rows.
            raise unsupported(f"{name} of only outer query columns", node)
        before = "DISTINCT " if distinct else ""
        if distinct:
            for value in values:
                if isinstance(value, TypedSql):
                    check_groups(value.type)
        after = f" ORDER BY {self.order_terms(order)}" if order else ""
        first = values[0] if values else None
        if name in ("sum", "avg") and isinstance(first, TypedSql) and dt.is_decimal(first.type):
            return decimals.aggregate(name, first, before, over)
        bound = bind(_LISTAGG if name == "listagg" else table[name], values)
        if bound is None:
            raise self._wrong_arguments(node, name, values)
        # An aggregate whose template has only {distinct} does not depend on the order.
        places = ("{all}", "{distinct}") if distinct else ("{all}", "{distinct}", "{order}")
        if (distinct or order) and not any(place in bound.template for place in places):
            raise not_supported(f"{name} with DISTINCT or ORDER BY")
        inside = before + ", ".join(bound.arguments) + after
        template = bound.template.replace("){over}", f"{nulls}){{over}}")
        text = template.format(
            *bound.arguments, all=inside, distinct=before, order=after, over=over, **bound.type_names
        )
        return TypedSql(text, bound.result)

    def _wrong_arguments(self, node: exp.Expr, name: str, values: Sequence[Argument]) -> QueryFailed:
        """Return Trino's error for wrong arguments, or "not supported" if Trino has an overload for them."""
        given = ", ".join(
            dt.trino_name(value.type) if isinstance(value, TypedSql) else "function" for value in values
        )
        has_char = any(isinstance(value, TypedSql) and dt.kind(value.type) == "char" for value in values)
        if has_char or bind(UNSUPPORTED.get(name, []), values) is not None:
            return unsupported(f"{name}({given})", node)
        known = SCALARS.get(name) or AGGREGATES.get(name) or WINDOW_FUNCTIONS.get(name) or []
        expected = ", ".join(f"{name}({', '.join(candidate.parameters)})" for candidate in known)
        hint = f" Expected: {expected}" if expected else ""
        return type_mismatch(node, f"Unexpected parameters ({given}) for function {name}.{hint}")


def _check_window(name: str, window: Window, node: exp.Expr) -> None:
    """Raise QueryFailed if ``lag`` or ``lead`` have no order or have a frame."""
    if name in ("lag", "lead") and not window.order:
        raise QueryFailed(
            f"MISSING_ORDER_BY: {position(node)}{name} function requires an ORDER BY window clause",
            SYNTAX_ERROR,
        )
    if name in ("lag", "lead") and window.frame is not None:
        raise QueryFailed(
            f"INVALID_WINDOW_FRAME: {position(node)}Cannot specify window frame for {name} function",
            SYNTAX_ERROR,
        )
