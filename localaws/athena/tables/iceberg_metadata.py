"""The metadata tables of an Iceberg table, for example ``"t$snapshots"``, with the columns of Trino's tables.

Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-metadata.html, and HistoryTable,
SnapshotsTable, RefsTable and FilesTable of Trino's Iceberg connector
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyiceberg.table import FileScanTask
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import ancestors_of

from localaws.athena import datatypes as dt
from localaws.athena.errors import QueryFailed, not_supported
from localaws.athena.tables.data_files import Scan, Source
from localaws.athena.tables.iceberg_types import instants, stored

Row = tuple[Any, ...]


@dataclass(eq=False)
class IcebergMetadataScan(Scan):
    """``kind`` is the name of the metadata table, after the ``$``. Raises QueryFailed for one that is not supported."""

    iceberg: IcebergTable = field(kw_only=True)
    kind: str = field(kw_only=True)

    def __post_init__(self) -> None:
        if self.kind not in METADATA_TABLES:
            raise metadata_table_not_supported(f"{self.table.name}${self.kind}")

    @property
    def version(self) -> object:
        return self.iceberg.metadata_location, self.kind

    @property
    def column_types(self) -> dict[str, pa.DataType | None]:
        return METADATA_TABLES[self.kind][0]

    def open(self) -> Source:
        types, rows = METADATA_TABLES[self.kind]
        columns = {name: dt.NULL if type_ is None else type_ for name, type_ in types.items()}
        schema = pa.schema([(name, stored(type_)) for name, type_ in columns.items()])
        found = [dict(zip(columns, row, strict=True)) for row in rows(self.iceberg)]
        return Source(pa.Table.from_pylist(found, schema=schema), instants(columns), 0)


def metadata_table_not_supported(name: str) -> QueryFailed:
    return not_supported(f'the metadata table "{name}"')


def _history(iceberg: IcebergTable) -> Iterator[Row]:
    ancestors = {s.snapshot_id for s in ancestors_of(iceberg.current_snapshot(), iceberg.metadata)}
    for entry in iceberg.metadata.snapshot_log:
        snapshot = iceberg.snapshot_by_id(entry.snapshot_id)
        parent = snapshot.parent_snapshot_id if snapshot else None
        yield _instant(entry.timestamp_ms), entry.snapshot_id, parent, entry.snapshot_id in ancestors


def _snapshots(iceberg: IcebergTable) -> Iterator[Row]:
    for snapshot in iceberg.metadata.snapshots:
        summary = snapshot.summary
        yield (
            _instant(snapshot.timestamp_ms),
            snapshot.snapshot_id,
            snapshot.parent_snapshot_id,
            summary.operation.value if summary else None,
            snapshot.manifest_list,
            list(summary.additional_properties.items()) if summary else None,
        )


def _refs(iceberg: IcebergTable) -> Iterator[Row]:
    for name, ref in iceberg.metadata.refs.items():
        kind = ref.snapshot_ref_type.value.upper()
        yield (
            name,
            kind,
            ref.snapshot_id,
            ref.max_ref_age_ms,
            ref.min_snapshots_to_keep,
            ref.max_snapshot_age_ms,
        )


def _files(iceberg: IcebergTable) -> Iterator[Row]:
    for task in iceberg.scan().plan_files():
        if not isinstance(task, FileScanTask) or task.delete_files:
            raise not_supported(f'"{iceberg.name()[-1]}$files" of a table with delete files')
        file = task.file
        sizes_and_counts = (
            file.column_sizes,
            file.value_counts,
            file.null_value_counts,
            file.nan_value_counts,
        )
        yield (
            *(file.content.value, file.file_path, file.file_format.value),
            *(file.record_count, file.file_size_in_bytes),
            *(None if found is None else list(found.items()) for found in sizes_and_counts),
            *(None, None, file.key_metadata, file.split_offsets, file.equality_ids, None),
        )


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


_COUNTS = dt.map_of(dt.INTEGER, dt.BIGINT)
# The columns of each table, and its rows. A column with the type None is refused.
METADATA_TABLES: dict[str, tuple[dict[str, pa.DataType | None], Callable[[IcebergTable], Iterator[Row]]]] = {
    "history": (
        {
            "made_current_at": dt.zoned(3),
            "snapshot_id": dt.BIGINT,
            "parent_id": dt.BIGINT,
            "is_current_ancestor": dt.BOOLEAN,
        },
        _history,
    ),
    "snapshots": (
        {
            "committed_at": dt.zoned(3),
            "snapshot_id": dt.BIGINT,
            "parent_id": dt.BIGINT,
            "operation": dt.VARCHAR,
            "manifest_list": dt.VARCHAR,
            "summary": dt.map_of(dt.VARCHAR, dt.VARCHAR),
        },
        _snapshots,
    ),
    "refs": (
        {
            "name": dt.VARCHAR,
            "type": dt.VARCHAR,
            "snapshot_id": dt.BIGINT,
            "max_reference_age_in_ms": dt.BIGINT,
            "min_snapshots_to_keep": dt.INTEGER,
            "max_snapshot_age_in_ms": dt.BIGINT,
        },
        _refs,
    ),
    "files": (
        {
            "content": dt.INTEGER,
            "file_path": dt.VARCHAR,
            "file_format": dt.VARCHAR,
            "record_count": dt.BIGINT,
            "file_size_in_bytes": dt.BIGINT,
            "column_sizes": _COUNTS,
            "value_counts": _COUNTS,
            "null_value_counts": _COUNTS,
            "nan_value_counts": _COUNTS,
            "lower_bounds": None,
            "upper_bounds": None,
            "key_metadata": dt.VARBINARY,
            "split_offsets": pa.list_(dt.BIGINT),
            "equality_ids": pa.list_(dt.INTEGER),
            "partition": None,
        },
        _files,
    ),
}
