"""Rows that are read from files as Arrow batches while DuckDB runs a query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from localaws.athena.tables.data_files import DataFile, Scan

# Yields the number of rows of each chunk of a file, and the columns that are read from it.
ReadFile = Callable[[DataFile], Iterator[tuple[int, Sequence[pa.Array]]]]
_NO_COLUMN = "$row"  # DuckDB counts rows only if they have a column


class BatchStream:
    """The rows of a scan. DuckDB reads them by Arrow's C stream interface, as often as a query needs them."""

    def __init__(
        self, scan: Scan, files: Sequence[DataFile], types: dict[str, pa.DataType], read: ReadFile
    ) -> None:
        """``types`` are the types of the columns that ``read`` yields, in their order."""
        used = {name: type_ for name, type_ in scan.constant_types.items() if name in scan.columns}
        self._constants = used if types or used else {_NO_COLUMN: pa.null()}
        self._schema = pa.schema({**types, **self._constants})
        self._table, self._files, self._read = scan.table, files, read

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        reader = pa.RecordBatchReader.from_batches(self._schema, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for file in self._files:
            values = {**file.constants(self._table), _NO_COLUMN: None}
            constants = [pa.scalar(values[name], type_) for name, type_ in self._constants.items()]
            for rows, columns in self._read(file):
                repeated = [pa.repeat(value, rows) for value in constants]
                yield pa.RecordBatch.from_arrays([*columns, *repeated], schema=self._schema)
