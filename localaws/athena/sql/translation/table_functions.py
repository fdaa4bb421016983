"""TABLE(sequence(...)), the only table function of Trino that is supported.

Source: https://trino.io/docs/current/functions/table.html#sequence-table-function
"""

from __future__ import annotations

from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.sql.parsing.nodes import position, type_mismatch, unsupported
from localaws.athena.sql.translation.output_columns import OutputColumn, Query
from localaws.athena.sql.translation.time_travel import Evaluate

_ARGUMENTS = ("start", "stop", "step")


def is_table_function(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() == "TABLE"


def sequence(node: exp.Expr, evaluate: Evaluate) -> Query:
    """Return the rows from ``start`` to ``stop``. Raises QueryFailed for arguments that Trino refuses."""
    [call] = node.expressions
    given = call.expressions
    if len(given) > len(_ARGUMENTS):
        raise _invalid(node, f"Too many arguments. Expected at most 3 arguments, got {len(given)} arguments")
    named = [argument for argument in given if isinstance(argument, exp.Kwarg)]
    if named and len(named) < len(given):
        raise _invalid(node, "All arguments must be passed by name or all must be passed positionally")
    arguments = {argument.name.lower(): argument.expression for argument in named} or dict(
        zip(_ARGUMENTS, given, strict=False)
    )
    for name in arguments:
        if name not in _ARGUMENTS:
            raise _invalid(node, f"Unexpected argument name: {name.upper()}")
    if "stop" not in arguments:
        raise _invalid(node, "Missing argument: STOP")
    bounds = {"start": 0, "step": 1} | {
        name: _value(name, value, evaluate) for name, value in arguments.items()
    }
    start, stop, step = (bounds[name] for name in _ARGUMENTS)
    if start != stop and (stop - start) * step <= 0:
        sign = "positive" if start < stop else "negative"
        raise QueryFailed(
            f"INVALID_FUNCTION_ARGUMENT: Step must be {sign} for sequence [{start}, {stop}]", SYNTAX_ERROR
        )
    values = f"generate_series({start}::BIGINT, {stop}::BIGINT, {step or 1}::BIGINT)"
    return Query(f"SELECT c0 FROM {values} AS numbers(c0)", (OutputColumn("sequential_number", dt.BIGINT),))


def _value(name: str, argument: exp.Expr, evaluate: Evaluate) -> int:
    if argument.find(exp.Query, exp.Column):
        raise unsupported("an argument of a table function that is not constant", argument)
    value, type_ = evaluate(exp.select(argument.copy()))
    if type_ not in dt.INTEGERS:
        raise type_mismatch(argument, f"Cannot cast type {dt.trino_name(type_)} to bigint")
    if value is None:
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {name.capitalize()} is null", SYNTAX_ERROR)
    return int(value)


def _invalid(node: exp.Expr, reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_ARGUMENTS: {position(node)}{reason}", SYNTAX_ERROR)
