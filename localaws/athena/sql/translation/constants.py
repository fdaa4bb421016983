"""Literals and the clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.functions import moment_functions
from localaws.athena.sql.functions.time_zones import UTC, zone_number
from localaws.athena.sql.parsing.nodes import only, position, type_mismatch, unsupported
from localaws.athena.sql.parsing.parser import TimestampLiteral
from localaws.athena.sql.types import moments
from localaws.athena.sql.types.typed_sql import TypedSql

# Source: Trino's DateTimes.DATETIME_PATTERN
_TIMESTAMP = re.compile(
    r"(?P<year>[-+]?[0-9]{4,})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"( ((?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2})(:(?P<second>[0-9]{1,2})(\.(?P<fraction>[0-9]+))?)?)?"
    r"\s*(?P<zone>.+)?)?"
)
_CLOCKS: dict[type[exp.Expr], str] = {
    exp.CurrentTimestamp: "current_timestamp",
    exp.CurrentTime: "current_time",
    exp.Localtime: "localtime",
    exp.Localtimestamp: "localtimestamp",
}
CLOCK_CALLS = ("now", *_CLOCKS.values())


def _literal(node: exp.Expr) -> TypedSql:
    text = str(node.this)
    if node.is_string:
        return TypedSql(duckdb_string(text), dt.VARCHAR)
    if "e" in text.lower() or "." in text:
        # Unlike Trino's default: docs/adr/0009-athena-decimal-literals.md
        return TypedSql(f"CAST({duckdb_string(text)} AS DOUBLE)", dt.DOUBLE)
    return whole(node, int(text))


def whole(node: exp.Expr, value: int) -> TypedSql:
    text = str(value)
    if not -(2**63) <= value < 2**63:
        raise type_mismatch(node, f"Invalid numeric literal: {text}")
    if -(2**31) <= value < 2**31:
        return TypedSql(f"CAST({text} AS INTEGER)" if value < 0 else text, dt.INTEGER)
    return TypedSql(f"CAST({text} AS BIGINT)", dt.BIGINT)


def _timestamp(node: exp.Expr) -> TypedSql:
    text = str(node.this.this)
    invalid = QueryFailed(
        f"INVALID_LITERAL: {position(node)}'{text}' is not a valid TIMESTAMP literal", SYNTAX_ERROR
    )
    found = _TIMESTAMP.fullmatch(text.strip())
    if found is None:
        raise invalid
    zone, digits = found["zone"], len(found["fraction"] or "")
    fraction = (found["fraction"] or "").ljust(dt.MOST_DIGITS, "0")
    if digits > dt.MOST_DIGITS:
        kind = dt.ZONED if zone else "timestamp"
        raise unsupported(f"{kind} of {digits} digits, at most {dt.MOST_DIGITS}: {text}", node)
    number = zone_number(zone) if zone else UTC
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if number is None or hour > 23 or minute > 59 or second > 59:
        raise invalid
    rest = ((hour * 60 + minute) * 60 + second) * 1_000_000 + int(fraction[:6])
    try:
        wall = rest + moments.local_microseconds(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        raise invalid from None
    text = f"trino_at_local({wall}, {number})" if zone else f"make_timestamp({wall})"
    datatype = dt.zoned(digits) if zone else dt.timestamp(digits)
    if dt.has_picoseconds(datatype):
        text = moments.with_picoseconds(text, datatype, fraction[6:])
    return TypedSql(text, datatype)


def _boolean(node: exp.Expr) -> TypedSql:
    return TypedSql("true" if node.this else "false", dt.BOOLEAN)


def _null(node: exp.Expr) -> TypedSql:
    return TypedSql("NULL", dt.NULL)


def current_date(node: exp.Expr, now: datetime) -> TypedSql:
    only(node)
    return TypedSql(f"DATE '{now:%Y-%m-%d}'", dt.DATE)


def clock(node: exp.Expr, now: datetime) -> TypedSql:
    """Translate current_timestamp and the like; ``current_timestamp(6)`` has another precision than 3."""
    name, digits = _CLOCKS.get(type(node)) or str(node.this).lower(), 3
    if node.expressions:
        digits = int(node.expressions[0].name)
    if digits > dt.MOST_DIGITS:
        raise unsupported(f"{name}({digits}), at most {dt.MOST_DIGITS} digits", node)
    return moment_functions.clock(name, digits, int(now.timestamp()) * 1_000_000 + now.microsecond)


def _interval(node: exp.Expr) -> TypedSql:
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


def _binary(node: exp.Expr) -> TypedSql:
    return TypedSql(f"unhex('{node.this}')", dt.VARBINARY)


CONSTANTS: dict[type[exp.Expr], Callable[[exp.Expr], TypedSql]] = {
    exp.Literal: _literal,
    TimestampLiteral: _timestamp,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Interval: _interval,
    exp.HexString: _binary,
}
CLOCKS: dict[type[exp.Expr], Callable[[exp.Expr, datetime], TypedSql]] = {
    exp.CurrentDate: current_date,
    **dict.fromkeys(_CLOCKS, clock),
}
