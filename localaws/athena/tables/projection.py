"""Partition projection: the partitions of a table are computed from its properties instead of read from Glue.

Source: https://docs.aws.amazon.com/athena/latest/ug/partition-projection-setting-up.html and
https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from math import prod

from localaws.athena.errors import SCHEMA_ERROR, QueryFailed, not_supported
from localaws.athena.tables.catalog import Table, TableColumn
from localaws.athena.tables.hive_layout import join_location

_MAX_PARTITIONS = 1_000_000
_NOW = re.compile(r"\s*NOW\s*(?:([+-])\s*(\d+)\s*(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?\s*)?")
_UNITS = ("YEARS", "MONTHS", "WEEKS", "DAYS", "HOURS", "MINUTES", "SECONDS")
# The letters of Java's DateTimeFormatter, with those of strftime.
_FORMAT = {
    **{"yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MM": "%m", "M": "%m", "MMM": "%b", "MMMM": "%B", "dd": "%d"},
    **{"d": "%d", "DDD": "%j", "HH": "%H", "H": "%H", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S"},
    **{"EEE": "%a", "EEEE": "%A", "a": "%p", "hh": "%I"},
}
_UNPADDED = {"M", "d", "H", "m", "s"}
_FORMAT_TOKEN = re.compile(r"'[^']*'|([A-Za-z])\1*|.", re.DOTALL)
_STRING = re.compile(r"'((?:[^']|'')*)'")
_LAST = "\U0010ffff"  # after all other characters

# Returns the texts that fulfil the conditions of the query on one key.
Prune = Callable[[TableColumn, Sequence[str]], list[str]]


def is_projected(table: Table) -> bool:
    return table.properties.get("projection.enabled", "").strip().lower() == "true"


def projected_partitions(
    table: Table, conditions: Sequence[str], prune: Prune
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the location and the key values of each partition. ``conditions`` is the SQL of the query on the keys.

    Raises QueryFailed for an invalid property, and for an injected key without a condition of equality.
    """
    values = [prune(key, _values(table, key, conditions, prune)) for key in table.partition_keys]
    if prod(map(len, values)) > _MAX_PARTITIONS:
        raise not_supported(
            f"{prod(map(len, values))} projected partitions of table {table.database}.{table.name}; add a condition "
            "on its partition keys"
        )
    for texts in product(*values):
        yield _location(table, texts), texts


def _values(table: Table, key: TableColumn, conditions: Sequence[str], prune: Prune) -> list[str]:
    projection = _Projection(table, key.name)
    match projection.required("type").strip().lower():
        case "enum":
            return projection.required("values").split(",")
        case "integer":
            return _integers(projection)
        case "date":
            return _dates(projection)
        case "injected":
            return _injected(key, conditions, prune)
        case _:
            raise projection.invalid("type", "must be enum, integer, date or injected")


@dataclass(frozen=True)
class _Projection:
    table: Table
    key: str

    def get(self, name: str) -> str | None:
        return self.table.properties.get(f"projection.{self.key}.{name}")

    def required(self, name: str) -> str:
        found = self.get(name)
        if found is None:
            raise self.invalid(name, "is missing")
        return found

    def positive(self, name: str) -> int | None:
        text = self.get(name)
        if text is None:
            return None
        if not text.strip().isdecimal() or int(text) == 0:
            raise self.invalid(name, "must be a positive integer")
        return int(text)

    def invalid(self, name: str, reason: str) -> QueryFailed:
        return QueryFailed(
            f"INVALID_TABLE_PROPERTY: Table {self.table.database}.{self.table.name}: the property "
            f"projection.{self.key}.{name} {reason} (value: {self.get(name)!r})",
            SCHEMA_ERROR,
        )

    def range(self) -> tuple[str, str]:
        parts = self.required("range").split(",")
        if len(parts) != 2:
            raise self.invalid("range", "must have two values")
        return parts[0], parts[1]


def _integers(projection: _Projection) -> list[str]:
    low, high = projection.range()
    try:
        numbers = range(int(low), int(high) + 1, projection.positive("interval") or 1)
    except ValueError:
        raise projection.invalid("range", "must have two integers") from None
    digits = projection.positive("digits") or 0
    if len(numbers) > _MAX_PARTITIONS:
        raise not_supported(f"{len(numbers)} projected values of {projection.key}")
    return [f"{'-' if n < 0 else ''}{abs(n):0{digits}d}" for n in numbers]


def _injected(key: TableColumn, conditions: Sequence[str], prune: Prune) -> list[str]:
    """Return the strings in the conditions. If another text fulfils the conditions, they are not equalities."""
    if not key.type.startswith(("string", "varchar")):
        raise not_supported(f"the injected partition key {key.name} {key.type}, which is not a string")
    texts = {text.replace("''", "'") for condition in conditions for text in _STRING.findall(condition)}
    others = {
        "",
        _LAST,
        *(f"{text.strip('%_')}{_LAST}" for text in texts),
        *(f"{_LAST}{text}" for text in texts),
    }
    others |= {text.swapcase() for text in texts}
    if prune(key, sorted(others - texts)):
        raise QueryFailed(
            f"CONSTRAINT_VIOLATION: For the injected projected partition column {key.name}, the WHERE clause must "
            "contain only static equality conditions, and at least one such condition must be present.",
            SCHEMA_ERROR,
        )
    return sorted(texts)


# ---------------------------------------------------------------- dates
def _dates(projection: _Projection) -> list[str]:
    date_format = _DateFormat.of(projection)
    low, high = (_moment(projection, date_format, text) for text in projection.range())
    interval, unit = projection.positive("interval"), projection.get("interval.unit")
    if unit is None:
        if date_format.unit is None:
            raise projection.invalid("interval.unit", "is missing")
        unit = date_format.unit
    unit = unit.strip().upper()
    if unit not in _UNITS:
        raise projection.invalid("interval.unit", f"must be one of {', '.join(_UNITS)}")
    if interval is None and date_format.unit is None:
        raise projection.invalid("interval", "is missing")
    moments = list(islice(_moments(low, high, interval or 1, unit), _MAX_PARTITIONS + 1))
    if len(moments) > _MAX_PARTITIONS:
        raise not_supported(f"more than {_MAX_PARTITIONS} projected values of {projection.key}")
    return list(dict.fromkeys(map(date_format.text, moments)))


@dataclass(frozen=True)
class _DateFormat:
    """A format of Java's DateTimeFormatter."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, projection: _Projection) -> _DateFormat:
        parts = tuple(found.group() for found in _FORMAT_TOKEN.finditer(projection.required("format")))
        for part in parts:
            if part[0].isalpha() and part not in _FORMAT:
                raise not_supported(f"the letters {part} in projection.{projection.key}.format")
        return cls(parts)

    @property
    def unit(self) -> str | None:
        """The unit of the values if they are days or months, for which the interval is optional."""
        letters = {part[0] for part in self.parts if part[0].isalpha()}
        if letters & set("HhmsSa"):
            return None
        return "DAYS" if letters & set("dD") else "MONTHS" if "M" in letters else None

    def text(self, moment: datetime) -> str:
        return "".join(self._text(part, moment) for part in self.parts)

    def _text(self, part: str, moment: datetime) -> str:
        if part not in _FORMAT:
            return part[1:-1] or "'" if part[0] == "'" else part
        text = moment.strftime(_FORMAT[part])
        return text.lstrip("0") or "0" if part in _UNPADDED else text.zfill(len(part))

    def parse(self, text: str) -> datetime:
        """Raises ValueError."""
        pattern = "".join(
            _FORMAT.get(part, (part[1:-1] or "'" if part[0] == "'" else part).replace("%", "%%"))
            for part in self.parts
        )
        return datetime.strptime(text, pattern)


def _moment(projection: _Projection, date_format: _DateFormat, text: str) -> datetime:
    relative = _NOW.fullmatch(text)
    try:
        if relative is None:
            return date_format.parse(text)
        sign, count, unit = relative.groups()
        now = datetime.now(UTC).replace(tzinfo=None)
        moved = _later(now, int(f"{sign}{count}"), f"{unit}S") if sign else now
        return date_format.parse(date_format.text(moved))
    except (ValueError, OverflowError):
        raise projection.invalid("range", "must have two dates in the format of the key, or NOW") from None


def _moments(low: datetime, high: datetime, interval: int, unit: str) -> Iterator[datetime]:
    moment, count = low, 0
    while moment <= high:
        yield moment
        count += interval
        moment = _later(low, count, unit)


def _later(moment: datetime, count: int, unit: str) -> datetime:
    """Return the moment ``count`` units later. The day of a shorter month is its last one, as in Java."""
    if unit not in ("YEARS", "MONTHS"):
        return moment + timedelta(**{unit.lower(): count})
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "YEARS" else 1)
    year, month = divmod(months, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1)


# ---------------------------------------------------------------- locations
def _location(table: Table, texts: Sequence[str]) -> str:
    keys = [key.name for key in table.partition_keys]
    template = table.properties.get("storage.location.template")
    if template is None:
        names = [f"{key}={text}" for key, text in zip(keys, texts, strict=True)]
        return join_location(table.location, *names)
    for key, text in zip(keys, texts, strict=True):
        placeholder = f"${{{key}}}"
        if placeholder not in template:
            raise QueryFailed(
                f"INVALID_TABLE_PROPERTY: Table {table.database}.{table.name}: the property storage.location.template "
                f"must contain {placeholder} (value: {template!r})",
                SCHEMA_ERROR,
            )
        template = template.replace(placeholder, text)
    return template
