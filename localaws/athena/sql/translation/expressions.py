"""Translates Trino expressions into DuckDB SQL, bottom up, with their Trino types.

Each kind of node has one method. Nodes, node arguments and functions without a translation are rejected, so that
DuckDB only executes SQL that is written here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar, NoReturn

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, MalformedQuery, QueryFailed, not_supported
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.functions import decimals, moment_functions
from localaws.athena.sql.functions.nested_rules import common_of, row, subscript
from localaws.athena.sql.functions.overloads import Argument, Lambda, LambdaSql, bind, overload
from localaws.athena.sql.functions.rules import RULES
from localaws.athena.sql.functions.supported import AGGREGATES, SCALARS, WINDOW_FUNCTIONS
from localaws.athena.sql.functions.time_zones import UTC, zone_number
from localaws.athena.sql.functions.unsupported import UNSUPPORTED
from localaws.athena.sql.parsing.nodes import only, position, type_mismatch, unsupported
from localaws.athena.sql.parsing.parser import TimestampLiteral, UnaryPlus
from localaws.athena.sql.translation.aggregate_calls import aggregate_call
from localaws.athena.sql.translation.scope import Scope, ScopeColumn, dereferenced
from localaws.athena.sql.translation.windows import (
    WITH_NULL_TREATMENT,
    WITHOUT_FRAME,
    Window,
    frame_text,
    resolved,
)
from localaws.athena.sql.types import moments
from localaws.athena.sql.types.casts import cast, cast_to_varchar, coerced
from localaws.athena.sql.types.comparisons import check_groups, compared, has_order, sort_key
from localaws.athena.sql.types.typed_sql import TypedSql, once, shown_type

# Compiles a subquery within a scope; returns its columns and SQL.
Subquery = Callable[[exp.Expr, Scope], tuple[str, Sequence[pa.DataType]]]

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
_ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_LISTAGG = [overload("varchar, varchar -> varchar", "trino_listagg(string_agg({all}){over})")]
_ARRAY_ITEMS, _ARGUMENTS = 254, 127  # Trino's maximum in ARRAY[...] and in a call
# Source: Trino's DateTimes.DATETIME_PATTERN
_TIMESTAMP = re.compile(
    r"(?P<year>[-+]?[0-9]{4,})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"( ((?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2})(:(?P<second>[0-9]{1,2})(\.(?P<fraction>[0-9]+))?)?)?"
    r"\s*(?P<zone>.+)?)?"
)
# Inside an array, a row or a map, the length of a varchar is unknown.
_LENGTHS = re.compile(r"varchar\(", re.IGNORECASE)
_CLOCKS: dict[type[exp.Expr], str] = {
    exp.CurrentTimestamp: "current_timestamp",
    exp.CurrentTime: "current_time",
    exp.Localtime: "localtime",
    exp.Localtimestamp: "localtimestamp",
}
_CLOCK_CALLS = ("now", *_CLOCKS.values())


class Expressions:
    """Translates the expressions of one SELECT. ``now`` is the start time of the query."""

    def __init__(self, scope: Scope, subquery: Subquery, now: datetime, depth: int = 0) -> None:
        """``depth`` is the number of lambdas around the expressions."""
        self._scope, self._subquery, self._now, self._depth = scope, subquery, now, depth
        self.windows: dict[str, Window] = {}  # of the WINDOW clause
        self.grouped: set[str] | None = None  # SQL of the expressions in GROUP BY

    def compile(self, node: exp.Expr) -> TypedSql:
        """Translate one node. Raises QueryFailed for invalid and for unsupported expressions."""
        method = self._METHODS.get(type(node))
        if method is None:
            raise unsupported(f"{type(node).__name__.upper()} in {node.sql(dialect='trino')}", node)
        return method(self, node)

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

    # ---------------------------------------------------------------- names and constants
    def _column(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "table", "db", "catalog")
        if not isinstance(node.this, exp.Identifier):
            raise unsupported(f"{node.sql(dialect='trino')} in an expression", node)
        names = [node.args.get(part) for part in ("catalog", "db", "table", "this")]
        return self._scope.resolve(node, tuple(name.name.lower() for name in names if name is not None))

    def _identifier(self, node: exp.Expr) -> TypedSql:
        return self._scope.resolve(node, (node.name.lower(),))

    def _dot(self, node: exp.Expr) -> TypedSql:
        if not isinstance(node.expression, exp.Identifier):
            raise unsupported(f"{node.sql(dialect='trino')} in an expression", node)
        return dereferenced(self.compile(node.this), (node.expression.name,), node)

    def _literal(self, node: exp.Expr) -> TypedSql:
        text = str(node.this)
        if node.is_string:
            return TypedSql(duckdb_string(text), dt.VARCHAR)
        if "e" in text.lower() or "." in text:
            # Unlike Trino's default: docs/adr/0009-athena-decimal-literals.md
            return TypedSql(f"CAST({duckdb_string(text)} AS DOUBLE)", dt.DOUBLE)
        return self._whole(node, int(text))

    def _whole(self, node: exp.Expr, value: int) -> TypedSql:
        text = str(value)
        if not -(2**63) <= value < 2**63:
            raise type_mismatch(node, f"Invalid numeric literal: {text}")
        if -(2**31) <= value < 2**31:
            return TypedSql(f"CAST({text} AS INTEGER)" if value < 0 else text, dt.INTEGER)
        return TypedSql(f"CAST({text} AS BIGINT)", dt.BIGINT)

    def _timestamp(self, node: exp.Expr) -> TypedSql:
        text = str(node.this.this)
        invalid = QueryFailed(
            f"INVALID_LITERAL: {position(node)}'{text}' is not a valid TIMESTAMP literal", SYNTAX_ERROR
        )
        found = _TIMESTAMP.fullmatch(text.strip())
        if found is None:
            raise invalid
        zone, digits = found["zone"], len(found["fraction"] or "")
        if digits > dt.MOST_DIGITS:
            kind = dt.ZONED if zone else "timestamp"
            raise unsupported(f"{kind} of {digits} digits, at most {dt.MOST_DIGITS}: {text}", node)
        number = zone_number(zone) if zone else UTC
        hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
        if number is None or hour > 23 or minute > 59 or second > 59:
            raise invalid
        rest = ((hour * 60 + minute) * 60 + second) * 1_000_000 + int(
            (found["fraction"] or "0").ljust(6, "0")
        )
        try:
            wall = rest + moments.local_microseconds(
                int(found["year"]), int(found["month"]), int(found["day"])
            )
        except ValueError:
            raise invalid from None
        if zone:
            return TypedSql(f"trino_at_local({wall}, {number})", dt.zoned(digits))
        return TypedSql(f"make_timestamp({wall})", dt.timestamp(digits))

    def _boolean(self, node: exp.Expr) -> TypedSql:
        return TypedSql("true" if node.this else "false", dt.BOOLEAN)

    def _null(self, node: exp.Expr) -> TypedSql:
        return TypedSql("NULL", dt.NULL)

    def _current_date(self, node: exp.Expr) -> TypedSql:
        only(node)
        return TypedSql(f"DATE '{self._now:%Y-%m-%d}'", dt.DATE)

    def _clock(self, node: exp.Expr) -> TypedSql:
        """Translate current_timestamp and the like; ``current_timestamp(6)`` has another precision than 3."""
        name, digits = _CLOCKS.get(type(node)) or str(node.this).lower(), 3
        if node.expressions:
            digits = int(node.expressions[0].name)
        if digits > dt.MOST_DIGITS:
            raise unsupported(f"{name}({digits}), at most {dt.MOST_DIGITS} digits", node)
        return moment_functions.clock(
            name, digits, int(self._now.timestamp()) * 1_000_000 + self._now.microsecond
        )

    def _interval(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "unit")
        literal, unit = node.this, node.args["unit"]
        negative = isinstance(literal, exp.Neg)
        text = str(literal.this.this if negative else literal.this)
        span = (unit.this, unit.expression) if isinstance(unit, exp.IntervalSpan) else (unit, None)
        first, last = (part.name.lower() if part is not None else "" for part in span)
        try:
            count, datatype = moments.interval(text, first, last if last != first else "")
        except (ValueError, KeyError):
            raise QueryFailed(
                f"INVALID_LITERAL: {position(node)}'{text}' is not a valid interval literal", SYNTAX_ERROR
            ) from None
        return TypedSql(f"CAST({-count if negative else count} AS {dt.duckdb_name(datatype)})", datatype)

    def _at_time_zone(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "zone")
        value, zone = self.compile(node.this), self.compile(node.args["zone"])
        found = moment_functions.at_time_zone(value, zone, node.args["zone"])
        if found is None:
            expected = "a time or timestamp with or without time zone"
            raise type_mismatch(
                node, f"Type of value must be {expected} (actual {dt.trino_name(value.type)})"
            )
        return found

    def _bytes(self, node: exp.Expr) -> TypedSql:
        digits = re.sub(r"\s", "", str(node.this))
        if len(digits) % 2 or re.search("[^0-9A-Fa-f]", digits):
            raise MalformedQuery(
                f"{position(node)}Binary literal must contain an even number of hexadecimal digits"
            )
        return TypedSql(f"unhex('{digits}')", dt.VARBINARY)

    # ---------------------------------------------------------------- operators
    def _paren(self, node: exp.Expr) -> TypedSql:
        inner = self.compile(node.this)
        return TypedSql(f"({inner.sql})", inner.type)

    def _not(self, node: exp.Expr) -> TypedSql:
        return TypedSql(f"(NOT {self.condition(node.this, 'Value of logical NOT expression')})", dt.BOOLEAN)

    def _logical(self, node: exp.Expr) -> TypedSql:
        word = "AND" if isinstance(node, exp.And) else "OR"
        # The whole chain is one balanced expression, because deep expressions are slow in DuckDB.
        sides = [self.condition(side, "Logical expression term") for side in _chain(node)]
        return TypedSql(f"({f' {word} '.join(sides)})", dt.BOOLEAN)

    def _comparison(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expression")
        if (quantifier := _quantifier(node.expression)) is not None:
            return self._quantified(node, *quantifier)
        left, right = self.compile(node.this), self.compile(node.expression)
        return self._compared(node, _COMPARISONS[type(node)], left, right)

    def _quantified(self, node: exp.Expr, quantifier: str, query: exp.Expr) -> TypedSql:
        """Translate a comparison with ALL, ANY or SOME."""
        operator = _COMPARISONS[type(node)]
        value = self.compile(node.this)
        text, found = self._single_column(query)
        if pa.types.is_nested(value.type) or pa.types.is_nested(found):
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

    def _single_column(self, query: exp.Expr, as_row: bool = False) -> tuple[str, pa.DataType]:
        """Translate a subquery to one column ``c0``, and return its SQL and type.

        Several columns become a row; with ``as_row`` also one column.
        """
        text, types = self._subquery(query, self._scope)
        if len(types) == 1 and not as_row:
            return text, types[0]
        packed = row([TypedSql(f"c{at}", datatype) for at, datatype in enumerate(types)])
        return f"SELECT {packed.sql} AS c0 FROM ({text})", packed.type

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
        tested, texts = coerced(value, common), [coerced(item, common) for item in items]
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
        return TypedSql(f"EXISTS ({self._subquery(_without_star(query), self._scope)[0]})", dt.BOOLEAN)

    def _scalar_subquery(self, node: exp.Expr) -> TypedSql:
        text, found = self._single_column(node)
        return TypedSql(f"({text})", found)

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

    def _neg(self, node: exp.Expr) -> TypedSql:
        number = node.this
        if isinstance(number, exp.Literal) and not number.is_string and str(number.this).isdigit():
            return self._whole(number, -int(number.this))
        value = self.compile(node.this)
        if not dt.is_numeric(value.type) and value.type not in (dt.DAY_TO_SECOND, dt.YEAR_TO_MONTH):
            raise type_mismatch(node, f"Cannot negate {dt.trino_name(value.type)}")
        return TypedSql(f"(-{value.sql})", value.type)

    def _plus(self, node: exp.Expr) -> TypedSql:
        value = self.compile(node.this)
        if not dt.is_numeric(value.type):
            raise type_mismatch(
                node, f"Unary '+' operator cannot by applied to {dt.trino_name(value.type)} type"
            )
        return value

    def _arithmetic(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expression", "typed", "safe")
        operator = _ARITHMETIC[type(node)]
        left, right = self.compile(node.this), self.compile(node.expression)
        if (moved := moment_functions.arithmetic(operator, left, right, node)) is not None:
            return moved
        common = dt.common_type(left.type, right.type)
        if common is None or not dt.is_numeric(common):
            shown = f"{shown_type(left, node.this)} {operator} {shown_type(right, node.expression)}"
            raise type_mismatch(node, f"Cannot apply operator: {shown}")
        if dt.is_decimal(common):
            return decimals.arithmetic(operator, left, right)
        first, second = coerced(left, common), coerced(right, common)
        if operator in "/%" and common in dt.INTEGERS:
            macro = "trino_divide" if operator == "/" else "trino_mod"
            return TypedSql(once([first, second], lambda a, b: f"{macro}({a}, {b})"), common)
        return TypedSql(f"({first} {operator} {second})", common)

    def _concatenation(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expression", "safe")
        values = [self.compile(operand) for operand in _chain(node)]
        if all(value.type == dt.VARCHAR for value in values):
            return TypedSql(_balanced(" || ", [value.sql for value in values]), dt.VARCHAR)
        joined = values[0]
        for value in values[1:]:
            sides = [joined, value]
            found = RULES["concat"]("||", sides, [node.this, node.expression])
            if found is None:
                shown = " || ".join(dt.trino_name(side.type) for side in sides)
                if bind(UNSUPPORTED["concat"], sides) is not None:
                    raise unsupported(shown, node)
                raise type_mismatch(node, f"Cannot apply operator: {shown}")
            joined = found
        return joined

    def _bracket(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expressions")
        index = node.expressions[0]
        if isinstance(index, exp.Slice):
            raise unsupported("[] with a slice", node)
        return subscript(self.compile(node.this), self.compile(index), node)

    def _tuple(self, node: exp.Expr) -> TypedSql:
        only(node, "expressions")
        return row([self.compile(item) for item in node.expressions])

    def _json(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "is_literal")
        return self._scalar(node, "json_parse", [node.this])

    def _array(self, node: exp.Expr) -> TypedSql:
        only(node, "expressions", "bracket_notation")
        if len(node.expressions) > _ARRAY_ITEMS:
            raise QueryFailed(
                f"TOO_MANY_ARGUMENTS: {position(node)}Too many arguments for array constructor", SYNTAX_ERROR
            )
        items = [self.compile(item) for item in node.expressions]
        common = common_of(items) if items else dt.NULL
        if common is None:
            raise type_mismatch(
                node, "All ARRAY elements must be the same type or coercible to a common type"
            )
        return TypedSql(f"[{', '.join(coerced(item, common) for item in items)}]", pa.list_(common))

    # ---------------------------------------------------------------- conditional
    def _if(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "true", "false")
        branches = [(self.condition(node.this, "IF condition"), self.compile(node.args["true"]))]
        default = self.compile(node.args["false"]) if node.args.get("false") else None
        return self._cases(node, branches, default)

    def _case(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "ifs", "default")
        branches = []
        operand = self.compile(node.this) if node.this is not None else None
        for branch in node.args["ifs"]:
            if operand is None:
                test = self.condition(branch.this, "CASE WHEN clause")
            else:
                comparison = exp.EQ(this=node.this.copy(), expression=branch.this.copy())
                test = self._compared(comparison, "=", operand, self.compile(branch.this)).sql
            branches.append((test, self.compile(branch.args["true"])))
        default = self.compile(node.args["default"]) if node.args.get("default") else None
        return self._cases(node, branches, default)

    def _cases(
        self, node: exp.Expr, branches: list[tuple[str, TypedSql]], default: TypedSql | None
    ) -> TypedSql:
        results = [result for _, result in branches] + ([default] if default else [])
        common = common_of(results)
        if common is None:
            shown = ", ".join(sorted({dt.trino_name(result.type) for result in results}))
            raise type_mismatch(
                node, f"All CASE results must be the same type or coercible to a common type: {shown}"
            )
        whens = "".join(f" WHEN {test} THEN {coerced(result, common)}" for test, result in branches)
        otherwise = f" ELSE {coerced(default, common)}" if default else ""
        return TypedSql(f"(CASE{whens}{otherwise} END)", common)

    def _cast(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "to", "safe")
        target_node, safe = node.args["to"], isinstance(node, exp.TryCast)
        name = target_node.sql(dialect="trino")
        if name == "CHAR" and isinstance(node.this, exp.Literal):
            raise not_supported("CHAR '...' and a cast of a constant to char without a length")
        try:
            target = dt.trino_type(name)
        except ValueError as error:
            reason = str(error) if str(error).startswith("more than") else ""
            raise not_supported(f"CAST to {name}{reason and ': ' + reason}") from None
        if pa.types.is_nested(target) and _LENGTHS.search(name):
            raise not_supported(f"CAST to {name}")
        value = self.compile(node.this)
        if target == dt.VARCHAR and target_node.expressions:
            return cast_to_varchar(value, int(target_node.expressions[0].name), node, safe)
        return cast(value, target, node, safe)

    # ---------------------------------------------------------------- functions
    def _extract(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expression")
        field, value = node.this.name.lower(), self.compile(node.expression)
        if field in ("hour", "minute", "second") and value.type == dt.DATE:
            raise type_mismatch(node.expression, f"Cannot extract {field.upper()} from date")
        return self._scalar(node, field, [node.expression])

    def _trim(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "expression", "position")
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or ""), "trim")
        return self._scalar(node, name, [part for part in (node.this, node.args.get("expression")) if part])

    def _position(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "substr")
        return self._scalar(node, "strpos", [node.this, node.args["substr"]])

    def _substring(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "start", "length")
        parts = (node.this, node.args.get("start"), node.args.get("length"))
        return self._scalar(node, "substr", [part for part in parts if part is not None])

    def _function(self, node: exp.Expr) -> TypedSql:
        name = node.name.lower()  # in quotes or not
        if name == "exists" and len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Values):
            return self._exists_in(node.expressions[0])
        if name == "if" and len(node.expressions) in (2, 3):  # "if"(...), in quotes
            return self._if(exp.If(**dict(zip(("this", "true", "false"), node.expressions, strict=False))))
        if len(node.expressions) > _ARGUMENTS:
            raise QueryFailed(
                f"TOO_MANY_ARGUMENTS: {position(node)}Too many arguments for function call {name}()",
                SYNTAX_ERROR,
            )
        if name == "grouping":
            return self._grouping(node)
        if name in _CLOCK_CALLS:
            return self._clock(node)
        if name in AGGREGATES:
            return self._aggregate(node, "", in_window=False)
        if name in WINDOW_FUNCTIONS:
            raise QueryFailed(
                f"MISSING_OVER: {position(node)}Window function {name} requires OVER", SYNTAX_ERROR
            )
        return self._scalar(node, name, node.expressions)

    def _grouping(self, node: exp.Expr) -> TypedSql:
        columns = [self.compile(column).sql for column in node.expressions]
        if self.grouped is None:
            raise QueryFailed(
                f"MISSING_GROUP_BY: {position(node)}A GROUPING() operation can only be used with a corresponding "
                "GROUPING SET/CUBE/ROLLUP/GROUP BY clause",
                SYNTAX_ERROR,
            )
        if not self.grouped.issuperset(columns):
            raise QueryFailed(
                f"INVALID_ARGUMENTS: {position(node)}The arguments to GROUPING() must be expressions referenced by "
                "the GROUP BY at the associated query level",
                SYNTAX_ERROR,
            )
        result = dt.INTEGER if len(columns) < 32 else dt.BIGINT
        return TypedSql(f"CAST(grouping({', '.join(columns)}) AS {dt.duckdb_name(result)})", result)

    def _scalar(self, node: exp.Expr, name: str, arguments: Sequence[exp.Expr]) -> TypedSql:
        if name not in RULES and name not in SCALARS:
            raise unsupported(name, node)
        values = [self._argument(argument) for argument in arguments]
        rule, plain = RULES.get(name), [value for value in values if isinstance(value, TypedSql)]
        if rule is not None and plain == values and (found := rule(name, plain, list(arguments))) is not None:
            return found
        bound = bind(SCALARS.get(name, []), values)
        if bound is None:
            raise self._wrong_arguments(node, name, values)

        lambdas = {at: bound.arguments[at] for at, value in enumerate(values) if isinstance(value, Lambda)}

        def write(*texts: str) -> str:
            rest = iter(texts)
            every = [lambdas[at] if at in lambdas else next(rest) for at in range(len(values))]
            return bound.template.format(*every, all=", ".join(every), **bound.type_names)

        repeats = "trino_" in bound.template or any(bound.template.count(f"{{{at}}}") > 1 for at in range(4))
        texts = [text for at, text in enumerate(bound.arguments) if at not in lambdas]
        text = once(texts, write) if repeats and texts else write(*texts)
        return TypedSql(text, bound.result)

    def _argument(self, node: exp.Expr) -> Argument:
        if not isinstance(node, exp.Lambda):
            return self.compile(node)
        only(node, "this", "expressions")
        return Lambda(len(node.expressions), partial(self._lambda, node))

    def _lambda(self, node: exp.Expr, types: Sequence[pa.DataType]) -> LambdaSql:
        def no_subquery(query: exp.Expr, scope: Scope) -> NoReturn:
            raise QueryFailed(
                f"NOT_SUPPORTED: {position(query)}Lambda expression cannot contain subqueries", SYNTAX_ERROR
            )

        name = f"p{self._depth}"
        texts = [name] if len(types) == 1 else [f"({name}).x{at}" for at in range(len(types))]
        parameters = tuple(
            ScopeColumn(parameter.name.lower(), type_, text)
            for parameter, type_, text in zip(node.expressions, types, texts, strict=True)
        )
        scope = Scope(parameters, self._scope)
        body = Expressions(scope, no_subquery, self._now, self._depth + 1).compile(node.this)
        self._scope.touched += [column for column in scope.touched if column not in parameters]
        return LambdaSql(name, body)

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

    def _listagg(self, node: exp.Expr) -> TypedSql:
        only(node, "this", "separator", "on_overflow")
        return self._aggregate(node, "", in_window=False)

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
        values = [self.compile(argument) for argument in arguments]
        used = self._scope.touched[looked_at:]
        if used and not any(column in self._scope.columns for column in used):
            # DuckDB would aggregate the outer query's rows.
            raise unsupported(f"{name} of only outer query columns", node)
        before = "DISTINCT " if distinct else ""
        if distinct:
            for value in values:
                check_groups(value.type)
        after = f" ORDER BY {self.order_terms(order)}" if order else ""
        if name in ("sum", "avg") and len(values) == 1 and dt.is_decimal(values[0].type):
            return decimals.aggregate(name, values[0], before, over)
        bound = bind(_LISTAGG if name == "listagg" else table[name], values)
        if bound is None:
            raise self._wrong_arguments(node, name, values)
        if (distinct or (order and "{order}" not in bound.template)) and "{all}" not in bound.template:
            raise not_supported(f"{name} with DISTINCT or ORDER BY")
        inside = before + ", ".join(bound.arguments) + after
        template = bound.template.replace("){over}", f"{nulls}){{over}}")
        text = template.format(
            *bound.arguments, all=inside, distinct=before, order=after, over=over, **bound.type_names
        )
        return TypedSql(text, bound.result)

    _METHODS: ClassVar[dict[type[exp.Expr], Callable[[Expressions, exp.Expr], TypedSql]]] = {
        exp.Column: _column,
        exp.Identifier: _identifier,
        exp.Tuple: _tuple,
        exp.Dot: _dot,
        exp.Literal: _literal,
        TimestampLiteral: _timestamp,
        exp.Boolean: _boolean,
        exp.Null: _null,
        exp.CurrentDate: _current_date,
        **dict.fromkeys(_CLOCKS, _clock),
        exp.Interval: _interval,
        exp.AtTimeZone: _at_time_zone,
        exp.HexString: _bytes,
        exp.Paren: _paren,
        exp.Not: _not,
        exp.And: _logical,
        exp.Or: _logical,
        **dict.fromkeys(_COMPARISONS, _comparison),
        **dict.fromkeys(_ARITHMETIC, _arithmetic),
        exp.Between: _between,
        exp.In: _in,
        exp.Exists: _exists,
        exp.Subquery: _scalar_subquery,
        exp.Like: _like,
        exp.Escape: _escape,
        exp.Is: _is,
        exp.Neg: _neg,
        UnaryPlus: _plus,
        exp.DPipe: _concatenation,
        exp.Bracket: _bracket,
        exp.Array: _array,
        exp.ParseJSON: _json,
        exp.If: _if,
        exp.Case: _case,
        exp.Cast: _cast,
        exp.TryCast: _cast,
        exp.Extract: _extract,
        exp.Trim: _trim,
        exp.StrPosition: _position,
        exp.Substring: _substring,
        exp.Anonymous: _function,
        exp.GroupConcat: _listagg,
        exp.Filter: _filter,
        exp.Window: _window,
    }


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


def _chain(node: exp.Expr) -> list[exp.Expr]:
    """Return the operands of ``a OR b OR c``, which is parsed as ``(a OR b) OR c``."""
    operands, kind = [], type(node)
    while type(node) is kind:
        operands.append(node.expression)
        node = node.this
    return [node, *reversed(operands)]


def _balanced(operator: str, operands: list[str]) -> str:
    """Return a balanced tree of operators: DuckDB's time grows with the third power of an expression's depth."""
    if len(operands) == 1:
        return operands[0]
    half = len(operands) // 2
    return f"({_balanced(operator, operands[:half])}{operator}{_balanced(operator, operands[half:])})"


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
