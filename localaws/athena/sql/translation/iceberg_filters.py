"""The filters of Iceberg scans: conditions in WHERE, with which pyiceberg skips data files.

A filter may be true for more rows than its condition, never for fewer: DuckDB still evaluates the condition. A part of
a condition that this module does not translate is true for all rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
    NotEqualTo,
    NotNull,
    Or,
)
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import QueryFailed
from localaws.athena.sql.translation.time_travel import Evaluate
from localaws.athena.sql.translation.translator import chain
from localaws.athena.tables.iceberg_scans import IcebergScan

_COMPARISONS: dict[type[exp.Expr], type[Any]] = {
    exp.EQ: EqualTo,
    exp.NEQ: NotEqualTo,
    exp.LT: LessThan,
    exp.LTE: LessThanOrEqual,
    exp.GT: GreaterThan,
    exp.GTE: GreaterThanOrEqual,
}
_ONE_OF: Callable[[str, list[Any]], BooleanExpression] = In  # type: ignore[assignment] # annotated for its JSON form
_SWAPPED: dict[type[Any], type[Any]] = {
    LessThan: GreaterThan,
    LessThanOrEqual: GreaterThanOrEqual,
    GreaterThan: LessThan,
    GreaterThanOrEqual: LessThanOrEqual,
}
_MOST_TERMS = 200  # of AND, OR and IN; pyiceberg does not compare more with the statistics of a file
_MICROSECONDS = 6  # digits of a timestamp of Iceberg
_WHOLE = (dt.INTEGER, dt.BIGINT)

NameOf = Callable[[exp.Expr], str | None]


class FilterTranslator:
    """Translates conditions on the columns of one scan.

    ``name_of`` returns the name of a column of the scan, and None for another expression. ``evaluate`` returns the
    value and the type of a query without tables.
    """

    def __init__(self, scan: IcebergScan, name_of: NameOf, evaluate: Evaluate) -> None:
        self._scan, self._name_of, self._evaluate = scan, name_of, evaluate

    def filter(self, node: exp.Expr) -> BooleanExpression:
        """Return the condition as a filter."""
        node = node.unnest()
        if not isinstance(node, exp.And | exp.Or):
            return self._predicate(node)
        sides = chain(node)
        if len(sides) > _MOST_TERMS:
            return AlwaysTrue()
        return (And if isinstance(node, exp.And) else Or)(*map(self.filter, sides))

    def _predicate(self, node: exp.Expr) -> BooleanExpression:
        found: BooleanExpression = AlwaysTrue()
        match node:
            case exp.Between():
                found = And(
                    self._compared(GreaterThanOrEqual, node.this, node.args["low"]),
                    self._compared(LessThanOrEqual, node.this, node.args["high"]),
                )
            case exp.In() if node.expressions and len(node.expressions) <= _MOST_TERMS:
                found = self._in(node)
            case exp.Is() if isinstance(node.expression, exp.Null):
                found = self._null(IsNull, node.this)
            case exp.Not() if isinstance(tested := node.this.unnest(), exp.Is):
                found = self._null(NotNull, tested.this)
            case exp.Binary() if type(node) in _COMPARISONS:
                operator = _COMPARISONS[type(node)]
                if node.this.find(exp.Column) is None:
                    found = self._compared(_SWAPPED.get(operator, operator), node.expression, node.this)
                else:
                    found = self._compared(operator, node.this, node.expression)
        return found

    def _compared(self, operator: type[Any], column: exp.Expr, constant: exp.Expr) -> BooleanExpression:
        found = self._column(column)
        value = None if found is None else self._value(constant, found[1])
        return AlwaysTrue() if found is None or value is None else operator(found[0], value)

    def _in(self, node: exp.In) -> BooleanExpression:
        found = self._column(node.this)
        if found is None:
            return AlwaysTrue()
        values = [self._value(item, found[1]) for item in node.expressions]
        if None in values:
            return AlwaysTrue()
        return _ONE_OF(found[0], values)

    def _null(self, operator: type[Any], column: exp.Expr) -> BooleanExpression:
        found = self._column(column)
        return AlwaysTrue() if found is None or pa.types.is_nested(found[1]) else operator(found[0])

    def _column(self, node: exp.Expr) -> tuple[str, pa.DataType] | None:
        """Return the name in the current schema, by which pyiceberg plans older snapshots too, and the type."""
        name, current = self._name_of(node.unnest()), self._scan.iceberg.schema()
        fields = [field for field in self._scan.schema.columns if field.name.lower() == name]
        if len(fields) != 1:
            return None
        found = current.find_column_name(fields[0].field_id)
        if found is None or current.find_field(found) != fields[0].model_copy(update={"name": found}):
            return None  # dropped since, of another type since, or as ambiguous as a column a.b and a field b of a
        type_ = self._scan.column_types[fields[0].name.lower()]
        return None if type_ is None else (found, type_)

    def _value(self, node: exp.Expr, wanted: pa.DataType) -> Any:
        """Return a constant as a value of the column's type; None if it is not exactly one."""
        if node.find(exp.Column, exp.Query) is not None:
            return None
        if isinstance(node, exp.Literal) and node.is_string:  # a shortcut for long lists
            return exact_value(str(node.this), dt.VARCHAR, wanted)
        try:
            value, type_ = self._evaluate(exp.select(node.copy()))
        except QueryFailed:
            return None
        return exact_value(value, type_, wanted)


def exact_value(value: Any, type_: pa.DataType, wanted: pa.DataType) -> Any:
    """Return a value of ``type_`` as the same value of the type ``wanted`` of a column; None if there is none."""
    if dt.is_decimal(wanted):
        return _exact_decimal(value, type_, wanted)
    if wanted in _WHOLE:
        limit = 2 ** (31 if wanted == dt.INTEGER else 63)
        fits = type_ in _WHOLE and type(value) is int and -limit <= value < limit
    elif dt.kind(wanted) == dt.kind(type_) == "timestamp":
        fits = type(value) is datetime and dt.digits(type_) <= dt.digits(wanted) == _MICROSECONDS
    else:
        fits = wanted == type_ and (type_, type(value)) in ((dt.VARCHAR, str), (dt.DATE, date))
    return value if fits else None


def _exact_decimal(value: Any, type_: pa.DataType, wanted: pa.DataType) -> Decimal | None:
    if not isinstance(value, int | Decimal) or not (type_ in _WHOLE or dt.is_decimal(type_)):
        return None
    exact = Context(prec=wanted.precision, traps=[Inexact, InvalidOperation])
    try:
        return exact.quantize(Decimal(value), Decimal(1).scaleb(-wanted.scale))
    except (Inexact, InvalidOperation):
        return None
