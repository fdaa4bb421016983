"""A proposal of a mapping from the beginning of a CSV file."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import SequenceMatcher
from io import StringIO
from itertools import islice
from typing import Any

from emr_pipeline.mapping import SEPARATORS, InputColumn, InputColumns, MappingError

SIMILAR = 0.72
"""The least similarity of a name in the file and a name or an alias of a column."""

MOST = 0.9
"""The share of the values that must be numbers or dates."""

LINES = 1000
"""The number of rows that are read."""

SIGNS = ((".", ""), (",", ""), (",", "."), (".", ","), (",", "space"), (".", "space"), (".", "'"), (",", "'"))
"""Decimal and thousands signs, the most likely first."""

THOUSANDS = {"": "", "space": " \u00a0\u202f", "'": "'\u2019"}

DATES = (
    "dd-MM-yyyy", "yyyy-MM-dd", "dd.MM.yyyy", "d.M.yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "d/M/yyyy", "M/d/yyyy",
    "d-M-yyyy", "MM-dd-yyyy", "yyyy/MM/dd", "yyyy.MM.dd", "yyyyMMdd",
)  # fmt: skip
TIMES = ("", " HH:mm:ss", "THH:mm:ss", " HH:mm", " H:mm", " H:mm:ss")

_PARTS = {
    "yyyy": r"(?P<y>\d{4})", "MM": r"(?P<m>\d{2})", "M": r"(?P<m>\d{1,2})", "dd": r"(?P<d>\d{2})",
    "d": r"(?P<d>\d{1,2})", "HH": r"\d{2}", "H": r"\d{1,2}", "mm": r"\d{2}", "ss": r"\d{2}",
}  # fmt: skip


@dataclass
class Guess:
    """A proposed ``mapping``, the reason for each key or column, and what was not found.

    ``hints`` are keys that the user must decide on. ``unused`` are the names in the file without a column.
    """

    mapping: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return the mapping as YAML with the reasons as comments."""
        lines: list[str] = []
        for key, value in self.mapping.items():
            if isinstance(value, dict):
                lines += [
                    f"{key}:",
                    *(self._line(name, _scalar(text), "  ") for name, text in value.items()),
                ]
            elif isinstance(value, list):
                lines.append(self._line(key, f"[{', '.join(value)}]"))
            else:
                lines.append(self._line(key, _scalar(value)))
        lines += [f"# {hint}" for hint in self.hints]
        if self.not_found:
            lines.append(f"# Not found: {', '.join(self.not_found)}. Add their names in the file to columns.")
        if self.unused:
            lines.append(f"# Columns of the file that are not used: {', '.join(self.unused)}")
        if not self.mapping and not self.not_found:
            lines.insert(0, "# This file needs no mapping.")
        return "\n".join(lines) + "\n"

    def _line(self, key: str, value: str, indent: str = "") -> str:
        reason = f"  # {self.reasons[key]}" if key in self.reasons else ""
        return f"{indent}{key}: {value}{reason}"


def guess(content: bytes, known: InputColumns) -> Guess:
    """Return the proposal for a file that begins with ``content``; raises MappingError if it is not a CSV file."""
    found = Guess()
    rows = _rows(_decoded(content, found), found)
    header = [name.strip() for name in rows[0]]
    columns = [[row[index].strip() for row in rows[1:] if index < len(row)] for index in range(len(header))]
    values = [[value for value in column if value] for column in columns]
    numeric = [_share(column, any_number) >= MOST for column in values]
    formats = [_date_formats(column) for column in values]
    chosen = _assign(header, known, numeric, [bool(each) for each in formats])
    _name_columns(header, known, chosen, found)
    for column in known.columns:
        if column.name in chosen and column.kind == "date":
            _guess_date_format(formats[chosen[column.name]], found)
    numbers = [
        (column, values[chosen[column.name]])
        for column in known.columns
        if column.kind == "number" and column.name in chosen
    ]
    _guess_signs([value for _, texts in numbers for value in texts], found)
    for column, texts in numbers:
        _guess_options(column, texts, found)
    return found


def any_number(text: str) -> bool:
    """Return whether the text is a number with any of SIGNS, perhaps in percent."""
    return any(_is_number(text, decimal, thousands) for decimal, thousands in SIGNS)


def _decoded(content: bytes, found: Guess) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content[:1000]:
        raise MappingError(
            "the file is not text in an encoding that can be read, such as UTF-8: save it as CSV UTF-8"
        )
    # The last line may be cut.
    whole = content[: content.rfind(b"\n") + 1] or content
    try:
        return whole.decode("utf-8-sig")
    except UnicodeDecodeError:
        found.mapping["encoding"] = "windows-1252"
        found.reasons["encoding"] = "it is not UTF-8; text in iso-8859-1 is mostly the same"
        return whole.decode("windows-1252", errors="replace")


def _rows(text: str, found: Guess) -> list[list[str]]:
    """Return the rows by the separator with which most rows have as many fields as the header, and it has most."""
    by_separator = {}
    for name, delimiter in SEPARATORS.items():
        lines = StringIO(text, newline="")  # the csv module needs the line breaks inside quotes
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        try:
            rows = [row for row in islice(reader, LINES) if any(row)]
        except csv.Error as error:
            raise MappingError(f"the file is not CSV: {error}") from None
        fields = len(rows[0]) if rows else 0
        by_separator[name] = (fields > 1, _share(rows, lambda row, n=fields: len(row) == n), fields, rows)
    best = max(by_separator, key=lambda name: by_separator[name][:3])
    several, share, fields, rows = by_separator[best]
    if not several:
        first = text.strip().partition("\n")[0].rstrip()[:200]
        raise MappingError(
            f"no separator found: the first line is {first!r}" if first else "the file is empty"
        )
    if len(rows) == 1:
        raise MappingError("the file has no line below the header")
    if best != ",":
        found.mapping["separator"] = best
        found.reasons["separator"] = f"{share:.0%} of the lines have {fields} fields, as the header"
    return rows


def _assign(
    header: Sequence[str], known: InputColumns, numeric: Sequence[bool], dated: Sequence[bool]
) -> dict[str, int]:
    """Return the index in the header by column: the most similar names first, if the values can be of its kind."""
    scored = []
    for index, name in enumerate(header):
        for column in known.columns:
            fits = {"number": numeric[index], "date": dated[index]}.get(column.kind, True)
            score = _similarity(name, column)
            if fits and score >= SIMILAR:
                scored.append((-score, known.names.index(column.name), index, column.name))
    chosen: dict[str, int] = {}
    for _, _, index, title in sorted(scored):
        if title not in chosen and index not in chosen.values():
            chosen[title] = index
    for column in known.columns:
        free = [index for index in range(len(header)) if dated[index] and index not in chosen.values()]
        if column.kind == "date" and column.name not in chosen and len(free) == 1:
            chosen[column.name] = free[0]
    return chosen


def _name_columns(header: Sequence[str], known: InputColumns, chosen: dict[str, int], found: Guess) -> None:
    renamed = {}
    for column in known.columns:
        if column.name not in chosen:
            continue
        name = header[chosen[column.name]]
        if name.lower() == column.name.lower():
            continue
        renamed[column.name] = name
        score = _similarity(name, column)
        found.reasons[column.name] = (
            "a usual name"
            if score > 0.9
            else "a similar name"
            if score >= SIMILAR
            else "the only column with dates"
        )
    missing = [column for column in known.columns if column.name not in chosen]
    if renamed:
        found.mapping["columns"] = renamed
    if optional := [column.name for column in missing if column.without]:
        found.mapping["without"] = optional
        found.reasons["without"] = "not found in the file"
    found.not_found = [column.name for column in missing if not column.without]
    found.unused = [name for index, name in enumerate(header) if index not in chosen.values()]


def _guess_date_format(formats: Sequence[str], found: Guess) -> None:
    if formats[0] != "dd-MM-yyyy":
        found.mapping["date_format"] = formats[0]
        also = [other for other in formats[1:] if sorted(other.lower()) == sorted(formats[0].lower())]
        found.reasons["date_format"] = (
            f"{also[0]} fits all values, too: check it" if also else "it fits the values"
        )


def _guess_signs(texts: Sequence[str], found: Guess) -> None:
    shares = {signs: _share(texts, lambda text, signs=signs: _is_number(text, *signs)) for signs in SIGNS}
    decimal, thousands = max(shares, key=lambda signs: shares[signs])
    share = f"{shares[decimal, thousands]:.0%} of the numbers fit"
    for key, value, default in (("decimal", decimal, "."), ("thousands", thousands, "")):
        if value != default:
            found.mapping[key] = value
            found.reasons[key] = share


def _guess_options(column: InputColumn, texts: Sequence[str], found: Guess) -> None:
    decimal, thousands = found.mapping.get("decimal", "."), found.mapping.get("thousands", "")
    numbers = [_value(text, decimal, thousands) for text in texts if _is_number(text, decimal, thousands)]
    if column.percent and (any("%" in text for text in texts) or any(number > 1 for number in numbers)):
        found.mapping |= column.percent
        found.reasons |= dict.fromkeys(column.percent, f"{column.name} has values above 1 or with a % sign")
    negative = sum(number < 0 for number in numbers)
    if column.negative and negative:
        keys = ", ".join(f"{key}: {value}" for key, value in column.negative.items())
        found.hints.append(f"{negative} of {len(texts)} values of {column.name} are negative; perhaps {keys}")


def _similarity(name: str, column: InputColumn) -> float:
    """Return 1 for the name of the column, 0.95 for an alias, and less for similar names."""
    given = _words(name)
    if given == _words(column.name):
        return 1.0
    aliases = [_words(alias) for alias in column.aliases]
    if given in aliases:
        return 0.95
    ratios = (SequenceMatcher(None, given, other).ratio() for other in (_words(column.name), *aliases))
    return 0.9 * max(ratios)


def _words(name: str) -> str:
    """Return the words of a name in lower case: ``UnitPrice (EUR)`` is unit price."""
    name = re.sub(r"\(.*?\)|\[.*?\]", "", name)
    name = re.sub(r"(?<=[a-zäöüß])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"\w+", name.replace("_", " ").lower()))


def _is_number(text: str, decimal: str, thousands: str) -> bool:
    signs = THOUSANDS.get(thousands, thousands)
    groups = rf"\d{{1,3}}(?:[{signs}]\d{{3}})+|" if signs else ""
    return bool(re.fullmatch(rf"[+-]?(?:{groups}\d+)(?:[{decimal}]\d+)?\s?%?", text))


def _value(text: str, decimal: str, thousands: str) -> float:
    for sign in THOUSANDS.get(thousands, thousands):
        text = text.replace(sign, "")
    return float(text.replace(decimal, ".").rstrip("% \u00a0\u202f"))


def _date_formats(texts: Sequence[str]) -> list[str]:
    """Return the formats that fit most of the texts, the best ones first."""
    fits: Counter[str] = Counter()
    for each in _formats():
        pattern = re.compile(
            "".join(
                _PARTS.get(part, re.escape(part)) for part in re.findall(r"yyyy|MM|M|dd|d|HH|H|mm|ss|.", each)
            )
        )
        share = _share(texts, lambda text, pattern=pattern: _is_date(pattern, text))
        if share >= MOST:
            fits[each] = round(1000 * share)
    return [each for each, _ in fits.most_common()]


def _formats() -> Iterator[str]:
    for time in TIMES:
        for day in DATES:
            yield f"{day}{time}"


def _is_date(pattern: re.Pattern[str], text: str) -> bool:
    if not (match := pattern.fullmatch(text)):
        return False
    try:
        return 1900 <= date(int(match["y"]), int(match["m"]), int(match["d"])).year < 2200
    except ValueError:
        return False


def _share(items: Sequence[Any], condition: Any) -> float:
    return sum(map(condition, items)) / len(items) if items else 0.0


def _scalar(text: str) -> str:
    return text if re.fullmatch(r"[\w;.][\w ./-]*(?<! )", text) else json.dumps(text, ensure_ascii=False)
