"""FOR TIMESTAMP AS OF and FOR VERSION AS OF: an older snapshot of an Iceberg table.

Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-time-travel-and-version-travel-queries.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytz
from sqlglot import exp

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.sql.parsing.nodes import position, unsupported
from localaws.athena.sql.parsing.parser import TimestampLiteral

if TYPE_CHECKING:  # pyiceberg is slow to import
    from pyiceberg.table import Table as IcebergTable

_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?)(?: ?([A-Za-z][\w/+-]*|[+-]\d{2}:\d{2}))?"
)


def snapshot_of(version: exp.Expr, iceberg: IcebergTable) -> int:
    """Return the id of the snapshot. Raises QueryFailed if there is none, or if the version is not a literal."""
    value = version.expression.unnest()
    name = ".".join(iceberg.name())
    if str(version.this).upper() == "VERSION":
        if not isinstance(value, exp.Literal) or value.is_string:
            raise unsupported("FOR VERSION AS OF with another version than the id of a snapshot", version)
        if iceberg.snapshot_by_id(int(value.name)) is None:
            raise QueryFailed(
                f"INVALID_ARGUMENTS: {position(version)}Iceberg snapshot ID does not exists: {value.name}",
                SYNTAX_ERROR,
            )
        return int(value.name)
    moment = _moment(value)
    if moment is None:
        raise unsupported("FOR TIMESTAMP AS OF with another value than a TIMESTAMP literal", version)
    found = iceberg.snapshot_as_of_timestamp(int(moment.timestamp() * 1000))
    if found is None:
        raise QueryFailed(
            f"INVALID_ARGUMENTS: {position(version)}No version history table {name} at or before "
            f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            SYNTAX_ERROR,
        )
    return found.snapshot_id


def _moment(value: exp.Expr) -> datetime | None:
    """Return the instant of a literal, in UTC if it has no time zone."""
    found = _MOMENT.fullmatch(value.this.name.strip()) if isinstance(value, TimestampLiteral) else None
    if found is None:
        return None
    try:
        if found[2] and found[2][0] in "+-":
            return datetime.fromisoformat(found[1] + found[2])
        local = datetime.fromisoformat(found[1])
        zoned: datetime = pytz.timezone(found[2] or "UTC").localize(local)
    except (ValueError, pytz.UnknownTimeZoneError):
        return None
    return zoned
