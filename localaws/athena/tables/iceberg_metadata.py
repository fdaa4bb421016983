"""The metadata tables of an Iceberg table, for example ``"t$snapshots"``, with the columns of Trino's tables.

Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-metadata.html, and HistoryTable,
SnapshotsTable, RefsTable, FilesTable, ManifestsTable and PartitionsTable of Trino's Iceberg connector
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile, PartitionFieldSummary
from pyiceberg.partitioning import PartitionField
from pyiceberg.table import FileScanTask
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import ancestors_of
from pyiceberg.transforms import IdentityTransform, Transform
from pyiceberg.types import NestedField, PrimitiveType

from localaws.athena import datatypes as dt
from localaws.athena.errors import QueryFailed, not_supported
from localaws.athena.tables.data_files import Scan, Source
from localaws.athena.tables.iceberg_types import athena_type, instants, stored

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
        types = METADATA_TABLES[self.kind][0]
        return types(self.iceberg) if callable(types) else types

    def open(self) -> Source:
        rows = METADATA_TABLES[self.kind][1]
        columns = {name: dt.NULL if type_ is None else type_ for name, type_ in self.column_types.items()}
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


def _data_files(iceberg: IcebergTable) -> list[DataFile]:
    """Return the data files of the current snapshot, without its delete files."""
    try:
        return [task.file for task in iceberg.scan().plan_files() if isinstance(task, FileScanTask)]
    except (ValueError, NotImplementedError) as error:  # for example equality deletes
        raise not_supported(f"the metadata tables of {iceberg.name()[-1]}: {error}") from None


def _files(iceberg: IcebergTable) -> Iterator[Row]:
    fields = _partition_fields(iceberg)
    for file in _data_files(iceberg):
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
            *(_shown_bounds(iceberg, bounds) for bounds in (file.lower_bounds, file.upper_bounds)),
            *(file.key_metadata, file.split_offsets, file.equality_ids),
            *([_partition(iceberg, file)] if fields else []),
        )


def _shown_bounds(iceberg: IcebergTable, bounds: Mapping[int, bytes] | None) -> list[tuple[int, str]] | None:
    """Return the texts of bounds. Bounds of columns that were dropped are not shown."""
    if bounds is None:
        return None
    types = {at: iceberg.schema().find_type(at) for at in bounds if iceberg.schema().find_column_name(at)}
    return [
        (at, _shown(IdentityTransform(), type_, bounds[at]))
        for at, type_ in types.items()
        if isinstance(type_, PrimitiveType)
    ]


def _shown(transform: Transform[Any, Any], type_: PrimitiveType, bound: bytes | None) -> str:
    value = None if bound is None else from_bytes(type_, bound)
    return str(value).lower() if isinstance(value, bool) else transform.to_human_string(type_, value)


def _manifests(iceberg: IcebergTable) -> Iterator[Row]:
    snapshot = iceberg.current_snapshot()
    for manifest in snapshot.manifests(iceberg.io) if snapshot else ():
        fields = iceberg.specs()[manifest.partition_spec_id].fields
        summaries = zip(fields, manifest.partitions or (), strict=False)
        yield (
            *(manifest.manifest_path, manifest.manifest_length, manifest.partition_spec_id),
            manifest.added_snapshot_id,
            *(manifest.added_files_count, manifest.added_rows_count),
            *(manifest.existing_files_count, manifest.existing_rows_count),
            *(manifest.deleted_files_count, manifest.deleted_rows_count),
            [_summary(iceberg, field, summary) for field, summary in summaries],
        )


def _summary(iceberg: IcebergTable, field: PartitionField, summary: PartitionFieldSummary) -> dict[str, Any]:
    type_ = _result_type(iceberg, field)
    return {
        "contains_null": summary.contains_null,
        "contains_nan": summary.contains_nan,
        "lower_bound": _shown(field.transform, type_, summary.lower_bound),
        "upper_bound": _shown(field.transform, type_, summary.upper_bound),
    }


def _partition_fields(iceberg: IcebergTable) -> list[PartitionField]:
    """Return the fields of all partition specs whose columns exist, each once."""
    columns = {column.field_id for column in iceberg.schema().columns}
    found = {field.field_id: field for spec in iceberg.specs().values() for field in spec.fields}
    return [field for field in found.values() if field.source_id in columns]


def _result_type(iceberg: IcebergTable, field: PartitionField) -> PrimitiveType:
    found = field.transform.result_type(iceberg.schema().find_type(field.source_id))
    assert isinstance(found, PrimitiveType)
    return found


def _partition(iceberg: IcebergTable, file: DataFile) -> dict[str, Any]:
    """Return the value of each partition field; NULL for a field that is not in the spec of the file."""
    fields = iceberg.specs()[file.spec_id].fields
    values = {field.field_id: file.partition[at] for at, field in enumerate(fields)}
    return {field.name: values.get(field.field_id) for field in _partition_fields(iceberg)}


def _partitions(iceberg: IcebergTable) -> Iterator[Row]:
    fields, columns = _partition_fields(iceberg), _measured_columns(iceberg)
    partitions: dict[str, list[DataFile]] = {}
    for file in _data_files(iceberg):
        partitions.setdefault(f"{file.spec_id} {file.partition}", []).append(file)
    for files in partitions.values():
        data = [_measures(column, files) for column in columns]
        yield (
            *([_partition(iceberg, files[0])] if fields else []),
            sum(file.record_count for file in files),
            len(files),
            sum(file.file_size_in_bytes for file in files),
            *(
                [None if None in data else dict(zip((c.name for c in columns), data, strict=True))]
                if columns
                else []
            ),
        )


def _measured_columns(iceberg: IcebergTable) -> list[NestedField]:
    """Return the columns of primitive types that are not partition columns."""
    keys = {f.source_id for f in iceberg.spec().fields if isinstance(f.transform, IdentityTransform)}
    return [
        column
        for column in iceberg.schema().columns
        if column.field_id not in keys and isinstance(column.field_type, PrimitiveType)
    ]


def _measures(column: NestedField, files: Sequence[DataFile]) -> dict[str, Any] | None:
    """Return the measures of a column in all files; None if no file has one. A measure that a file lacks is NULL."""
    id_, type_ = column.field_id, column.field_type
    assert isinstance(type_, PrimitiveType)

    def bounds(choose: Callable[[Iterable[Any]], Any], name: str) -> Any:
        found: list[bytes | None] = [
            (getattr(file, name) or {}).get(id_)
            for file in files
            if (file.null_value_counts or {}).get(id_)
            != (file.value_counts or {}).get(id_, file.record_count)
        ]
        known = [from_bytes(type_, bound) for bound in found if bound is not None]
        return choose(known) if known and len(known) == len(found) else None

    def total(name: str) -> int | None:
        found: list[int | None] = [(getattr(file, name) or {}).get(id_) for file in files]
        known = [number for number in found if number is not None]
        return sum(known) if len(known) == len(found) else None

    found = {
        "min": bounds(min, "lower_bounds"),
        "max": bounds(max, "upper_bounds"),
        "null_count": total("null_value_counts"),
        "nan_count": total("nan_value_counts"),
    }
    return None if found["min"] is found["max"] is found["null_count"] is None else found


def _partition_type(iceberg: IcebergTable) -> dict[str, pa.DataType | None]:
    fields = [(field.name, athena_type(_result_type(iceberg, field))) for field in _partition_fields(iceberg)]
    return {"partition": _row(fields)} if fields else {}


def _row(fields: Sequence[tuple[str, pa.DataType | None]]) -> pa.DataType | None:
    """Return the type of a row; None if a part of it cannot be read."""
    if any(type_ is None or dt.kind(type_) == dt.ZONED for _, type_ in fields):
        return None
    return dt.row([pa.field(name.lower(), type_) for name, type_ in fields])


def _partitions_types(iceberg: IcebergTable) -> dict[str, pa.DataType | None]:
    measures = []
    for column in _measured_columns(iceberg):
        type_ = athena_type(column.field_type)
        parts = [("min", type_), ("max", type_), ("null_count", dt.BIGINT), ("nan_count", dt.BIGINT)]
        measures.append((column.name, _row(parts)))
    counts = dict.fromkeys(("record_count", "file_count", "total_size"), dt.BIGINT)
    return {**_partition_type(iceberg), **counts, **({"data": _row(measures)} if measures else {})}


def _files_types(iceberg: IcebergTable) -> dict[str, pa.DataType | None]:
    bounds = dt.map_of(dt.INTEGER, dt.VARCHAR)
    return {
        "content": dt.INTEGER,
        "file_path": dt.VARCHAR,
        "file_format": dt.VARCHAR,
        "record_count": dt.BIGINT,
        "file_size_in_bytes": dt.BIGINT,
        "column_sizes": _COUNTS,
        "value_counts": _COUNTS,
        "null_value_counts": _COUNTS,
        "nan_value_counts": _COUNTS,
        "lower_bounds": bounds,
        "upper_bounds": bounds,
        "key_metadata": dt.VARBINARY,
        "split_offsets": pa.list_(dt.BIGINT),
        "equality_ids": pa.list_(dt.INTEGER),
        **_partition_type(iceberg),
    }


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


_COUNTS = dt.map_of(dt.INTEGER, dt.BIGINT)
_Types = dict[str, pa.DataType | None]
# The columns of each table, and its rows. A column with the type None is refused.
METADATA_TABLES: dict[
    str, tuple[_Types | Callable[[IcebergTable], _Types], Callable[[IcebergTable], Iterator[Row]]]
] = {
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
    "files": (_files_types, _files),
    "manifests": (
        {
            "path": dt.VARCHAR,
            "length": dt.BIGINT,
            "partition_spec_id": dt.INTEGER,
            "added_snapshot_id": dt.BIGINT,
            "added_data_files_count": dt.INTEGER,
            "added_rows_count": dt.BIGINT,
            "existing_data_files_count": dt.INTEGER,
            "existing_rows_count": dt.BIGINT,
            "deleted_data_files_count": dt.INTEGER,
            "deleted_rows_count": dt.BIGINT,
            "partition_summaries": pa.list_(
                dt.row(
                    [
                        pa.field("contains_null", dt.BOOLEAN),
                        pa.field("contains_nan", dt.BOOLEAN),
                        pa.field("lower_bound", dt.VARCHAR),
                        pa.field("upper_bound", dt.VARCHAR),
                    ]
                )
            ),
        },
        _manifests,
    ),
    "partitions": (_partitions_types, _partitions),
}
