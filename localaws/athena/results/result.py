"""The result of a statement: columns, rows as text, and the number of scanned bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class ResultColumn:
    """A column as in ColumnInfo. ``type`` is Athena's name of the type."""

    name: str
    type: str
    precision: int = 0
    scale: int = 0
    case_sensitive: bool = False


@dataclass(frozen=True)
class Result:
    """A complete result. Its rows can be read repeatedly, in any order. ``has_header`` is true for a query."""

    columns: tuple[ResultColumn, ...] = ()
    rows: Sequence[Row] = field(default=())
    has_header: bool = False
    scanned_bytes: int = 0
    update_count: int = 0
    """The number of rows that the statement has written."""
    files: Sequence[str] = field(default=())
    """The URIs of the data files that the statement has written."""


@dataclass(frozen=True)
class RunningQuery:
    """The result of a running query.

    ``batches`` has only columns of text and can be read only once. Reading may raise QueryFailed or QueryCancelled.
    """

    columns: tuple[ResultColumn, ...]
    batches: Iterator[pa.RecordBatch]
    scanned_bytes: int

    @property
    def rows(self) -> Iterator[Row]:
        for batch in self.batches:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
