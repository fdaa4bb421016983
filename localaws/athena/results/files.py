"""The files in the output location of a query: ``<id>.csv`` or ``<id>.txt``, and ``<file>.metadata``.

Source: https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, overload

import pyarrow as pa
from pyarrow import csv

from localaws.athena.results.result import ResultColumn, Row

# Each value is in quotes, with quotes in it doubled. NULL is an empty field without quotes.
_FIELD = re.compile(rb'(?:"((?:[^"]++|"")*+)")?(?:,|\n)')


def text_file(rows: Iterable[Row]) -> bytes:
    """Return plain lines, the result file of a statement that is not a query."""
    return "".join("\t".join(value or "" for value in row) + "\n" for row in rows).encode()


class CsvIndex:
    """The offsets in a CSV file where a batch begins, and the end of the last batch."""

    def __init__(self, rows: Iterable[int] = (), offsets: Iterable[int] = ()) -> None:
        self._rows, self._offsets = array("q", rows), array("q", offsets)

    def entries(self) -> tuple[list[int], list[int]]:
        """Return the arguments of an equal index."""
        return self._rows.tolist(), self._offsets.tolist()

    def add(self, row: int, offset: int) -> None:
        self._rows.append(row)
        self._offsets.append(offset)

    def __len__(self) -> int:
        return self._rows[-1]

    def before(self, row: int) -> tuple[int, int]:
        """Return the last row with a known offset that is not after ``row``, and its offset."""
        at = bisect_right(self._rows, row) - 1
        return self._rows[at], self._offsets[at]


def write_csv(
    file: IO[bytes], columns: Sequence[ResultColumn], batches: Iterable[pa.RecordBatch]
) -> CsvIndex:
    """Write CSV with a header. Returns an index of the rows."""
    schema = pa.schema([(column.name, pa.string()) for column in columns])
    index, written = CsvIndex(), 0
    # Without PythonFile, pyarrow would close the file together with the writer.
    sink = pa.PythonFile(file, mode="w")
    writer = csv.CSVWriter(sink, schema, write_options=csv.WriteOptions(quoting_style="all_valid"))
    index.add(0, file.tell())
    for batch in batches:
        writer.write(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
        written += len(batch)
        index.add(written, file.tell())
    return index


class CsvRows(Sequence[Row]):
    """The rows of a file that ``write_csv`` wrote. They are read from the file on access."""

    def __init__(
        self, open_file: Callable[[], IO[bytes]], index: CsvIndex, version: Sequence[int] = ()
    ) -> None:
        """``version`` identifies the content of the file, for a later ``open_file``."""
        self._open, self.csv_index, self.version = open_file, index, version

    def __len__(self) -> int:
        return len(self.csv_index)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        """Raises OSError if the file cannot be read."""
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            return list(islice(self._from(start), 0, max(0, stop - start), step))
        if not 0 <= at < len(self):
            raise IndexError(at)
        return next(self._from(at))

    def _from(self, row: int) -> Iterator[Row]:
        known, offset = self.csv_index.before(row)
        with self._open() as file:
            file.seek(offset)
            yield from map(_fields, islice(_records(file), row - known, None))


def _records(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the text of each row. A line break in quotes is part of a value."""
    lines: list[bytes] = []
    inside = False
    for line in file:
        lines.append(line)
        inside ^= bool(line.count(b'"') & 1)
        if not inside:
            yield b"".join(lines)
            lines = []


def _fields(record: bytes) -> Row:
    values = (match.group(1) for match in _FIELD.finditer(record))
    return tuple(None if value is None else value.replace(b'""', b'"').decode() for value in values)


def metadata_file(execution_id: str, columns: Sequence[ResultColumn]) -> bytes:
    """Return the columns as a protobuf message, as Athena writes it: field 1 is the id, each field 4 is a column."""
    messages = b"".join(_field(4, _column_message(column)) for column in columns)
    return _field(1, execution_id.encode()) + messages


def _column_message(column: ResultColumn) -> bytes:
    name = column.name.encode()
    texts = _field(1, b"hive") + _field(4, name) + _field(5, name) + _field(6, column.type.encode())
    unknown_nullability = 3
    numbers = {7: column.precision, 8: column.scale, 9: unknown_nullability, 10: int(column.case_sensitive)}
    return texts + b"".join(
        _varint(number << 3) + _varint(value) for number, value in numbers.items() if value
    )


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(written) + bytes([value])
