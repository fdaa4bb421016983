"""What a statement answers: columns, rows already as text, and the numbers of its statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class ResultColumn:
    """``type`` is Athena's name for it, as in ColumnInfo."""

    name: str
    type: str
    precision: int = 0
    scale: int = 0
    case_sensitive: bool = False


@dataclass(frozen=True)
class Result:
    """Every row can be read again, in any order. ``has_header`` says that it is a query's."""

    columns: tuple[ResultColumn, ...] = ()
    rows: Sequence[Row] = field(default=())
    has_header: bool = False
    scanned_bytes: int = 0


@dataclass(frozen=True)
class RunningQuery:
    """A query's result while it is computed.

    ``batches`` holds texts only, and gives each row once; taking one may raise QueryFailed or QueryCancelled.
    """

    columns: tuple[ResultColumn, ...]
    batches: Iterator[pa.RecordBatch]
    scanned_bytes: int

    @property
    def rows(self) -> Iterator[Row]:
        for batch in self.batches:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
