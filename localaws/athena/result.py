"""What a statement answers: columns, rows already as text, and the numbers of its statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    columns: tuple[ResultColumn, ...] = ()
    rows: Sequence[Row] = field(default=())
    has_header: bool = False
    scanned_bytes: int = 0
