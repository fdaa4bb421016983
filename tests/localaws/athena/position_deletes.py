"""Position deletes as other writers commit them: pyiceberg 0.12.0 reads them, but does not write them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestContent, ManifestWriterV2
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles

_FILE_PATH, _POSITION = b"2147483546", b"2147483545"  # the ids of the columns in Iceberg's specification


def delete_rows(table: Table, file: DataFile, positions: Sequence[int]) -> None:
    """Commit a delete file for these rows of a data file."""
    schema = pa.schema(
        [
            pa.field("file_path", pa.string(), nullable=False, metadata={b"PARQUET:field_id": _FILE_PATH}),
            pa.field("pos", pa.int64(), nullable=False, metadata={b"PARQUET:field_id": _POSITION}),
        ]
    )
    rows = pa.table({"file_path": [file.file_path] * len(positions), "pos": list(positions)}, schema=schema)
    output = table.io.new_output(f"{table.location()}/data/{uuid4()}-deletes.parquet")
    with output.create() as stream:
        pq.write_table(rows, stream)
    deletes = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=output.location,
        file_format=FileFormat.PARQUET,
        partition=file.partition,
        record_count=len(rows),
        file_size_in_bytes=len(output.to_input_file()),
        column_sizes={},
        value_counts={},
        null_value_counts={},
        nan_value_counts={},
        lower_bounds={},
        upper_bounds={},
        key_metadata=None,
        split_offsets=[4],
        equality_ids=None,
        sort_order_id=None,
    )
    deletes.spec_id = file.spec_id
    transaction = table.transaction()
    with transaction, _AddDeletes(Operation.OVERWRITE, transaction, table.io) as snapshot:
        snapshot.append_data_file(deletes)


class _AddDeletes(_FastAppendFiles):
    def new_manifest_writer(self, spec: PartitionSpec) -> ManifestWriterV2:
        output = self.new_manifest_output()
        return _DeleteManifest(spec, self.schema(), output, self.snapshot_id, self._compression)


class _DeleteManifest(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}
