"""``format``, which formats values as java.util.Formatter, as a Python function that DuckDB calls.

The values are passed as texts, and their types as one letter for each: b(oolean), i(nteger), r(eal), f for a double,
d(ecimal), s(tring), D(ate), T(imestamp), Z for a timestamp with time zone, and t(ime).
Source: https://trino.io/docs/401/functions/conversion.html and java.util.Formatter
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from zoneinfo import ZoneInfo

import numpy as np
from duckdb import DuckDBPyConnection, sqltypes

from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.floats import double_text, real_text
from localaws.athena.sql.functions.joda_formats import DAYS, MONTHS, Refused, answered, civil

_SPECIFIER = re.compile(r"%(?:(\d+)\$|(<))?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([tT][a-zA-Z]|[a-zA-Z%])", re.ASCII)
_MOMENT = re.compile(
    r"(?:(?P<date>(?P<year>[+-]?\d+)-(?P<month>\d\d)-(?P<day>\d\d)))?[ ]?"
    r"(?:(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?:[ ](?P<zone>\S+)[ ](?P<instant>-?\d+))?"
)
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
_CONVERSIONS = ("b", "B", "s", "S", "c", "C", "d", "o", "x", "X", "e", "E", "f", "g", "G")
_DATE_FIELDS, _TIME_FIELDS = "BbhAaCYyjmdeDF", "HIklMSLNpRTr"


@dataclass(frozen=True)
class _Specifier:
    """A format specifier such as ``%-8.3s``, and the format that contains it."""

    text: str
    flags: str
    width: int
    precision: int | None
    conversion: str
    pattern: str

    def invalid(self, reason: str) -> QueryFailed:
        return _invalid(self.pattern, reason)

    def unlike(self, kind: str) -> QueryFailed:
        return self.invalid(f"{self.conversion} != {_JAVA_NAMES[kind]}")


def register(connection: DuckDBPyConnection) -> None:
    """Register the function for all connections of this database."""
    text = sqltypes.VARCHAR
    connection.create_function(
        "trino_format",
        answered(_format),
        [text, text, connection.list_type(text)],
        connection.struct_type({"answer": text, "refused": text}),
    )


def _format(pattern: str, kinds: str, values: list[str | None]) -> str:
    written, end, ordinary, last = [], 0, 0, -1
    for found in _SPECIFIER.finditer(pattern):
        literal = pattern[end : found.start()]
        end = found.end()
        explicit, previous, flags, width, precision, conversion = found.groups()
        specifier = _Specifier(
            found[0], flags, int(width or 0), int(precision) if precision else None, conversion, pattern
        )
        if conversion in ("n", "%"):
            text = "\n" if conversion == "n" else "%"
        else:
            if explicit:
                last = int(explicit) - 1
            elif not previous:
                last, ordinary = ordinary, ordinary + 1
            if not 0 <= last < len(values):
                raise specifier.invalid(f"Format specifier '{found[0]}'")
            text = _converted(specifier, kinds[last], values[last])
        text = text.ljust(specifier.width) if "-" in flags else text.rjust(specifier.width)
        written += [_literal(literal, pattern), text]
    return "".join([*written, _literal(pattern[end:], pattern)])


def _literal(text: str, pattern: str) -> str:
    if "%" in text:
        raise _invalid(pattern, f"Conversion = '{text[text.index('%') + 1 :][:1] or '%'}'")
    return text


def _converted(specifier: _Specifier, kind: str, value: str | None) -> str:
    conversion, precision = specifier.conversion, specifier.precision
    lower = conversion.lower()
    if conversion not in _CONVERSIONS and lower[0] != "t":
        raise Refused(f"format with {specifier.text}")
    if lower == "b":
        text = "false" if value is None or (kind == "b" and value == "false") else "true"
    elif value is None:
        text = "null"
    elif lower == "s":
        text = _plain(kind, value)
    else:
        text = _number_or_moment(specifier, kind, value)
    if precision is not None and (lower in ("s", "b") or value is None):
        text = text[:precision]
    return text.upper() if conversion[0].isupper() else text


def _number_or_moment(specifier: _Specifier, kind: str, value: str) -> str:
    lower = specifier.conversion.lower()
    if lower[0] == "t" and kind in "DTZt":
        return _moment_field(specifier, value, kind)
    if lower == "c" and kind == "i":
        return chr(int(value))
    if lower in "dox" and kind == "i":
        return _integer(specifier, int(value))
    if lower in "efg" and kind in "rfd":
        return _floating(specifier, kind, value)
    raise specifier.unlike(kind)


_JAVA_NAMES = {
    "b": "java.lang.Boolean",
    "i": "java.lang.Long",
    "r": "java.lang.Float",
    "f": "java.lang.Double",
    "d": "java.math.BigDecimal",
    "s": "java.lang.String",
    "D": "java.time.LocalDate",
    "T": "java.time.LocalDateTime",
    "Z": "java.time.ZonedDateTime",
    "t": "java.time.LocalTime",
}


_NUMBER_TEXTS: dict[str, Callable[[str], str]] = {
    "f": lambda value: double_text(float(value)),
    "r": lambda value: real_text(float(value)),
    "d": lambda value: str(Decimal(value)),
}


def _plain(kind: str, value: str) -> str:
    """Return the value as Java's toString."""
    if kind in _NUMBER_TEXTS:
        return _NUMBER_TEXTS[kind](value)
    if kind not in "TZt":
        return value
    found = _MOMENT.fullmatch(value)
    assert found is not None
    fraction = (found["fraction"] or "").ljust(9, "0")
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    seconds = f":{found['second']}" + (f".{fraction}" if fraction else "")
    time = f"{found['hour']}:{found['minute']}{'' if seconds == ':00' else seconds}"
    if kind == "t":
        return time
    zone = found["zone"]
    shown = (
        "" if zone is None else zone if zone[0] in "+-" else f"{_offset(zone, int(found['instant']))}[{zone}]"
    )
    return f"{found['date']}T{time}{shown}"


def _offset(zone: str, instant: int) -> str:
    """Return the offset of a zone, with its seconds. Years that Python does not have use a year that is alike."""
    year, _ = civil(instant // 86_400_000_000)
    if year < 1:
        moment = datetime(1, 1, 2, tzinfo=UTC)
    elif year > 9998:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            days=(instant // 86_400_000_000) % 146_097 + 146_097, microseconds=instant % 86_400_000_000
        )
    else:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    if not offset:
        return "Z"
    seconds = int(abs(offset).total_seconds())
    text = f"{'-' if offset < timedelta() else '+'}{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return f"{text}:{seconds % 60:02d}" if seconds % 60 else text


def _integer(specifier: _Specifier, value: int) -> str:
    flags, conversion = specifier.flags, specifier.conversion.lower()
    if conversion == "d":
        return _signed(f"{abs(value):{',' if ',' in flags else ''}d}", value < 0, specifier)
    prefix = {"o": "0", "x": "0x"}[conversion] if "#" in flags else ""
    digits = f"{value % 2**64:{conversion}}"
    return prefix + (digits.rjust(specifier.width - len(prefix), "0") if "0" in flags else digits)


def _floating(specifier: _Specifier, kind: str, value: str) -> str:
    conversion, flags = specifier.conversion.lower(), specifier.flags
    precision = 6 if specifier.precision is None else specifier.precision
    if kind == "d":
        number = Decimal(value)
    else:
        double = float(np.float32(value)) if kind == "r" else float(value)
        if not math.isfinite(double):
            text = "NaN" if math.isnan(double) else "Infinity"
            return _signed(text, double < 0, replace(specifier, flags=flags.replace("0", "")))
        number = Decimal(repr(double))
    negative, number = number.is_signed(), abs(number)
    if conversion == "g":
        conversion, precision = _general(number, precision or 1)
    if conversion == "f":
        text = f"{_rounded(number, -precision):{',' if ',' in flags else ''}f}"
    else:
        exponent = number.adjusted() if number else 0
        exponent = _rounded(number, exponent - precision).adjusted() if number else 0
        mantissa = _rounded(number.scaleb(-exponent, _EXACT), -precision)
        text = f"{mantissa:f}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return _signed(text, negative, specifier)


def _general(number: Decimal, digits: int) -> tuple[str, int]:
    """Return the conversion for ``%g``, and its precision."""
    rounded = _rounded(number, number.adjusted() - digits + 1) if number else number
    if not rounded or Decimal("0.0001") <= rounded < Decimal(10) ** digits:
        return "f", digits - (rounded.adjusted() if rounded else 0) - 1
    return "e", digits - 1


def _rounded(number: Decimal, exponent: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(exponent), context=_EXACT)


def _signed(digits: str, negative: bool, specifier: _Specifier) -> str:
    flags = specifier.flags
    before, after = ("-", "") if negative else ("+" if "+" in flags else " " if " " in flags else "", "")
    if negative and "(" in flags:
        before, after = "(", ")"
    if "0" in flags:
        digits = digits.rjust(specifier.width - len(before) - len(after), "0")
    return before + digits + after


def _moment_field(specifier: _Specifier, value: str, kind: str) -> str:
    """Return the text of ``%tX``. Source: DateTime in java.util.Formatter"""
    found, letter = _MOMENT.fullmatch(value), specifier.conversion[1]
    assert found is not None
    missing = _DATE_FIELDS if kind == "t" else _TIME_FIELDS if kind == "D" else ""
    if letter in missing or (letter in "zZsQc" and kind != "Z"):
        raise specifier.unlike(kind)
    if letter in _TIME_FIELDS:
        return _time_field(letter, found)
    if letter in _DATE_FIELDS:
        return _date_field(letter, found)
    raise Refused(f"format with {specifier.text}")


def _time_field(letter: str, found: re.Match[str]) -> str:
    hour, minute, second = found["hour"], found["minute"], found["second"]
    half = f"{int(hour) % 12 or 12:02d}"
    am_pm = "pm" if int(hour) >= 12 else "am"
    fraction = (found["fraction"] or "").ljust(9, "0")
    return {
        "H": hour,
        "k": str(int(hour)),
        "I": half,
        "l": str(int(half)),
        "M": minute,
        "S": second,
        "L": fraction[:3],
        "N": fraction,
        "p": am_pm,
        "R": f"{hour}:{minute}",
        "T": f"{hour}:{minute}:{second}",
        "r": f"{half}:{minute}:{second} {am_pm.upper()}",
    }[letter]


def _date_field(letter: str, found: re.Match[str]) -> str:
    year, month, day = int(found["year"]), found["month"], found["day"]
    if not 1 <= year <= 9999:
        raise Refused("format of a date outside of the years 1 to 9999")
    date = datetime(year, int(month), int(day)).date()
    name, weekday = MONTHS[date.month - 1], DAYS[date.weekday()]
    return {
        "B": name,
        "b": name[:3],
        "h": name[:3],
        "A": weekday,
        "a": weekday[:3],
        "C": f"{year // 100:02d}",
        "Y": f"{year:04d}",
        "y": f"{year % 100:02d}",
        "j": f"{date.timetuple().tm_yday:03d}",
        "m": month,
        "d": day,
        "e": str(date.day),
        "D": f"{month}/{day}/{year % 100:02d}",
        "F": f"{year:04d}-{month}-{day}",
    }[letter]


def _invalid(pattern: str, reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: Invalid format string: {pattern} ({reason})", DATA_ERROR)
