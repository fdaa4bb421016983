"""The partition fields of an Iceberg table, as DDL and CREATE TABLE AS write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed

_FIELD = re.compile(r'\s*(?:(\w+)\s*\(\s*("[^"]+"|\w+)\s*(?:,\s*(\d+)\s*)?\)|("[^"]+"|\w+))\s*')


@dataclass(frozen=True)
class PartitionField:
    """``transform`` is identity, year, month, day, hour, bucket or truncate. ``width`` is the number of buckets, or the
    length to which values are truncated."""

    column: str
    transform: str = "identity"
    width: int | None = None


def parse_partition_field(text: str) -> PartitionField:
    """Parse a field of the property ``partitioning``: ``region``, ``day(ts)`` or ``bucket(id, 16)``.

    Raises QueryFailed. Source: PartitionFields of Trino's Iceberg connector
    """
    found = _FIELD.fullmatch(text)
    if found is None:
        raise QueryFailed(
            f"INVALID_TABLE_PROPERTY: Unable to parse partitioning value: Invalid partition field declaration: {text}",
            SYNTAX_ERROR,
        )
    transform, column, width, name = found.groups()
    if name:
        return PartitionField(name.strip('"').lower())
    return PartitionField(column.strip('"').lower(), transform.lower(), int(width) if width else None)
