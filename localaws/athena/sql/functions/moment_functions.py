"""Functions and operators of dates, times, timestamps and intervals.

Source: https://trino.io/docs/current/functions/datetime.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import QueryFailed, not_supported
from localaws.athena.sql.functions.time_zones import zone_number
from localaws.athena.sql.parsing.nodes import position, type_mismatch
from localaws.athena.sql.types import moments
from localaws.athena.sql.types.casts import cast, coerced
from localaws.athena.sql.types.typed_sql import TypedSql, once

Rule = Callable[[str, list[TypedSql], list[exp.Expr]], TypedSql | None]

_DATE_UNITS = ("day", "week", "month", "quarter", "year")
_TIME_UNITS = {"millisecond": 1000, "second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000}
_DAY = 86_400_000_000
_INTERVAL = {
    "day": "to_days(CAST({0} AS INTEGER))",
    "week": "to_days(CAST(7 * {0} AS INTEGER))",
    "month": "to_months(CAST({0} AS INTEGER))",
    "quarter": "to_months(CAST(3 * {0} AS INTEGER))",
    "year": "to_months(CAST(12 * {0} AS INTEGER))",
}
_DATE_PARTS = {
    "year": "year({0})",
    "quarter": "quarter({0})",
    "month": "month({0})",
    "week": "week({0})",
    "week_of_year": "week({0})",
    "day": "day({0})",
    "day_of_month": "day({0})",
    "day_of_week": "isodow({0})",
    "dow": "isodow({0})",
    "day_of_year": "dayofyear({0})",
    "doy": "dayofyear({0})",
    "year_of_week": "isoyear({0})",
    "yow": "isoyear({0})",
}
_TIME_PARTS = {
    "hour": "hour({0})",
    "minute": "minute({0})",
    "second": "second({0})",
    "millisecond": "(millisecond({0}) % 1000)",
}
_INTERVAL_PARTS = {
    "day": "({0} // 86400000)",
    "hour": "({0} // 3600000 % 24)",
    "minute": "({0} // 60000 % 60)",
    "second": "({0} // 1000 % 60)",
    "millisecond": "({0} % 1000)",
}


# ---------------------------------------------------------------- parts
def _part(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:  # noqa: PLR0911 - one for each kind
    if len(values) != 1:
        return None
    (value,) = values
    kind = dt.kind(value.type)
    if value.type == dt.DAY_TO_SECOND and name in _INTERVAL_PARTS:
        return TypedSql(once([value.sql], _INTERVAL_PARTS[name].format), dt.BIGINT)
    if value.type == dt.YEAR_TO_MONTH and name in ("year", "month"):
        template = "({0} // 12)" if name == "year" else "({0} % 12)"
        return TypedSql(f"CAST({template.format(value.sql)} AS BIGINT)", dt.BIGINT)
    if name in _TIME_PARTS:
        if kind in (dt.TIME, dt.ZONED_TIME):
            moment = f"make_timestamp({moments.microseconds(value.sql, value.type)})"
        elif kind in ("timestamp", dt.ZONED):
            moment = moments.local(value.sql, value.type)
        else:
            return None
        return TypedSql(_TIME_PARTS[name].format(moment), dt.BIGINT)
    if name not in _DATE_PARTS or not dt.is_moment(value.type):
        return None
    return TypedSql(_DATE_PARTS[name].format(moments.local(value.sql, value.type)), dt.BIGINT)


def _zone_part(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) == 1 and dt.kind(values[0].type) in ("date", "timestamp"):
        zoned = dt.zoned(dt.digits(values[0].type))
        values = [TypedSql(coerced(values[0], zoned), zoned)]
    if len(values) != 1 or dt.kind(values[0].type) not in (dt.ZONED, dt.ZONED_TIME):
        return None
    offset = "trino_zone_offset" if dt.kind(values[0].type) == dt.ZONED else "trino_time_offset"
    minutes = f"{offset}({values[0].sql})"
    # Both have the sign of the offset.
    text = once(
        [minutes],
        lambda m: (
            f"(sign({m}) * (abs({m}) // 60))" if name == "timezone_hour" else f"(sign({m}) * (abs({m}) % 60))"
        ),
    )
    return TypedSql(f"CAST({text} AS BIGINT)", dt.BIGINT)


def _last_day_of_month(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 1 or not dt.is_moment(values[0].type):
        return None
    return TypedSql(f"last_day({moments.local(values[0].sql, values[0].type)})", dt.DATE)


# ---------------------------------------------------------------- arithmetic
def _unit(node: exp.Expr, datatype: pa.DataType) -> str:
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise not_supported("a unit of time that is not a constant string")
    unit = str(node.this).lower()
    fits_time, fits_date = unit in _TIME_UNITS, unit in _DATE_UNITS
    kind = dt.kind(datatype)
    if not (
        fits_time
        if kind in (dt.TIME, dt.ZONED_TIME)
        else fits_date
        if kind == "date"
        else fits_time or fits_date
    ):
        shown = {dt.ZONED_TIME: "TIME", dt.TIME: "TIME", "date": "DATE"}.get(kind, "Timestamp")
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {position(node)}'{unit}' is not a valid {shown} field")
    return unit


def _moves(datatype: pa.DataType) -> bool:
    return dt.is_moment(datatype) or dt.kind(datatype) in (dt.TIME, dt.ZONED_TIME)


def _date_trunc(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 2 or not _moves(values[1].type):
        return None
    unit, value = _unit(nodes[0], values[1].type), values[1]
    kind = dt.kind(value.type)
    if kind == dt.TIME:
        return TypedSql(
            f"CAST(date_trunc('{unit}', make_timestamp(epoch_us({value.sql}))) AS TIME)", value.type
        )
    if kind == dt.ZONED_TIME:
        us = _TIME_UNITS[unit]
        text = once([value.sql], lambda t: f"trino_zoned_time_plus({t}, -(trino_local_time({t}) % {us}))")
        return TypedSql(text, value.type)
    if kind == dt.ZONED:
        if unit in _TIME_UNITS:
            return TypedSql(f"trino_zoned_trunc_time({value.sql}, {_TIME_UNITS[unit]})", value.type)
        return TypedSql(f"trino_zoned_trunc('{unit}', {value.sql})", value.type)
    return TypedSql(f"CAST(date_trunc('{unit}', {value.sql}) AS {dt.duckdb_name(value.type)})", value.type)


def _date_add(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 3 or not dt.can_coerce(values[1].type, dt.BIGINT) or not _moves(values[2].type):
        return None
    unit, count, value = _unit(nodes[0], values[2].type), coerced(values[1], dt.BIGINT), values[2]
    if unit in _TIME_UNITS:
        moved = moments.plus_microseconds(value.sql, value.type, f"(({count}) * {_TIME_UNITS[unit]})")
        if unit == "millisecond" and dt.digits(value.type) < 3:
            rounded = moments.converted(moved, dt.with_digits(value.type, 3), value.type)
            assert rounded is not None
            return TypedSql(rounded, value.type)
        return TypedSql(moved, value.type)
    return TypedSql(_plus_local(value, _INTERVAL[unit].format(f"({count})")), value.type)


def _date_diff(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 3 or not _moves(values[1].type) or not _moves(values[2].type):
        return None
    common = dt.common_type(values[1].type, values[2].type)
    if common is None:
        return None
    unit, kind = _unit(nodes[0], common), dt.kind(common)
    first, second = coerced(values[1], common), coerced(values[2], common)
    if kind in (dt.TIME, dt.ZONED_TIME):
        us = _TIME_UNITS[unit]
        return TypedSql(f"CAST(trunc((epoch_us({second}) - epoch_us({first})) / {us}) AS BIGINT)", dt.BIGINT)
    if kind != dt.ZONED:
        return TypedSql(f"date_sub('{unit}', {first}, {second})", dt.BIGINT)
    if unit in _TIME_UNITS:
        text = f"date_sub('{unit}', make_timestamp(trino_instant({first})), make_timestamp(trino_instant({second})))"
        return TypedSql(text, dt.BIGINT)

    def write(a: str, b: str) -> str:
        # Days are counted in the zone of the first timestamp.
        end = f"make_timestamp(trino_local_at(trino_instant({b}), trino_zone({a})))"
        return f"date_sub('{unit}', make_timestamp(trino_local({a})), {end})"

    return TypedSql(once([first, second], write), dt.BIGINT)


def _plus_local(value: TypedSql, delta: str) -> str:
    """Return the sum of a date or timestamp and ``delta``, an interval of days or months of DuckDB."""
    if dt.kind(value.type) == dt.ZONED:
        return f"trino_zoned_plus_local({value.sql}, {delta})"
    return f"CAST({value.sql} + {delta} AS {dt.duckdb_name(value.type)})"


_INTERVALS = (dt.DAY_TO_SECOND, dt.YEAR_TO_MONTH)


def arithmetic(  # noqa: PLR0911 - one return for each kind of type
    operator: str, left: TypedSql, right: TypedSql, node: exp.Expr
) -> TypedSql | None:
    """Translate + - * / with an interval, and the difference of two dates, times or timestamps; else None."""
    if right.type in _INTERVALS and _moves(left.type) and operator in "+-":
        sign = "-" if operator == "-" else ""
        return _over_microseconds(left, lambda value: _plus_interval(value, right, sign, node))
    if left.type in _INTERVALS and _moves(right.type) and operator == "+":
        return _over_microseconds(right, lambda value: _plus_interval(value, left, "", node))
    if left.type == right.type and left.type in _INTERVALS and operator in "+-":
        return TypedSql(f"({left.sql} {operator} {right.sql})", left.type)
    if operator == "*" and left.type in _INTERVALS and dt.is_numeric(right.type):
        return _scaled(left, f"* ({coerced(right, dt.DOUBLE)})", right.type)
    if operator == "*" and right.type in _INTERVALS and dt.is_numeric(left.type):
        return _scaled(right, f"* ({coerced(left, dt.DOUBLE)})", left.type)
    if operator == "/" and left.type in _INTERVALS and dt.is_numeric(right.type):
        divisor = coerced(right, dt.DOUBLE)
        return _scaled(left, f"/ ({divisor})", right.type)
    if operator == "-" and _moves(left.type) and _moves(right.type):
        common = dt.common_type(left.type, right.type)
        if common is None:
            return None
        first, second = (
            moments.without_picoseconds(coerced(side, common), common)[0] for side in (left, right)
        )
        difference = f"(epoch_us({first}) - epoch_us({second}))"
        # Trino rounds half up to milliseconds.
        rounded = f"(trino_round_us({difference}, 1000) // 1000)"
        return TypedSql(f"CAST({rounded} AS BIGINT)", dt.DAY_TO_SECOND)
    return None


def _scaled(value: TypedSql, operation: str, factor: pa.DataType) -> TypedSql:
    if operation.startswith("/") or factor not in dt.INTEGERS:
        return TypedSql(f"CAST(trunc({value.sql} {operation}) AS {dt.duckdb_name(value.type)})", value.type)
    return TypedSql(f"CAST({value.sql} {operation} AS {dt.duckdb_name(value.type)})", value.type)


def _plus_interval(value: TypedSql, interval: TypedSql, sign: str, node: exp.Expr) -> TypedSql:
    kind = dt.kind(value.type)
    if interval.type == dt.YEAR_TO_MONTH:
        if kind in (dt.TIME, dt.ZONED_TIME):
            raise type_mismatch(
                node, f"Cannot apply operator: {dt.trino_name(value.type)} + {interval.type.name}"
            )
        return TypedSql(_plus_local(value, f"to_months(CAST({sign}({interval.sql}) AS INTEGER))"), value.type)
    if kind == "date":

        def write(day: str, ms: str) -> str:
            wrong = "trino_raise('INVALID_FUNCTION_ARGUMENT: Cannot add hour, minutes or seconds to a date')"
            days = f"to_days(CAST({sign}({ms} // 86400000) AS INTEGER))"
            return (
                f"CAST({day} + CASE WHEN {ms} % 86400000 = 0 THEN {days} ELSE to_days({wrong}) END AS DATE)"
            )

        return TypedSql(once([value.sql, interval.sql], write), dt.DATE)
    finer = dt.with_digits(value.type, max(3, dt.digits(value.type)))
    return TypedSql(
        moments.plus_microseconds(value.sql, value.type, f"({sign}({interval.sql}) * 1000)"), finer
    )


def duckdb_interval(value: TypedSql, check: str) -> str:
    """Return an interval as DuckDB's; ``check`` is a macro that checks its milliseconds or months."""
    if value.type == dt.YEAR_TO_MONTH:
        return f"to_months(CAST({check}({value.sql}) AS INTEGER))"
    return f"to_milliseconds({check}({value.sql}))"


# ---------------------------------------------------------------- zones
def at_time_zone(value: TypedSql, zone: TypedSql, node: exp.Expr) -> TypedSql | None:
    """Translate AT TIME ZONE and at_timezone: the same instant in another zone."""
    return _over_microseconds(value, lambda moment: _at_zone(moment, zone, node))


def _at_zone(value: TypedSql, zone: TypedSql, node: exp.Expr) -> TypedSql | None:
    if dt.kind(value.type) == "timestamp":
        zoned = dt.zoned(dt.digits(value.type))
        value = TypedSql(coerced(value, zoned), zoned)
    if dt.kind(value.type) in (dt.TIME, dt.ZONED_TIME):
        return _time_at_zone(value, zone, node)
    if dt.kind(value.type) != dt.ZONED or zone.type not in (dt.VARCHAR, dt.DAY_TO_SECOND):
        return None
    return TypedSql(f"trino_with_zone({value.sql}, {_zone(zone, node)})", value.type)


def _time_at_zone(value: TypedSql, zone: TypedSql, node: exp.Expr) -> TypedSql | None:
    """Move a time to an offset. A named zone is refused: its offset depends on the date."""
    if (
        isinstance(node, exp.Literal)
        and (number := zone_number(str(node.this))) is not None
        and number < 2000
    ):
        offset = f"{number - 841 if number else 0}"
    elif zone.type == dt.DAY_TO_SECOND:
        offset = f"({zone.sql} // 60000)"
    else:
        raise not_supported("a time in a named time zone")
    zoned = dt.time_of_day(dt.digits(value.type), zone=True)
    return TypedSql(f"trino_zoned_time(epoch_us({coerced(value, zoned)}), {offset})", zoned)


def _zone(zone: TypedSql, node: exp.Expr) -> str:
    """Return SQL of the number of a zone, which is a varchar or an interval."""
    if zone.type == dt.DAY_TO_SECOND:
        return once(
            [zone.sql], lambda ms: f"(CASE WHEN {ms} // 60000 = 0 THEN 0 ELSE 841 + {ms} // 60000 END)"
        )
    if isinstance(node, exp.Literal) and node.is_string:
        number = zone_number(str(node.this))
        if number is None:
            raise QueryFailed(
                f"INVALID_FUNCTION_ARGUMENT: {position(node)}'{node.this}' is not a valid time zone"
            )
        return str(number)
    return f"trino_known_zone({zone.sql})"


def _at_timezone(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    return at_time_zone(values[0], values[1], nodes[1]) if len(values) == 2 else None


def _with_timezone(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if (
        len(values) != 2
        or dt.kind(values[0].type) not in ("timestamp", "date")
        or values[1].type != dt.VARCHAR
    ):
        return None
    wall = f"epoch_us({values[0].sql})"
    return TypedSql(
        f"trino_at_local({wall}, {_zone(values[1], nodes[1])})", dt.zoned(dt.digits(values[0].type))
    )


# ---------------------------------------------------------------- conversions
def _from_unixtime(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Return a timestamp(3) with time zone, rounded half up to milliseconds."""
    if not values or len(values) > 3 or not dt.can_coerce(values[0].type, dt.DOUBLE):
        return None
    seconds = coerced(values[0], dt.DOUBLE)
    # Java's Math.round is floor(x + 0.5).
    instant = f"(CAST(floor({seconds} * 1000 + 0.5) AS BIGINT) * 1000)"
    zone = "0"
    if len(values) == 2:
        if values[1].type != dt.VARCHAR:
            return None
        zone = _zone(values[1], nodes[1])
    if len(values) == 3:
        if not all(dt.can_coerce(value.type, dt.BIGINT) for value in values[1:]):
            return None
        hours, minutes = (coerced(value, dt.BIGINT) for value in values[1:])
        zone = once(
            [f"({hours} * 60 + {minutes})"],
            lambda m: (
                f"(CASE WHEN {m} = 0 THEN 0 WHEN abs({m}) <= 840 THEN 841 + {m} ELSE "
                f"trino_raise('INVALID_FUNCTION_ARGUMENT: Invalid offset minutes ' || {m}) END)"
            ),
        )
    return TypedSql(f"trino_zoned({instant}, {zone})", dt.zoned(3))


def _from_unixtime_nanos(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Return a timestamp(9) with time zone."""
    if len(values) != 1 or not (values[0].type in dt.INTEGERS or dt.is_decimal(values[0].type)):
        return None
    datatype = dt.zoned(9)

    def write(nanoseconds: str) -> str:
        rest = f"trino_floor_mod({nanoseconds}, 1000)"
        instant = f"CAST(({nanoseconds} - {rest}) // 1000 AS BIGINT)"
        return moments.with_picoseconds(f"trino_zoned({instant}, 0)", datatype, f"{rest} * 1000")

    whole = f"CAST(CAST({values[0].sql} AS DECIMAL(38,0)) AS HUGEINT)"
    return TypedSql(once([whole], write), datatype)


def _to_unixtime(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 1 or not dt.is_moment(values[0].type):
        return None
    if dt.has_picoseconds(values[0].type):
        microseconds = TypedSql(*moments.without_picoseconds("(moment)", values[0].type))
        seconds = _to_unixtime(name, [microseconds], nodes)
        assert seconds is not None
        text = f"{seconds.sql} + (moment).ps / 1000000000000"
        return TypedSql(f"list_transform([{values[0].sql}], lambda moment: {text})[1]", dt.DOUBLE)
    if dt.kind(values[0].type) == dt.ZONED:
        return TypedSql(f"(trino_instant({values[0].sql}) / 1000000)", dt.DOUBLE)
    return TypedSql(f"epoch({values[0].sql})", dt.DOUBLE)


def _to_iso8601(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 1 or not dt.is_moment(values[0].type):
        return None
    (value,) = values
    if value.type == dt.DATE:
        return TypedSql(f"trino_date_text({value.sql})", dt.VARCHAR)
    digits = dt.digits(value.type)

    def write(moment: str) -> str:
        wall = moments.local(moment, value.type)
        written = (
            f"trino_timestamp_text({wall}, {dt.MICROSECONDS}) || trino_ps_digits(({moment}).ps, {digits})"
            if digits > dt.MICROSECONDS
            else f"trino_timestamp_text({wall}, {digits})"
        )
        text = f"replace({written}, ' ', 'T')"
        if dt.kind(value.type) != dt.ZONED:
            return text
        zoned, _ = moments.without_picoseconds(moment, value.type)
        offset = f"trino_offset_text(trino_zone_offset({zoned}))"
        return f"{text} || CASE WHEN trino_zone({zoned}) = 0 THEN 'Z' ELSE {offset} END"

    return TypedSql(f"({once([value.sql], write)})", dt.VARCHAR)


def _from_iso8601(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 1 or values[0].type != dt.VARCHAR:
        return None
    if name == "from_iso8601_date":
        return TypedSql(f"(DATE '1970-01-01' + trino_iso_days({values[0].sql}))", dt.DATE)
    text = once([values[0].sql], lambda s: f"trino_at_local(trino_iso_wall({s}), trino_iso_zone({s}))")
    return TypedSql(text, dt.zoned(3))


def _date(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    return cast(values[0], dt.DATE, nodes[0]) if len(values) == 1 else None


def _human_readable_seconds(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 1 or not dt.can_coerce(values[0].type, dt.DOUBLE):
        return None
    return TypedSql(f"trino_human_readable_seconds({coerced(values[0], dt.DOUBLE)})", dt.VARCHAR)


def clock(name: str, digits: int, microseconds: int) -> TypedSql:
    """Translate now(), current_timestamp, localtimestamp, localtime and current_time for the start of the query."""
    if digits > dt.MICROSECONDS:
        found = clock(name, dt.MICROSECONDS, microseconds)
        datatype = dt.with_digits(found.type, digits)
        return TypedSql(moments.with_picoseconds(found.sql, datatype), datatype)
    unit = 10 ** (dt.MICROSECONDS - digits)
    instant = microseconds // unit * unit
    if name in ("now", "current_timestamp"):
        return TypedSql(f"trino_zoned({instant}, 0)", dt.zoned(digits))
    if name == "localtimestamp":
        return TypedSql(f"make_timestamp({instant})", dt.timestamp(digits))
    if name == "localtime":
        return TypedSql(f"trino_make_time({instant % _DAY})", dt.time_of_day(digits))
    return TypedSql(f"trino_zoned_time({instant % _DAY}, 0)", dt.time_of_day(digits, zone=True))


def _over_microseconds(value: TypedSql, apply: Callable[[TypedSql], TypedSql | None]) -> TypedSql | None:
    """Apply a function to a time or timestamp without its digits after the sixth; the result keeps them."""
    if not dt.has_picoseconds(value.type):
        return apply(value)
    found = apply(TypedSql(*moments.without_picoseconds("(moment)", value.type)))
    if found is None:
        return None
    datatype = dt.with_digits(found.type, dt.digits(value.type))
    text = moments.with_picoseconds(found.sql, datatype, "(moment).ps")
    return TypedSql(f"list_transform([{value.sql}], lambda moment: {text})[1]", datatype)


def _keeping_picoseconds(rule: Rule) -> Rule:
    """Apply a rule whose last time or timestamp is changed, but not its digits after the sixth."""

    def translate(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
        at = next((at for at, value in enumerate(values) if dt.has_picoseconds(value.type)), None)
        if at is None:
            return rule(name, values, nodes)
        return _over_microseconds(
            values[at], lambda value: rule(name, [*values[:at], value, *values[at + 1 :]], nodes)
        )

    return translate


def _of_microseconds(rule: Rule) -> Rule:
    """Apply a rule that does not depend on the digits after the sixth; in its result they are 0."""

    def translate(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
        most = max((dt.digits(value.type) for value in values), default=0)
        narrow = [TypedSql(*moments.without_picoseconds(value.sql, value.type)) for value in values]
        found = rule(name, narrow if most > dt.MICROSECONDS else values, nodes)
        if found is None or most <= dt.MICROSECONDS or not dt.digits(found.type):
            return found
        datatype = dt.with_digits(found.type, most)
        return TypedSql(moments.with_picoseconds(found.sql, datatype), datatype)

    return translate


def _names(names: Sequence[str], rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names, rule)


MOMENT_RULES: dict[str, Rule] = {
    **_names((*_DATE_PARTS, *_TIME_PARTS), _of_microseconds(_part)),
    **_names(("timezone_hour", "timezone_minute"), _of_microseconds(_zone_part)),
    "last_day_of_month": _of_microseconds(_last_day_of_month),
    "date": _date,
    "date_trunc": _of_microseconds(_date_trunc),
    "date_add": _keeping_picoseconds(_date_add),
    "date_diff": _of_microseconds(_date_diff),
    "at_timezone": _at_timezone,
    "with_timezone": _keeping_picoseconds(_with_timezone),
    "from_unixtime": _from_unixtime,
    "from_unixtime_nanos": _from_unixtime_nanos,
    "to_unixtime": _to_unixtime,
    "to_iso8601": _to_iso8601,
    "from_iso8601_timestamp": _from_iso8601,
    "from_iso8601_date": _from_iso8601,
    "human_readable_seconds": _human_readable_seconds,
}
