"""FOR TIMESTAMP AS OF and FOR VERSION AS OF: an older snapshot of an Iceberg table.

Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-time-travel-and-version-travel-queries.html
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.sql.parsing.nodes import position, unsupported
from localaws.athena.sql.parsing.parser import parse_query

if TYPE_CHECKING:  # pyiceberg is slow to import
    from pyiceberg.table import Table as IcebergTable

Evaluate = Callable[[exp.Expr], tuple[Any, pa.DataType]]
"""Returns the value and the type of a query with one row and one column."""


def snapshot_of(version: exp.Expr, iceberg: IcebergTable, evaluate: Evaluate) -> int:
    """Return the id of the snapshot. Raises QueryFailed if there is none, or if the version is not constant."""
    given, name = version.expression, ".".join(iceberg.name())
    clause = f"FOR {str(version.this).upper()} AS OF"
    if given.find(exp.Query):
        raise unsupported(f"{clause} with a subquery", version)
    value, type_ = evaluate(exp.select(given.copy()))
    if value is None:
        raise QueryFailed(f"INVALID_ARGUMENTS: {position(version)}Pointer value cannot be NULL", SYNTAX_ERROR)
    if str(version.this).upper() == "VERSION":
        if type_ not in dt.INTEGERS:
            raise unsupported(f"{clause} a {dt.trino_name(type_)}; write the id of a snapshot", version)
        if iceberg.snapshot_by_id(value) is None:
            raise QueryFailed(
                f"INVALID_ARGUMENTS: {position(version)}Iceberg snapshot ID does not exists: {value}",
                SYNTAX_ERROR,
            )
        return int(value)
    if type_ != dt.DATE and dt.kind(type_) not in ("timestamp", dt.ZONED):
        raise QueryFailed(
            f"TYPE_MISMATCH: {position(version)}Type {dt.trino_name(type_)} invalid. Temporal pointers must be of "
            "type timestamp, timestamp with time zone or date",
            SYNTAX_ERROR,
        )
    instant = parse_query("SELECT to_unixtime(CAST(moment AS timestamp(6) with time zone))")
    for column in instant.find_all(exp.Column):
        column.replace(given.copy())
    seconds, _ = evaluate(instant)
    milliseconds = round(seconds * 1_000_000) // 1000
    found = iceberg.snapshot_as_of_timestamp(milliseconds)
    if found is None:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
        raise QueryFailed(
            f"INVALID_ARGUMENTS: {position(version)}No version history table {name} at or before "
            f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}",
            SYNTAX_ERROR,
        )
    return found.snapshot_id
