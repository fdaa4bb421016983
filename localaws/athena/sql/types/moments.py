"""DuckDB SQL for dates, times, timestamps and intervals: literals, casts and texts.

``functions/moments.sql`` describes how DuckDB holds the types that it does not have.
Source: https://trino.io/docs/current/language/types.html
"""

from __future__ import annotations

import re
from datetime import date

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.types import nested

_DAY = 86_400_000_000  # microseconds
_UNITS = {"second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_MONTHS = {"month": 1, "year": 12}
_SHOWN_DIGITS = 3  # Athena writes at least the milliseconds of a timestamp
_DAY_FIELDS = ("day", "hour", "minute", "second")


def contains_moment(datatype: pa.DataType) -> bool:
    """Return whether the type, or a type inside it, is one that Arrow does not have."""
    return isinstance(datatype, dt.TrinoType) or any(map(contains_moment, dt.parts(datatype)))


def without_picoseconds(sql: str, datatype: pa.DataType) -> tuple[str, pa.DataType]:
    """Return a time or timestamp without its digits after the sixth, and its type."""
    if not dt.has_picoseconds(datatype):
        return sql, datatype
    template = {dt.ZONED: "trino_zoned_of({0})", dt.ZONED_TIME: "trino_zoned_time_of({0})"}
    text = template.get(dt.kind(datatype), "({0}).us").format(sql)
    return text, dt.with_digits(datatype, dt.MICROSECONDS)


def with_picoseconds(sql: str, datatype: pa.DataType, picoseconds: str = "0") -> str:
    """Return SQL for a value of more than six digits, from one with six digits and the picoseconds after them."""
    macro = {dt.ZONED: "trino_zoned_ps", dt.ZONED_TIME: "trino_zoned_time_ps"}
    return f"{macro.get(dt.kind(datatype), 'trino_ps')}({sql}, {picoseconds})"


def local(sql: str, datatype: pa.DataType) -> str:
    """Return the date, or the local time of a timestamp as a TIMESTAMP."""
    sql, _ = without_picoseconds(sql, datatype)
    return f"make_timestamp(trino_local({sql}))" if dt.kind(datatype) == dt.ZONED else sql


def microseconds(sql: str, datatype: pa.DataType) -> str:
    """Return the local time in microseconds: since 1970, or since midnight for a time."""
    sql, _ = without_picoseconds(sql, datatype)
    if dt.kind(datatype) == dt.ZONED:
        return f"trino_local({sql})"
    return f"trino_local_time({sql})" if dt.kind(datatype) == dt.ZONED_TIME else f"epoch_us({sql})"


def converted(  # noqa: PLR0911 - one return for each kind of type
    sql: str, source: pa.DataType, target: pa.DataType
) -> str | None:
    """Convert between dates, times and timestamps; None if there is no such cast here."""
    kinds = dt.kind(source), dt.kind(target)
    if kinds[0] not in _READ:
        return None
    if dt.has_picoseconds(source) or dt.has_picoseconds(target):
        return _converted_picoseconds(sql, source, target)
    if kinds[0] == kinds[1] and dt.digits(source) <= dt.digits(target):
        return sql
    round_to = _unit(target) if dt.digits(source) > dt.digits(target) and kinds[1] != "date" else 0
    if kinds == (dt.ZONED, dt.ZONED):
        rounded = f"trino_round_us(trino_instant(z), {round_to})"
        return f"list_transform([{sql}], lambda z: trino_zoned({rounded}, trino_zone(z)))[1]"
    if kinds == (dt.ZONED, dt.ZONED_TIME):
        rounded = f"trino_round_us(trino_instant(z), {round_to or 1})"
        return f"list_transform([{sql}], lambda z: trino_time_in_zone({rounded}, trino_zone(z)))[1]"
    if kinds == (dt.ZONED_TIME, dt.ZONED_TIME):
        return (
            f"list_transform([{sql}], lambda t: "
            f"trino_zoned_time(trino_round_us(epoch_us(t), {round_to}), trino_time_offset(t)))[1]"
        )
    if kinds[1] not in _READ[kinds[0]]:
        return None
    number = microseconds(sql, source)
    if round_to:
        number = f"trino_round_us({number}, {round_to})"
    return _WRITE[kinds[1]].format(number)


def _converted_picoseconds(sql: str, source: pa.DataType, target: pa.DataType) -> str | None:
    """Convert a value that has, or gets, more than six digits of a second. The last digit is rounded half up."""
    if (
        dt.kind(source) == dt.kind(target)
        and dt.has_picoseconds(source)
        and dt.digits(source) <= dt.digits(target)
    ):
        return sql
    middle = target
    if dt.has_picoseconds(target):
        middle = dt.with_digits(target, dt.MICROSECONDS)
    if not dt.has_picoseconds(source):
        found = sql if middle == source else converted(sql, source, middle)
        return found and with_picoseconds(found, target)
    if target == dt.DATE or dt.digits(target) < dt.MICROSECONDS:
        return converted(*without_picoseconds(sql, source), target)
    unit = 10 ** (dt.MOST_DIGITS - dt.digits(target)) if dt.digits(target) < dt.digits(source) else 1
    text, narrow = without_picoseconds("(moment)", source)
    rounded = f"trino_round_us((moment).ps, {unit})"
    carried = plus_microseconds(text, narrow, f"({rounded} // 1000000)")
    found = converted(carried, narrow, middle)
    if found is None:
        return None
    if dt.has_picoseconds(target):
        found = with_picoseconds(found, target, f"({rounded} % 1000000)")
    return f"list_transform([{sql}], lambda moment: {found})[1]"


def plus_microseconds(sql: str, datatype: pa.DataType, us: str) -> str:
    """Return the sum of a time or timestamp of up to six digits and a number of microseconds."""
    kind = dt.kind(datatype)
    if kind == dt.TIME:
        return f"trino_time_plus({sql}, {us})"
    if kind == dt.ZONED_TIME:
        return f"trino_zoned_time_plus({sql}, {us})"
    return f"({sql} + to_microseconds({us}))"


_READ = {
    "date": ("timestamp", dt.ZONED),
    "timestamp": ("date", "timestamp", dt.ZONED, dt.TIME),
    dt.ZONED: ("date", "timestamp", dt.TIME, dt.ZONED_TIME),
    dt.TIME: (dt.TIME, dt.ZONED_TIME),
    dt.ZONED_TIME: (dt.TIME,),
}
_WRITE = {
    "date": "CAST(make_timestamp({0}) AS DATE)",
    "timestamp": "make_timestamp({0})",
    dt.ZONED: "trino_zoned({0}, 0)",
    dt.TIME: "trino_make_time({0})",
    dt.ZONED_TIME: "trino_zoned_time({0}, 0)",
}


def _unit(datatype: pa.DataType) -> int:
    """Return the smallest difference of two values, in microseconds."""
    return int(10 ** (dt.MICROSECONDS - dt.digits(datatype)))


def text(sql: str, datatype: pa.DataType, least_digits: int = 0) -> str | None:
    """Return the text as in a cast to varchar; None for other types. A timestamp has at least ``least_digits``."""
    kind, digits = dt.kind(datatype), max(dt.digits(datatype), least_digits)
    if kind == "char":
        return padded(sql, datatype)
    if dt.has_picoseconds(datatype):
        return _PICOSECONDS_TEXT[kind].format(sql, digits)
    written = {
        "date": f"trino_date_text({sql})",
        "timestamp": f"trino_timestamp_text({sql}, {digits})",
        dt.ZONED: f"trino_zoned_text({sql}, {digits})",
        dt.TIME: f"trino_time_text(epoch_us({sql}), {digits})",
        dt.ZONED_TIME: f"trino_zoned_time_text({sql}, {digits})",
        dt.DAY_TO_SECOND.kind: f"trino_days_text({sql})",
        dt.YEAR_TO_MONTH.kind: f"trino_months_text({sql})",
        dt.UUID.kind: f"CAST({sql} AS VARCHAR)",
        dt.IPADDRESS.kind: f"trino_ip_text({sql})",
    }
    return written.get(kind)


_PICOSECONDS_TEXT = {
    "timestamp": "trino_timestamp_ps_text({0}, {1})",
    dt.ZONED: "trino_zoned_ps_text({0}, {1})",
    dt.TIME: "trino_time_ps_text({0}, {1})",
    dt.ZONED_TIME: "trino_zoned_time_ps_text({0}, {1})",
}


def padded(sql: str, datatype: pa.DataType) -> str:
    """Return the value of a char(n) with its trailing spaces."""
    assert isinstance(datatype, dt.TrinoType)
    return f"rpad({sql}, {datatype.size}, ' ')"


def read(sql: str, target: pa.DataType, safe: bool) -> str | None:
    """Parse a varchar; None for other types. If it is invalid, ``safe`` gives NULL and otherwise the query fails."""
    kind, digits = dt.kind(target), dt.digits(target)
    if digits > dt.MICROSECONDS:
        widest = dt.with_digits(target, dt.MOST_DIGITS)
        found = read("trino_six_digits(text)", dt.with_digits(target, dt.MICROSECONDS), safe)
        assert found is not None
        parsed = with_picoseconds(found, widest, "trino_more_digits(text)")
        return converted(f"list_transform([{sql}], lambda text: {parsed})[1]", widest, target)
    verb = "read_" if safe else ""
    if kind == "date":
        return f"trino_{verb}date({sql})"
    if kind == "timestamp":
        return f"trino_{verb}timestamp({sql}, {digits})"
    names = {dt.ZONED: "trino_read_zoned", dt.TIME: "trino_read_time", dt.ZONED_TIME: "trino_read_zoned_time"}
    if kind not in names:
        return None
    if safe:
        return f"{names[kind]}({sql}, {digits})"
    return (
        f"list_transform([{sql}], lambda s: "
        f"trino_cast_or_raise(s, {names[kind]}(s, {digits}), {duckdb_string(kind)}))[1]"
    )


def shown(sql: str, datatype: pa.DataType) -> str:
    """Return SQL for the value in a result: with the text of each value that Arrow does not have."""
    if pa.types.is_nested(datatype):
        if not contains_moment(datatype):
            return sql
        return nested.rebuilt(sql, datatype, shown_type(datatype), lambda part, type_, _: shown(part, type_))
    if not isinstance(datatype, dt.TrinoType):
        return sql
    # awswrangler's tests show TIME '13:24:11' without a fraction.
    found = text(sql, datatype, 0 if dt.kind(datatype) == dt.TIME else _SHOWN_DIGITS)
    assert found is not None
    return found


def shown_type(datatype: pa.DataType) -> pa.DataType:
    """Return the type of ``shown``."""
    if isinstance(datatype, dt.TrinoType):
        return dt.VARCHAR
    if not contains_moment(datatype):
        return datatype
    parts = map(shown_type, dt.parts(datatype))
    if dt.is_array(datatype):
        return pa.list_(*parts)
    if dt.is_map(datatype):
        return dt.map_of(*parts)
    return pa.struct([field.with_type(part) for field, part in zip(datatype, parts, strict=True)])


def interval(text: str, unit: str, last: str) -> tuple[int, pa.DataType]:
    """Return the value of ``INTERVAL 'text' unit [TO last]`` and its type. Raises ValueError if it is invalid."""
    negative, digits = text.startswith("-"), text.lstrip("+-")
    if len(text) - len(digits) > 1:
        raise ValueError(text)
    sign = -1 if negative else 1
    if unit in _MONTHS:
        found = re.fullmatch(r"(\d+)-(\d+)" if last else r"(\d+)", digits)
        if found is None:
            raise ValueError(text)
        months = int(found[1]) * _MONTHS[unit] + (int(found[2]) if last else 0)
        return sign * months, dt.YEAR_TO_MONTH
    if not last:
        found = re.fullmatch(r"(\d+)(?:\.(\d{1,3}))?" if unit == "second" else r"(\d+)", digits)
        if found is None:
            raise ValueError(text)
        rest = int((found[2] or "0").ljust(3, "0")) if unit == "second" else 0
        return sign * (int(found[1]) * _UNITS[unit] + rest), dt.DAY_TO_SECOND
    fields = _DAY_FIELDS[_DAY_FIELDS.index(unit) : _DAY_FIELDS.index(last) + 1]
    patterns = {"second": r"(\d+)(?:\.(\d{1,3}))?"}
    pattern = "".join(
        (("" if at == 0 else " " if fields[at - 1] == "day" else ":") + patterns.get(field, r"(\d+)"))
        for at, field in enumerate(fields)
    )
    found = re.fullmatch(pattern, digits)
    if found is None:
        raise ValueError(text)
    total = sum(int(found[at]) * _UNITS[field] for at, field in enumerate(fields, start=1))
    if last == "second":
        total += int((found[len(fields) + 1] or "0").ljust(3, "0"))
    return sign * total, dt.DAY_TO_SECOND


def local_microseconds(year: int, month: int, day: int) -> int:
    """Return the microseconds from 1970 to a date in any year. Raises ValueError if there is no such date."""
    alike = 2000 + year % 400
    days = (
        date(alike, month, day).toordinal() - date(1970, 1, 1).toordinal() + (year - alike) // 400 * 146_097
    )
    return days * _DAY
