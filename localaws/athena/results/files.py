"""The objects a query leaves in its output location: ``<id>.csv`` or ``<id>.txt``, and ``.metadata`` beside it.

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

# Every value is in quotes, which are doubled inside; NULL is nothing at all.
_FIELD = re.compile(rb'(?:"((?:[^"]++|"")*+)")?(?:,|\n)')


def text_file(rows: Iterable[Row]) -> bytes:
    """Return plain lines: the file of anything but a query."""
    return "".join("\t".join(value or "" for value in row) + "\n" for row in rows).encode()


class CsvIndex:
    """Where rows begin in a file: the first of each batch, and the end."""

    def __init__(self) -> None:
        self._rows, self._offsets = array("q"), array("q")

    def add(self, row: int, offset: int) -> None:
        self._rows.append(row)
        self._offsets.append(offset)

    def __len__(self) -> int:
        return self._rows[-1]

    def before(self, row: int) -> tuple[int, int]:
        """Return the last row known that is not after ``row``, and its offset."""
        at = bisect_right(self._rows, row) - 1
        return self._rows[at], self._offsets[at]


def write_csv(
    file: IO[bytes], columns: Sequence[ResultColumn], batches: Iterable[pa.RecordBatch]
) -> CsvIndex:
    """CSV with a header, every value in quotes and NULL as nothing at all. Returns where its rows are."""
    schema = pa.schema([(column.name, pa.string()) for column in columns])
    index, written = CsvIndex(), 0
    # pyarrow would close the file, which is not its own, with the writer.
    sink = pa.PythonFile(file, mode="w")
    writer = csv.CSVWriter(sink, schema, write_options=csv.WriteOptions(quoting_style="all_valid"))
    index.add(0, file.tell())
    for batch in batches:
        writer.write(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
        written += len(batch)
        index.add(written, file.tell())
    return index


class CsvRows(Sequence[Row]):
    """The rows of a file that ``write_csv`` wrote, read from it when they are asked for."""

    def __init__(self, open_file: Callable[[], IO[bytes]], index: CsvIndex) -> None:
        self._open, self._index = open_file, index

    def __len__(self) -> int:
        return len(self._index)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        """Raises OSError when the file cannot be read."""
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            return list(islice(self._from(start), 0, max(0, stop - start), step))
        if not 0 <= at < len(self):
            raise IndexError(at)
        return next(self._from(at))

    def _from(self, row: int) -> Iterator[Row]:
        known, offset = self._index.before(row)
        with self._open() as file:
            file.seek(offset)
            yield from map(_fields, islice(_records(file), row - known, None))


def _records(file: IO[bytes]) -> Iterator[bytes]:
    """One row after the other: a line break inside quotes belongs to a value."""
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
    """The columns as a protobuf message, as readers of the real file find them: the id is field 1, each column a
    message in field 4."""
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
