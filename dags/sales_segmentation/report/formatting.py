"""Numbers, dates and names as text in English; a value that is unknown is a dash.

``parse_number`` and ``parse_column`` read the text of Athena's results.
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from datetime import date

UNKNOWN = "–"

CURRENCY = ContextVar("CURRENCY", default="€")
"""What is written before an amount. The original data names no currency; its seller is German."""

SIGNS = {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$"}
"""The signs of currencies by their ISO codes; others are written as codes."""

UNITS = ((1e9, 1e9, "billion"), (1e6, 1e6, "million"), (1e4, 1e3, "thousand"))
"""The smallest number that is written with the unit, the divisor, and the unit."""


def parse_number(text: str) -> float | None:
    """Return a number in a result of Athena; None for NULL and for a number that is not finite."""
    value = float(text) if text else math.nan
    return value if math.isfinite(value) else None


def parse_column(rows: list[dict[str, str]], column: str) -> list[float]:
    """Return the numbers of a column; unknown ones are 0."""
    return [parse_number(row[column]) or 0.0 for row in rows]


def integer(value: float | None) -> str:
    """``1048575`` is 1,048,575."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def decimal(value: float | None, digits: int = 2) -> str:
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """``12.34`` is 12.3%; a positive value that would be rounded to zero is <0.1%."""
    if value is None:
        return UNKNOWN
    least: float = 10**-digits
    return f"<{least:.{digits}f}%" if 0 < value < least / 2 else f"{value:,.{digits}f}%"


def money(value: float | None) -> str:
    """``1234.5`` is €1,235."""
    return UNKNOWN if value is None else f"{CURRENCY.get()}{value:,.0f}"


def short_money(value: float | None) -> str:
    """Write three significant digits and a unit: ``7695818`` is €7.70 million."""
    if value is None:
        return UNKNOWN
    for limit, size, name in UNITS:
        if abs(value) >= limit:
            scaled = value / size
            digits = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0
            return f"{CURRENCY.get()}{scaled:.{digits}f} {name}"
    return money(value)


def tick(value: float, unit: str = "") -> str:
    """Return a number for the axis of a chart: ``50000`` is 50 thousand."""
    for limit, size, name in UNITS:
        if abs(value) >= limit:
            return f"{unit}{value / size:g} {name}"
    return f"{unit}{value:,g}"


def dollars(value: float | None) -> str:
    return UNKNOWN if value is None else f"${value:,.2f}"


def duration(seconds: float | None) -> str:
    """``171`` is 2 min 51 s."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def files(count: int | None) -> str:
    """``1`` is 1 file."""
    return f"{integer(count)} file{'' if count == 1 else 's'}"


def size(count: float | None) -> str:
    """``4934148`` is 4.9 MB."""
    if count is None:
        return UNKNOWN
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= limit:
            return f"{count / limit:,.1f} {unit}"
    return f"{count:.0f} bytes"


def day(text: str) -> str:
    """``2026-01-31`` is 31 January 2026."""
    if not text:
        return UNKNOWN
    found = date.fromisoformat(text[:10])
    return f"{found.day} {found:%B %Y}"


def month(text: str) -> str:
    """``2026-01-01`` is January 2026."""
    return f"{date.fromisoformat(text[:10]):%B %Y}" if text else UNKNOWN


def plain_words(name: str) -> str:
    """``missing_key`` is missing key."""
    return name.replace("_", " ") or UNKNOWN
