"""Writes the rows of a query to new files below a location on S3: one file for each partition and bucket.

The files become visible on S3 when all are complete. A query that fails leaves none.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.results import formatting
from localaws.athena.tables.hive_layout import NULL_VALUE, escaped_value, join_location
from localaws.athena.writing.buckets import Buckets
from localaws.athena.writing.files import DataFile, open_data_file
from localaws.athena.writing.formats import Output

Writing = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens the file of an ``s3://`` URI. It becomes visible when its block ends without an exception."""

MAX_OPEN_FILES = 100
_BUFFERED_BYTES = 2**26  # of all files


@dataclass(frozen=True)
class Target:
    """``schema`` has the columns of the query; the last ones are the partition keys."""

    location: str
    schema: pa.Schema
    keys: tuple[str, ...]
    output: Output
    buckets: Buckets | None = None
    lengths: dict[str, int] = field(default_factory=dict)
    """The n of the columns that are varchar(n)."""


@contextmanager
def data_writer(target: Target, writing: Writing, manifest: str) -> Iterator[DataWriter]:
    """A context in which the rows are written. ``manifest`` is the URI that a failure names."""
    with ExitStack() as files:
        writer = DataWriter(target, writing, manifest, files)
        yield writer
        writer.close()


class DataWriter:
    """After the rows are written: ``uris`` of the files, ``partitions`` with values and locations."""

    def __init__(self, target: Target, writing: Writing, manifest: str, files: ExitStack) -> None:
        self._target, self._writing, self._manifest, self._files = target, writing, manifest, files
        self._open: dict[tuple[str, int], _OpenFile] = {}
        self._prefix = f"{datetime.now(UTC):%Y%m%d_%H%M%S}_{random.randrange(100_000):05d}_{_letters()}"
        self.rows = 0
        self.uris: list[str] = []
        self.partitions: dict[tuple[str, ...], str] = {}

    def write(self, table: pa.Table) -> None:
        """Write rows. The columns have the order and the types of the target's schema."""
        self._check_lengths(table)
        self.rows += len(table)
        data = table.select([name for name in table.column_names if name not in self._target.keys])
        if not self._target.keys:
            self._write_buckets("", data)
            return
        folders, values = self._partitions(table)
        codes = pc.dictionary_encode(folders)
        for code, folder in enumerate(codes.dictionary.to_pylist()):
            chosen = pc.equal(codes.indices, code)
            at = pc.index(codes.indices, code).as_py()
            self.partitions.setdefault(
                tuple(str(column[at].as_py()) for column in values),
                join_location(self._target.location, folder),
            )
            self._write_buckets(folder, data.filter(chosen))

    def close(self) -> None:
        if not self._open and not self._target.keys and self._target.buckets is None:
            return  # a query without rows writes no file
        for file in self._open.values():
            file.close()

    def _write_buckets(self, folder: str, data: pa.Table) -> None:
        buckets = self._target.buckets
        if buckets is None:
            self._append(folder, 0, data)
            return
        numbers = buckets.numbers(data)
        for bucket in pc.unique(numbers).to_pylist():
            self._append(folder, bucket, data.filter(pc.equal(numbers, bucket)))

    def _append(self, folder: str, bucket: int, data: pa.Table) -> None:
        file = self._open.get((folder, bucket)) or self._opened(folder, bucket, data.schema)
        file.buffer(data)
        if file.buffered > _BUFFERED_BYTES // max(8, len(self._open)):
            file.flush()

    def _opened(self, folder: str, bucket: int, schema: pa.Schema) -> _OpenFile:
        if len(self._open) >= MAX_OPEN_FILES:
            raise QueryFailed(
                "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets. If a data "
                f"manifest file was generated at '{self._manifest}', you may need to manually clean the data from "
                "locations specified in the manifest. Athena will not delete data in your account."
            )
        name = f"{self._prefix}_{uuid4()}"
        if self._target.buckets is not None:
            name = f"{bucket:06d}_0_{self._prefix}"
        folders = [folder] if folder else []
        uri = f"{join_location(self._target.location, *folders)}{name}{self._target.output.suffix}"
        writing = self._files.enter_context(self._writing(uri))
        file = _OpenFile(open_data_file(writing, schema, self._target.output))
        self._open[folder, bucket] = file
        self.uris.append(uri)
        return file

    def _partitions(self, table: pa.Table) -> tuple[pa.Array, list[pa.Array]]:
        """Return the folder of each row, and its values of the partition keys as text."""
        folders, values = [], []
        for key in self._target.keys:
            column = table.column(key).combine_chunks()
            texts = formatting.texts(column, column.type)
            texts = pc.if_else(pc.equal(texts, ""), None, texts).fill_null(NULL_VALUE)
            known = pc.dictionary_encode(texts)
            for value in known.dictionary.to_pylist():
                _check_value(value)
            escaped = pa.array([escaped_value(value) for value in known.dictionary.to_pylist()], pa.string())
            folders.append(pc.binary_join_element_wise(key, escaped.take(known.indices), "="))
            values.append(texts)
        return pc.binary_join_element_wise(*folders, "/"), values

    def _check_lengths(self, table: pa.Table) -> None:
        for name, length in self._target.lengths.items():
            texts = pc.utf8_rtrim(table.column(name), characters=" ")
            longest = pc.max(pc.utf8_length(texts)).as_py()
            if longest is not None and longest > length:
                raise QueryFailed(
                    "INVALID_CAST_ARGUMENT: Cannot truncate non-space characters when casting from varchar to "
                    f"varchar({length}) on INSERT",
                    DATA_ERROR,
                )


class _OpenFile:
    def __init__(self, file: DataFile) -> None:
        self._file = file
        self._waiting: list[pa.Table] = []
        self.buffered = 0

    def buffer(self, data: pa.Table) -> None:
        self._waiting.append(data)
        self.buffered += data.nbytes

    def flush(self) -> None:
        if self._waiting:
            self._file.write(pa.concat_tables(self._waiting).combine_chunks())
            self._waiting, self.buffered = [], 0

    def close(self) -> None:
        self.flush()
        self._file.close()


def _check_value(value: str) -> None:
    if any(not 0x20 <= ord(character) <= 0x7E for character in value):
        raise QueryFailed(
            "HIVE_INVALID_PARTITION_VALUE: Hive partition values can only contain printable ASCII characters "
            f"(0x20 - 0x7E). Invalid value: {' '.join(f'{byte:02X}' for byte in value.encode())}",
            DATA_ERROR,
        )


def _letters() -> str:
    return "".join(random.choices(string.ascii_lowercase + "23456789", k=5))
