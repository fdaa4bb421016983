"""CSV tables of OpenCSVSerde: quoted fields, one row in each line.

Columns are strings. A number, a boolean, a date (days since 1970) or a timestamp (milliseconds since 1970) that cannot
be parsed fails the query. Source: https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html, and
io.trino.hive.formats.line.csv.CsvDeserializer, which follows OpenCSVSerde
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
from localaws.athena.tables.delimited import element, replaced, split
from localaws.athena.tables.lines import lines
from localaws.athena.tables.streams import BatchStream
from localaws.athena.tables.text_values import (
    boolean,
    java_number,
    matches,
    or_bad_data,
    refused_unless_valid,
)


@dataclass(frozen=True)
class Csv:
    separator: str
    quote: str
    escape: str

    @classmethod
    def of(cls, table: Table) -> Csv:
        given = table.serde_properties
        defaults = {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"}
        found = [(given.get(name) or default)[0] for name, default in defaults.items()]
        if not "".join(found).isascii() or len(set(found[:2])) < 2 or found[0] == found[2]:
            raise not_supported(
                f"table {table.database}.{table.name}: separatorChar, quoteChar and escapeChar must be different "
                f"ASCII characters, not {found}"
            )
        # Hive's OpenCSVSerde ignores an escape character that is the quote of its CSV writer.
        return cls(found[0], found[1], "\\" if found[2] == '"' else found[2])


def open_csv_source(scan: Scan, files: Sequence[DataFile]) -> Source:
    """Raises QueryFailed for a column with a type that OpenCSVSerde does not have."""
    table, csv = scan.table, Csv.of(scan.table)
    types = scan.file_types
    positions = {column.name: at for at, column in enumerate(table.columns)}
    values = {
        name: scan.cut(name, _value(duckdb_identifier(name), type_, positions[name], table))
        for name, type_ in types.items()
    }
    read = partial(_read, table.header_lines, csv, [positions[name] for name in types])
    stream = BatchStream(scan, files, dict.fromkeys(types, pa.string()), read)
    return Source(stream, values, compressed_size(files))


def _read(header: int, csv: Csv, wanted: list[int], file: DataFile) -> Iterator[tuple[int, list[pa.Array]]]:
    for chunk in lines(file.path, file.uri, header):
        fields = _fields(chunk, csv, max(wanted) + 1) if wanted else None
        yield len(chunk), [element(fields, at) for at in wanted]


def _fields(chunk: pa.StringArray, csv: Csv, width: int) -> pa.ListArray:
    """Return the fields of each line; an empty line has none."""
    special = pc.or_(pc.match_substring(chunk, csv.quote), pc.match_substring(chunk, csv.escape))
    found = split(chunk, csv.separator, None, empty=True)
    if not pc.any(special).as_py():
        return found
    return replaced(found, special, _quoted_fields(chunk.filter(special), csv, width))


def _quoted_fields(chunk: pa.StringArray, csv: Csv, width: int) -> pa.ListArray:
    """Return the fields of lines with quotes. Most lines have quotes only around whole fields."""
    quote, escape, separator = (re.escape(c) for c in (csv.quote, csv.escape, csv.separator))
    field = f"(?:[^{quote}{escape}{separator}]*|{quote}[^{quote}{escape}]*{quote})"
    plain = pc.match_substring_regex(chunk, f"^{field}(?:{separator}{field})*$")
    found = _plainly_quoted(chunk.filter(plain), csv)
    others = [_parse(line, csv, width) for line in chunk.filter(pc.invert(plain)).to_pylist()]
    order = np.argsort(np.argsort(~plain.to_numpy(zero_copy_only=False), kind="stable"), kind="stable")
    return pa.concat_arrays([found, pa.array(others, found.type)]).take(pa.array(order))


def _plainly_quoted(chunk: pa.StringArray, csv: Csv) -> pa.ListArray:
    """Split lines with quotes only around whole fields: a separator is in quotes after an odd number of quotes."""
    chunk = pa.concat_arrays([chunk])  # without an offset
    offsets = np.frombuffer(chunk.buffers()[1], np.int32)[: len(chunk) + 1]
    content = np.frombuffer(chunk.buffers()[2] or b"", np.uint8)[: offsets[-1]].copy()
    quotes = content == ord(csv.quote)
    inside = np.cumsum(quotes) % 2 == 1
    unused = next(
        c for c in range(256) if c not in (10, 13) and (c < 32 or c == 127) and not (content == c).any()
    )
    content[inside & (content == ord(csv.separator))] = unused
    removed = np.concatenate([[0], np.cumsum(quotes)])
    shorter = (offsets - removed[offsets]).astype(np.int32)
    kept = pa.StringArray.from_buffers(len(chunk), pa.py_buffer(shorter), pa.py_buffer(content[~quotes]))
    fields = split(kept, csv.separator, None)
    values = pc.replace_substring(fields.values, chr(unused), csv.separator)
    return pa.ListArray.from_arrays(fields.offsets, values)


def _parse(line: str, csv: Csv, width: int) -> list[str | None]:
    """Return at most ``width`` fields of a line, as OpenCSVSerde's parser reads them. An unfinished field is NULL."""
    fields: list[str | None] = []
    text, in_quotes, in_field, at = "", False, False, 0
    while at < len(line) and len(fields) < width:
        character, following = line[at], line[at + 1 : at + 2]
        if character == csv.escape:
            if (in_quotes or in_field) and following in (csv.quote, csv.escape):
                text += following
                at += 1
        elif character == csv.quote:
            if (in_quotes or in_field) and following == csv.quote:
                text += following
                at += 1
            else:
                beside = (line[at - 1], following)
                if at > 2 and following and csv.separator not in beside:
                    text = "" if text and text.isspace() else text + character
                in_quotes = not in_quotes
            in_field = not in_field
        elif character == csv.separator and not in_quotes:
            fields.append(text)
            text, in_field = "", False
        else:
            text += character
            in_field = True
        at += 1
    return [*fields, None if in_quotes else text]


def _value(text: str, datatype: pa.DataType, column: int, table: Table) -> str:
    as_null = table.null_for_invalid_data
    if datatype == dt.VARCHAR:
        return text
    if datatype == dt.BOOLEAN:
        parsed = boolean(text)
        return parsed if as_null else refused_unless_valid(parsed, text, "the boolean ")
    if datatype == dt.DOUBLE:
        return or_bad_data(java_number(text, datatype), text, column, as_null)
    stored = dt.INTEGER if datatype == dt.INTEGER else dt.BIGINT
    number = or_bad_data(
        f"CASE WHEN {matches(text, '[+-]?[0-9]+')} THEN TRY_CAST({text} AS {dt.duckdb_name(stored)}) END",
        text,
        column,
        as_null,
    )
    if datatype in (dt.INTEGER, dt.BIGINT):
        return number
    if datatype == dt.DATE:
        return f"DATE '1970-01-01' + CAST({number} AS INTEGER)"
    if datatype == dt.TIMESTAMP:
        return f"make_timestamp(1000 * {number})"
    raise not_supported(
        f"column {table.columns[column].name} {table.columns[column].type} of table {table.database}.{table.name}: "
        "OpenCSVSerde has the types string, boolean, int, bigint, double, date and timestamp"
    )
