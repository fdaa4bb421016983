"""Predicates: comparisons, BETWEEN, IN, EXISTS, LIKE, IS NULL, AND, OR and NOT."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.sql.functions.nested_rules import common_of
from localaws.athena.sql.parsing.nodes import only, type_mismatch, unsupported
from localaws.athena.sql.translation.translator import Translator, chain
from localaws.athena.sql.types import moments
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.comparisons import compared, has_order, instant
from localaws.athena.sql.types.typed_sql import TypedSql, once, shown_type

COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}


class Predicates(Translator):
    def _not(self, node: exp.Expr) -> TypedSql:
        return TypedSql(f"(NOT {self.condition(node.this, 'Value of logical NOT expression')})", dt.BOOLEAN)

    def _logical(self, node: exp.Expr) -> TypedSql:
        word = "AND" if isinstance(node, exp.And) else "OR"
        # The whole chain is one balanced expression, because deep expressions are slow in DuckDB.
        sides = [self.condition(side, "Logical expression term") for side in chain(node)]
        return TypedSql(f"({f' {word} '.join(sides)})", dt.BOOLEAN)

    def _comparison(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expression")
        if (quantifier := _quantifier(node.expression)) is not None:
            return self._quantified(node, *quantifier)
        left, right = self.compile(node.this), self.compile(node.expression)
        return self._compared(node, COMPARISONS[type(node)], left, right)

    def _quantified(self, node: exp.Expr, quantifier: str, query: exp.Expr) -> TypedSql:
        """Translate a comparison with ALL, ANY or SOME."""
        operator = COMPARISONS[type(node)]
        value = self.compile(node.this)
        text, found = self._single_column(query)
        if pa.types.is_nested(value.type) or pa.types.is_nested(found) or dt.has_picoseconds(value.type):
            raise unsupported(f"{operator} {quantifier} of {dt.trino_name(found)}", node)
        common = dt.common_type(value.type, found)
        if common is None:
            shown = f"{shown_type(value, node.this)} {operator} {dt.trino_name(found)}"
            raise type_mismatch(node, f"Cannot apply operator: {shown}")
        compared = f"SELECT {coerced(TypedSql('c0', found), common)} FROM ({text})"
        if common in (dt.DOUBLE, dt.REAL):
            # DuckDB's comparisons would treat NaN as a number.
            compared = f"SELECT trino_refuse_nan(c) FROM ({compared}) t(c)"
        return TypedSql(f"({coerced(value, common)} {operator} {quantifier} ({compared}))", dt.BOOLEAN)

    def _compared(self, node: exp.Expr, operator: str, left: TypedSql, right: TypedSql) -> TypedSql:
        common = dt.common_type(left.type, right.type)
        if common is None:
            shown = f"{shown_type(left, node.this)} {operator} {shown_type(right, node.expression)}"
            raise type_mismatch(node, f"Cannot apply operator: {shown}")
        if operator[0] in "<>" and operator != "<>" and not has_order(common):
            raise type_mismatch(
                node,
                f"Cannot apply operator: {dt.trino_name(left.type)} {operator} {dt.trino_name(right.type)}",
            )
        text = compared(operator, coerced(left, common), coerced(right, common), common)
        return TypedSql(text, dt.BOOLEAN)

    def _between(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "low", "high")
        value, low, high = (self.compile(node.args[part]) for part in ("this", "low", "high"))
        common = common_of([value, low, high])
        if common is None or not has_order(common):
            shown = ", ".join(dt.trino_name(part.type) for part in (value, low, high))
            raise type_mismatch(node, f"Cannot check if {shown} is BETWEEN: the types differ")

        def write(value_text: str, low_text: str, high_text: str) -> str:
            tested = TypedSql(value_text, value.type)
            above = self._compared(node, ">=", tested, TypedSql(low_text, low.type))
            below = self._compared(node, "<=", tested, TypedSql(high_text, high.type))
            return f"({above.sql} AND {below.sql})"

        return TypedSql(once([value.sql, low.sql, high.sql], write), dt.BOOLEAN)

    def _in(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expressions", "query")
        value = self.compile(node.this)
        query = node.args.get("query")
        if query is None and len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Values):
            query = node.expressions[0]
        if query is not None:
            text, found = self._single_column(query, as_row=dt.is_row(value.type))
            items: list[TypedSql] = []
            common = dt.common_type(value.type, found)
            if common is None:
                raise type_mismatch(
                    node,
                    "Value expression and result of subquery must be of the same type: "
                    f"{dt.trino_name(value.type)} vs {dt.trino_name(found)}",
                )
            if common != found:
                text = f"SELECT {coerced(TypedSql('c0', found), common)} AS c0 FROM ({text})"
        else:
            items = [self.compile(item) for item in node.expressions]
            common, text = common_of([value, *items]), ""
        if common is None:
            raise type_mismatch(
                node, f"IN value and list items must be the same type: {dt.trino_name(value.type)}"
            )
        if pa.types.is_nested(common):
            return _in_rows(value, text, common) if text else _in_nested(value, items, common)
        tested, *texts = (instant(coerced(item, common), common) for item in (value, *items))
        if text and instant("c0", common) != "c0":
            text = f"SELECT {instant('c0', common)} AS c0 FROM ({text})"
        found = f"({tested} IN ({text or ', '.join(texts)}))"
        constants = [
            text for item, text in zip(node.expressions, texts, strict=False) if isinstance(item, exp.Literal)
        ]
        if 0 < len(constants) < len(texts):
            # If a constant is equal, the other items are not evaluated, because they might fail.
            found = f"(CASE WHEN {tested} IN ({', '.join(constants)}) THEN true ELSE {found} END)"
        if common in (dt.DOUBLE, dt.REAL) and texts:
            nulls = " OR ".join(f"{item} IS NULL" for item in texts)
            found = (
                f"(CASE WHEN isnan({tested}) "
                f"THEN CASE WHEN {nulls} THEN NULL ELSE false END ELSE {found} END)"
            )
        return TypedSql(found, dt.BOOLEAN)

    def _exists(self, node: exp.Expr) -> TypedSql:
        only(node, "this")
        return self._exists_in(node.this)

    def _exists_in(self, query: exp.Expr) -> TypedSql:
        return TypedSql(f"EXISTS ({self._subquery(_without_star(query), self._scope).sql})", dt.BOOLEAN)

    def _like(self, node: exp.Expr) -> TypedSql:
        return self._like_escaped(node, None)

    def _escape(self, node: exp.Expr) -> TypedSql:
        if not isinstance(node.this, exp.Like):
            raise not_supported(f"ESCAPE after {node.this.sql(dialect='trino')}")
        return self._like_escaped(node.this, self._text(node.expression).sql)

    def _like_escaped(self, node: exp.Expr, escape: str | None) -> TypedSql:
        only(node, "this", "expression", "negate")
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"
        left, right = self._text(node.this), self._text(node.expression)
        if escape is None:
            return TypedSql(f"({left.sql} {word} {right.sql})", dt.BOOLEAN)
        pattern = f"trino_like_pattern({right.sql}, {escape})"
        return TypedSql(f"({left.sql} {word} {pattern} ESCAPE {escape})", dt.BOOLEAN)

    def _text(self, node: exp.Expr) -> TypedSql:
        value = self.compile(node)
        if value.type == dt.NULL:
            return TypedSql(coerced(value, dt.VARCHAR), dt.VARCHAR)
        if dt.kind(value.type) == "char":
            return TypedSql(moments.padded(value.sql, value.type), dt.VARCHAR)
        if value.type != dt.VARCHAR:
            raise type_mismatch(
                node, f"Expression must evaluate to a varchar (actual: {dt.trino_name(value.type)})"
            )
        return value

    def _is(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expression")
        if not isinstance(node.expression, exp.Null):
            raise not_supported(f"IS {node.expression.sql(dialect='trino')}")
        return TypedSql(f"({self.compile(node.this).sql} IS NULL)", dt.BOOLEAN)


def _in_nested(value: TypedSql, items: Sequence[TypedSql], common: pa.DataType) -> TypedSql:
    texts = [coerced(item, common) for item in (value, *items)]

    def write(tested: str, *others: str) -> str:
        return f"({' OR '.join(compared('=', tested, other, common) for other in others)})"

    return TypedSql(once(texts, write), dt.BOOLEAN)


def _in_rows(value: TypedSql, query: str, common: pa.DataType) -> TypedSql:
    """Return IN with a subquery of arrays or rows, in which a NULL can make the comparison unknown."""
    equal = f"SELECT {compared('=', coerced(value, common), 'c0', common)} AS equal FROM ({query})"
    found = "CASE WHEN bool_or(equal) THEN true WHEN bool_or(equal IS NULL) THEN NULL ELSE false END"
    return TypedSql(f"(SELECT {found} FROM ({equal}))", dt.BOOLEAN)


def _quantifier(node: exp.Expr) -> tuple[str, exp.Expr] | None:
    """Return ALL or ANY and the subquery after it."""
    if isinstance(node, exp.All | exp.Any):
        return type(node).__name__.upper(), node.this
    if (
        isinstance(node, exp.Anonymous)
        and len(node.expressions) == 1
        and isinstance(node.expressions[0], exp.Values)
    ):
        quantifier = {"ALL": "ALL", "ANY": "ANY", "SOME": "ANY"}.get(node.name.upper())
        return (quantifier, node.expressions[0]) if quantifier else None
    return None


def _without_star(query: exp.Expr) -> exp.Expr:
    """Return the query of EXISTS without the columns of ``SELECT *``, so that no table reads them."""
    if not isinstance(query, exp.Select) or any(
        query.args.get(name) for name in ("group", "having", "distinct")
    ):
        return query
    if not query.args.get("from_") or not all(isinstance(item, exp.Star) for item in query.expressions):
        return query
    query = query.copy()
    query.set("expressions", [exp.Literal.number(1)])
    return query
