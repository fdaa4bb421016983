"""The rows of an Iceberg table: of its current snapshot, or of an older one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported
from localaws.athena.tables.data_files import PATH_COLUMN, Scan, Source
from localaws.athena.tables.iceberg_types import athena_type, instants, stored

_READ_FORMATS = (FileFormat.PARQUET, FileFormat.ORC)


@dataclass(eq=False)
class IcebergScan(Scan):
    """``snapshot`` is the id of an older snapshot; None for the current one.

    ``row_filter`` is true for all rows that a query needs. Files in which it is false for all rows are not read. Its
    columns have the names of the current schema.
    """

    iceberg: IcebergTable = field(kw_only=True)
    snapshot: int | None = None
    row_filter: BooleanExpression = field(default_factory=AlwaysTrue)

    @property
    def version(self) -> object:
        return self.iceberg.metadata_location, self.snapshot

    @property
    def schema(self) -> Schema:
        return self.iceberg.scan(snapshot_id=self.snapshot).projection()

    @property
    def column_types(self) -> dict[str, pa.DataType | None]:
        """The types of all columns; None if a column cannot be read. Names are in lower case, as in Athena."""
        return {column.name.lower(): athena_type(column.field_type) for column in self.schema.columns}

    def tasks(self, row_filter: BooleanExpression | None = None) -> list[FileScanTask]:
        """Plan the files, or those with rows for which a filter can be true. Raises QueryFailed if one of them cannot
        be read."""
        try:
            scan = self.iceberg.scan(snapshot_id=self.snapshot)
            if row_filter is not None and _has_no_equality_deletes(scan.snapshot()):
                scan = scan.filter(row_filter)
            tasks = [task for task in scan.plan_files() if isinstance(task, FileScanTask)]
        except (ValueError, NotImplementedError) as error:  # for example equality deletes
            raise not_supported(f"table {self.table.database}.{self.table.name}: {error}") from None
        except OSError as error:
            raise _bad_data(error) from None
        for task in tasks:
            if task.file.file_format not in _READ_FORMATS:
                raise not_supported(
                    f"the {task.file.file_format.value} file {task.file.file_path} of Iceberg"
                )
        return tasks

    def open(self) -> Source:
        tasks = self.tasks(self.row_filter)
        types = self._chosen_types
        schema = pa.schema([*((name, stored(t)) for name, t in types.items()), (PATH_COLUMN, dt.VARCHAR)])
        return Source(_Stream(schema, lambda: self._batches(tasks, schema)), instants(types), bytes_of(tasks))

    def rows(self, tasks: Sequence[FileScanTask]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of some files, with the columns of this scan as they are stored. Raises QueryFailed."""
        schema = pa.schema([(name, stored(type_)) for name, type_ in self._chosen_types.items()])
        return _checked(self._batches(tasks, schema))

    @property
    def _chosen_types(self) -> dict[str, pa.DataType]:
        """The types of the columns that are read: at least one, so that the rows are counted."""
        types = {name: dt.NULL if type_ is None else type_ for name, type_ in self.column_types.items()}
        return {name: types[name] for name in types if name in self.columns} or dict(
            [next(iter(types.items()))]
        )

    def _batches(self, tasks: Sequence[FileScanTask], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        types = self._chosen_types
        chosen = tuple(column.name for column in self.schema.columns if column.name.lower() in types)
        projected = self.iceberg.scan(snapshot_id=self.snapshot, selected_fields=chosen).projection()
        for task in tasks:
            read = ArrowScan(self.iceberg.metadata, self.iceberg.io, projected, AlwaysTrue())
            for batch in read.to_record_batches([task]):
                columns = [
                    pa.nulls(len(batch)) if type_ == dt.NULL else _as_stored(column, type_)
                    for column, type_ in zip(batch.columns, types.values(), strict=True)
                ]
                if PATH_COLUMN in schema.names:
                    columns.append(pa.repeat(pa.scalar(task.file.file_path, dt.VARCHAR), len(batch)))
                yield pa.RecordBatch.from_arrays(columns, schema=schema)


class _Stream:
    """Batches that DuckDB reads as often as a query needs them."""

    def __init__(self, schema: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self._schema, self._batches = schema, batches

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        reader = pa.RecordBatchReader.from_batches(self._schema, _checked(self._batches()))
        return reader.__arrow_c_stream__(requested_schema)


def _has_no_equality_deletes(snapshot: Snapshot | None) -> bool:
    """pyiceberg refuses a plan with equality deletes, but a filter can hide them."""
    summary = snapshot.summary if snapshot is not None else None
    return summary is not None and summary["total-equality-deletes"] == "0"


def bytes_of(tasks: Iterable[FileScanTask]) -> int:
    """Return the size of the files and of their delete files, each file once."""
    files = {file.file_path: file for task in tasks for file in (task.file, *task.delete_files)}
    return sum(file.file_size_in_bytes for file in files.values())


def _checked(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except (OSError, ValueError) as error:
        raise _bad_data(error) from None


def _bad_data(error: Exception) -> QueryFailed:
    return QueryFailed(f"ICEBERG_BAD_DATA: {error}", DATA_ERROR)


def _as_stored(column: pa.Array, datatype: pa.DataType) -> pa.Array:
    """pyiceberg may return large strings, and fields in the case of the writer."""
    wanted = stored(datatype)
    return column if column.type == wanted else column.cast(wanted)
