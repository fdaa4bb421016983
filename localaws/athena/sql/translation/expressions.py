"""Translates Trino expressions into DuckDB SQL, bottom up, with their Trino types.

Each kind of node has one method. Nodes, node arguments and functions without a translation are rejected, so that
DuckDB only executes SQL that is written here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.functions import decimals, moment_functions
from localaws.athena.sql.functions.nested_rules import common_of, row, subscript
from localaws.athena.sql.functions.overloads import bind
from localaws.athena.sql.functions.rules import RULES
from localaws.athena.sql.functions.unsupported import UNSUPPORTED
from localaws.athena.sql.parsing.nodes import only, position, type_mismatch, unsupported
from localaws.athena.sql.parsing.parser import UnaryPlus
from localaws.athena.sql.translation import constants
from localaws.athena.sql.translation.aggregations import Aggregations
from localaws.athena.sql.translation.calls import Calls
from localaws.athena.sql.translation.predicates import COMPARISONS, Predicates
from localaws.athena.sql.translation.scope import dereferenced
from localaws.athena.sql.translation.translator import chain
from localaws.athena.sql.types.casts import cast, cast_to_varchar, coerced, cut_texts, cuts_text
from localaws.athena.sql.types.typed_sql import TypedSql, once, shown_type

_ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_ARRAY_ITEMS = 254  # Trino's maximum in ARRAY[...]
_LENGTHS = re.compile(r"varchar\(", re.IGNORECASE)


class Expressions(Calls):
    """Translates each kind of node by a method of its own."""

    def compile(self, node: exp.Expr) -> TypedSql:
        kind = type(node)
        if kind in constants.CONSTANTS:
            return constants.CONSTANTS[kind](node)
        if kind in constants.CLOCKS:
            return constants.CLOCKS[kind](node, self._now)
        method = self._METHODS.get(kind)
        if method is None:
            raise unsupported(f"{kind.__name__.upper()} in {node.sql(dialect='trino')}", node)
        return method(self, node)

    # ---------------------------------------------------------------- names
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

    # ---------------------------------------------------------------- operators
    def _paren(self, node: exp.Expr) -> TypedSql:
        inner = self.compile(node.this)
        return TypedSql(f"({inner.sql})", inner.type)

    def _scalar_subquery(self, node: exp.Expr) -> TypedSql:
        text, found = self._single_column(node)
        return TypedSql(f"({text})", found)

    def _neg(self, node: exp.Expr) -> TypedSql:
        number = node.this
        if isinstance(number, exp.Literal) and not number.is_string and str(number.this).isdigit():
            return constants.whole(number, -int(number.this))
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
        values = [self.compile(operand) for operand in chain(node)]
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
        value = self.compile(node.this)
        if pa.types.is_nested(target) and _LENGTHS.search(name):
            if not cuts_text(value.type, target_node):
                raise not_supported(f"CAST of {dt.trino_name(value.type)} to {name}")
            whole = cast(value, target, node, safe)
            return TypedSql(cut_texts(whole.sql, value.type, target, target_node), target)
        if target == dt.VARCHAR and target_node.expressions:
            return cast_to_varchar(value, int(target_node.expressions[0].name), node, safe)
        return cast(value, target, node, safe)

    _METHODS: ClassVar[dict[type[exp.Expr], Callable[[Expressions, exp.Expr], TypedSql]]] = {
        exp.Column: _column,
        exp.Identifier: _identifier,
        exp.Tuple: _tuple,
        exp.Dot: _dot,
        exp.AtTimeZone: _at_time_zone,
        exp.Paren: _paren,
        exp.Not: Predicates._not,
        exp.And: Predicates._logical,
        exp.Or: Predicates._logical,
        **dict.fromkeys(COMPARISONS, Predicates._comparison),
        **dict.fromkeys(_ARITHMETIC, _arithmetic),
        exp.Between: Predicates._between,
        exp.In: Predicates._in,
        exp.Exists: Predicates._exists,
        exp.Subquery: _scalar_subquery,
        exp.Like: Predicates._like,
        exp.Escape: Predicates._escape,
        exp.Is: Predicates._is,
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
        exp.Extract: Calls._extract,
        exp.Trim: Calls._trim,
        exp.StrPosition: Calls._position,
        exp.Substring: Calls._substring,
        exp.Anonymous: Calls._function,
        exp.GroupConcat: Aggregations._listagg,
        exp.Filter: Aggregations._filter,
        exp.Window: Aggregations._window,
    }


def _balanced(operator: str, operands: list[str]) -> str:
    """Return a balanced tree of operators: DuckDB's time grows with the third power of an expression's depth."""
    if len(operands) == 1:
        return operands[0]
    half = len(operands) // 2
    return f"({_balanced(operator, operands[:half])}{operator}{_balanced(operator, operands[half:])})"
