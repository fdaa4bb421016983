"""Calls of scalar functions, with their lambdas, and functions with a syntax of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, NoReturn

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.functions.overloads import Argument, Lambda, LambdaSql, bind
from localaws.athena.sql.functions.rules import RULES
from localaws.athena.sql.functions.supported import AGGREGATES, SCALARS, WINDOW_FUNCTIONS
from localaws.athena.sql.parsing.nodes import only, position, type_mismatch, unsupported
from localaws.athena.sql.translation import constants
from localaws.athena.sql.translation.aggregations import Aggregations
from localaws.athena.sql.translation.predicates import Predicates
from localaws.athena.sql.translation.scope import Scope, ScopeColumn
from localaws.athena.sql.types.typed_sql import TypedSql, once, text_length

_ARGUMENTS = 127  # Trino's maximum in a call


class Calls(Predicates, Aggregations):
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
            return self.compile(
                exp.If(**dict(zip(("this", "true", "false"), node.expressions, strict=False)))
            )
        if len(node.expressions) > _ARGUMENTS:
            raise QueryFailed(
                f"TOO_MANY_ARGUMENTS: {position(node)}Too many arguments for function call {name}()",
                SYNTAX_ERROR,
            )
        if (method := self.SPECIAL.get(name)) is not None:
            return method(self, node)
        if name in constants.CLOCK_CALLS:
            return constants.clock(node, self._now)
        if name in AGGREGATES:
            return self._aggregate(node, "", in_window=False)
        if name in WINDOW_FUNCTIONS:
            raise QueryFailed(
                f"MISSING_OVER: {position(node)}Window function {name} requires OVER", SYNTAX_ERROR
            )
        return self._scalar(node, name, node.expressions)

    def _normalize(self, node: exp.Expr) -> TypedSql:
        """Translate ``normalize(text, NFC)``, in which the form is a keyword."""
        text = self._text(node.expressions[0])
        form = node.expressions[1].name.upper() if len(node.expressions) > 1 else "NFC"
        return TypedSql(f"trino_normalize({text.sql}, '{form}')", dt.VARCHAR)

    def _typeof(self, node: exp.Expr) -> TypedSql:
        if len(node.expressions) != 1:
            raise type_mismatch(node, "Unexpected parameters for function typeof. Expected: typeof(any)")
        looked_at = len(self._scope.touched)
        (argument,) = node.expressions
        value = self.compile(argument)
        in_table = any(column.scan is not None for column in self._scope.touched[looked_at:])
        name, length = dt.trino_name(value.type), text_length(value, argument)
        if value.type == dt.VARCHAR and length is not None:
            name = f"varchar({length})"
        elif dt.contains(value.type, dt.VARCHAR):
            unbounded = isinstance(argument, exp.Cast | exp.DPipe) or argument.name.lower() == "concat"
            if not (unbounded or (isinstance(argument, exp.Column) and in_table)):
                raise unsupported("typeof of a varchar whose length is not known", node)
        return TypedSql(duckdb_string(name), dt.VARCHAR)

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
        body = type(self)(scope, no_subquery, self._now, self._depth + 1).compile(node.this)
        self._scope.touched += [column for column in scope.touched if column not in parameters]
        return LambdaSql(name, body)

    SPECIAL: ClassVar[dict[str, Callable[[Calls, exp.Expr], TypedSql]]] = {
        "grouping": _grouping,
        "normalize": _normalize,
        "typeof": _typeof,
    }
