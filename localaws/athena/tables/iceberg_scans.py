"""The rows of an Iceberg table: of its current snapshot, or of an older one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask
from pyiceberg.table import Table as IcebergTable

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported
from localaws.athena.tables.data_files import PATH_COLUMN, Scan, Source
from localaws.athena.tables.iceberg_types import athena_type, instants, stored

_READ_FORMATS = (FileFormat.PARQUET, FileFormat.ORC)


@dataclass(eq=False)
class IcebergScan(Scan):
    """``snapshot`` is the id of an older snapshot; None for the current one."""

    iceberg: IcebergTable = field(kw_only=True)
    snapshot: int | None = None

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

    def tasks(self) -> list[FileScanTask]:
        """Plan the files. Raises QueryFailed if one of them cannot be read."""
        try:
            found = self.iceberg.scan(snapshot_id=self.snapshot).plan_files()
            tasks = [task for task in found if isinstance(task, FileScanTask)]
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
        names = [column.name for column in self.schema.columns]
        chosen = [name for name in names if name.lower() in self.columns] or names[:1]
        scan = self.iceberg.scan(snapshot_id=self.snapshot, selected_fields=tuple(chosen))
        tasks = self.tasks()
        found = {name.lower(): self.column_types[name.lower()] for name in chosen}
        types = {name: dt.NULL if type_ is None else type_ for name, type_ in found.items()}
        projected = scan.projection()

        def batches() -> Iterator[pa.RecordBatch]:
            for task in tasks:
                read = ArrowScan(self.iceberg.metadata, self.iceberg.io, projected, AlwaysTrue())
                for batch in read.to_record_batches([task]):
                    columns = [
                        pa.nulls(len(batch)) if type_ == dt.NULL else _as_stored(column, type_)
                        for column, type_ in zip(batch.columns, types.values(), strict=True)
                    ]
                    path = pa.repeat(pa.scalar(task.file.file_path, dt.VARCHAR), len(batch))
                    yield pa.RecordBatch.from_arrays([*columns, path], schema=schema)

        schema = pa.schema([*((name, stored(t)) for name, t in types.items()), (PATH_COLUMN, dt.VARCHAR)])
        size = sum(file.file_size_in_bytes for task in tasks for file in (task.file, *task.delete_files))
        return Source(_Stream(schema, batches), instants(types), size)


class _Stream:
    """Batches that DuckDB reads as often as a query needs them."""

    def __init__(self, schema: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self._schema, self._batches = schema, batches

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        reader = pa.RecordBatchReader.from_batches(self._schema, self._checked())
        return reader.__arrow_c_stream__(requested_schema)

    def _checked(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches()
        except (OSError, ValueError) as error:
            raise _bad_data(error) from None


def _bad_data(error: Exception) -> QueryFailed:
    return QueryFailed(f"ICEBERG_BAD_DATA: {error}", DATA_ERROR)


def _as_stored(column: pa.Array, datatype: pa.DataType) -> pa.Array:
    """pyiceberg may return large strings, and fields in the case of the writer."""
    wanted = stored(datatype)
    return column if column.type == wanted else column.cast(wanted)
