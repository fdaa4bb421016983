"""Text tables of LazySimpleSerDe: lines with a separator between fields, and further ones inside of nested values.

Quotes have no meaning. Missing columns are NULL, surplus ones are ignored, and a value that cannot be parsed is NULL.
Source: https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html, and
io.trino.hive.formats.line.simple.SimpleDeserializer, which follows LazySimpleSerDe
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.quoting import duckdb_identifier
from localaws.athena.tables.catalog import Table
from localaws.athena.tables.data_files import DataFile, Scan, Source, compressed_size
from localaws.athena.tables.lines import lines
from localaws.athena.tables.streams import BatchStream
from localaws.athena.tables.text_values import lazy_simple, nested, nested_type

_DEFAULT_SEPARATORS = "\x01\x02\x03\x04\x05\x06\x07\x08"


@dataclass(frozen=True)
class Delimiters:
    """``separators`` has one character for each level of nesting. ``null`` is the text of NULL."""

    separators: str
    escape: str | None
    null: str
    last_takes_rest: bool

    @classmethod
    def of(cls, table: Table) -> Delimiters:
        given = table.serde_properties
        chosen = (
            given.get("field.delim", given.get("serialization.format")),
            given.get("collection.delim", given.get("colelction.delim")),
            given.get("mapkey.delim"),
        )
        separators = [
            _character(table, text, default)
            for text, default in zip(chosen, _DEFAULT_SEPARATORS[:3], strict=True)
        ]
        return cls(
            "".join(separators) + _DEFAULT_SEPARATORS[3:],
            _character(table, given["escape.delim"], "\\") if "escape.delim" in given else None,
            given.get("serialization.null.format", r"\N"),
            given.get("serialization.last.column.takes.rest", "").lower() == "true",
        )


def delimited_source(scan: Scan, files: Sequence[DataFile]) -> Source:
    """Raises QueryFailed for a separator or a property that is not supported."""
    delimiters, types = Delimiters.of(scan.table), scan.file_types
    positions = {column.name: at for at, column in enumerate(scan.table.columns)}
    stored = {name: nested_type(type_, lambda _: pa.string()) for name, type_ in types.items()}
    read = partial(
        _read, scan, delimiters, {positions[name]: type_ for name, type_ in types.items()}, len(positions)
    )
    values = {
        name: scan.cut(name, nested(duckdb_identifier(name), types[name], lazy_simple)) for name in types
    }
    return Source(BatchStream(scan, files, stored, read), values, compressed_size(files))


def _read(
    scan: Scan, delimiters: Delimiters, wanted: dict[int, pa.DataType], width: int, file: DataFile
) -> Iterator[tuple[int, list[pa.Array]]]:
    limit = width - 1 if delimiters.last_takes_rest else None
    for chunk in lines(file.path, file.uri, scan.table.header_lines):
        if not wanted:
            yield len(chunk), []
            continue
        fields = split(chunk, delimiters.separators[0], delimiters.escape, limit)
        yield len(chunk), [_parsed(element(fields, at), type_, delimiters, 1) for at, type_ in wanted.items()]


def _parsed(texts: pa.Array, datatype: pa.DataType, delimiters: Delimiters, level: int) -> pa.Array:
    """Return texts as lists and structs of text. ``level`` is the level of the separators between their parts."""
    texts = pc.if_else(pc.equal(texts, delimiters.null), pa.scalar(None, pa.string()), texts)
    if not pa.types.is_nested(datatype):
        return unescape(texts, delimiters.escape) if datatype == dt.VARCHAR else texts
    separators, escape = delimiters.separators, delimiters.escape
    if level + pa.types.is_map(datatype) >= len(separators):
        raise not_supported("a text table with more than 8 levels of nested values")
    if pa.types.is_struct(datatype):
        fields = split(texts, separators[level], escape)
        parts = [
            _parsed(element(fields, at), field.type, delimiters, level + 1)
            for at, field in enumerate(datatype)
        ]
        names = [field.name for field in datatype]
        return pa.StructArray.from_arrays(parts, names, mask=texts.is_null())
    items = split(texts, separators[level], escape, empty=True)
    if dt.is_array(datatype):
        values = _parsed(items.values, datatype.value_type, delimiters, level + 1)
    else:
        entries = split(items.values, separators[level + 1], escape, 1)
        key, value = datatype.key_type, datatype.item_type
        parts = [
            _parsed(element(entries, at), type_, delimiters, level + 2)
            for at, type_ in ((0, key), (1, value))
        ]
        values = pa.StructArray.from_arrays(parts, ["key", "value"])
    return pa.ListArray.from_arrays(items.offsets, values, mask=texts.is_null())


def split(
    texts: pa.Array, separator: str, escape: str | None, limit: int | None = None, empty: bool = False
) -> pa.ListArray:
    """Return the parts of each text between separators that are not escaped, at most ``limit`` + 1.

    With ``empty`` an empty text has no part instead of one empty part.
    """
    found = _split_pattern(texts, separator, limit)
    escaped = pc.fill_null(pc.match_substring(texts, escape), False) if escape else None
    if escaped is not None and pc.any(escaped).as_py():
        pattern = re.compile(f"(?:{re.escape(escape or '')}.|[^{re.escape(separator)}])*", re.DOTALL)
        slow = [_split_escaped(text, pattern, limit) for text in texts.filter(escaped).to_pylist()]
        found = replaced(found, escaped, pa.array(slow, found.type))
    if empty:
        without = pc.fill_null(pc.equal(texts, ""), False)
        if pc.any(without).as_py():
            nothing = pa.array([[]] * pc.sum(without).as_py(), found.type)
            found = replaced(found, without, nothing)
    return found


def _split_pattern(texts: pa.Array, separator: str, limit: int | None) -> pa.ListArray:
    if limit == 0:
        return pa.ListArray.from_arrays(np.arange(len(texts) + 1, dtype=np.int32), texts)
    return pc.split_pattern(texts, separator, max_splits=limit)


def _split_escaped(text: str, field: re.Pattern[str], limit: int | None) -> list[str]:
    parts: list[str] = []
    start = 0
    while limit is None or len(parts) < limit:
        found = field.match(text, start)
        if found is None or found.end() == len(text):
            break
        parts.append(found.group())
        start = found.end() + 1
    return [*parts, text[start:]]


def replaced(lists: pa.ListArray, chosen: pa.BooleanArray, others: pa.ListArray) -> pa.ListArray:
    """Return ``lists`` with ``others`` instead of the chosen ones."""
    mask = chosen.to_numpy(zero_copy_only=False)
    at = np.arange(len(lists))
    at[mask] = len(lists) + np.arange(mask.sum())
    return pa.concat_arrays([lists, others]).take(pa.array(at))


def element(lists: pa.ListArray, at: int) -> pa.Array:
    """Return the element ``at`` of each list, or NULL."""
    offsets = lists.offsets.to_numpy()
    indexes = offsets[:-1] + at
    return lists.values.take(pa.array(indexes, mask=indexes >= offsets[1:]))


def unescape(texts: pa.Array, escape: str | None) -> pa.Array:
    if escape is None:
        return texts
    return pc.replace_substring_regex(texts, f"(?s){re.escape(escape)}(.)", r"\1")


def _character(table: Table, text: str | None, default: str) -> str:
    """Return the character of a property: the first one, or the one with this number."""
    if not text:
        return default
    number = int(text) if re.fullmatch(r"[+-]?\d+", text) and -128 <= int(text) < 128 else ord(text[0])
    if not 0 <= number < 128:
        raise not_supported(
            f"table {table.database}.{table.name}: the separator {text!r}, which is not ASCII"
        )
    return chr(number)
