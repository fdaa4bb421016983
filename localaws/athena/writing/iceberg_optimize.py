"""OPTIMIZE: rewrites small files, large files and files with deleted rows of an Iceberg table.

Sources: https://docs.aws.amazon.com/athena/latest/ug/optimize-statement.html and BinPackStrategy of Iceberg
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set

from pyiceberg.table import FileScanTask, Transaction
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import _OverwriteFiles
from pyiceberg.table.update.validate import (
    _validate_data_files_exist,
    _validate_no_new_deletes_for_data_files,
)
from sqlglot import exp

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.parsing.nodes import position
from localaws.athena.sql.parsing.row_changes import RowChanges
from localaws.athena.tables.iceberg import commit_failures
from localaws.athena.tables.iceberg_scans import IcebergScan, bytes_of
from localaws.athena.writing.iceberg import chunks, new_files

_TARGET_BYTES = 512 * 2**20
_SMALLEST, _LARGEST = 0.75, 1.8  # of the target size
_DATA_FILES, _DELETE_FILES = 5, 2  # the default thresholds


def optimize(scan: IcebergScan, paths: Set[str] | None) -> tuple[int, list[str]]:
    """Rewrite files, and return the bytes that were read and the URIs of the new files.

    ``scan`` has all columns. Only files in ``paths`` are rewritten; None means all. The commit succeeds if other
    commits only added files; otherwise it raises QueryFailed ICEBERG_COMMIT_ERROR.
    """
    properties = scan.iceberg.properties
    tasks = [task for task in scan.tasks() if paths is None or task.file.file_path in paths]
    groups = list(_groups(tasks, properties))
    replaced = [task.file for group in groups for task in group]
    if not replaced:
        return 0, []
    transaction = scan.iceberg.transaction()
    names = list(scan.column_types)
    with new_files(transaction) as files, commit_failures(transaction), transaction:
        for group in groups:
            for chunk in chunks(names, scan.rows(group), transaction.table_metadata.schema()):
                files.write(chunk)
        with _Rewrite(transaction) as snapshot:
            for file in replaced:
                snapshot.delete_data_file(file)
            for file in files.made:
                snapshot.append_data_file(file)
    return bytes_of(task for group in groups for task in group), [file.file_path for file in files.made]


def check_condition(statement: RowChanges, iceberg: IcebergTable) -> None:
    """Raise QueryFailed unless the condition only uses columns of the partition spec."""
    schema, spec = iceberg.schema(), iceberg.spec()
    known = {str(schema.find_column_name(field.source_id)).lower() for field in spec.fields}
    for node in statement.changes[0].condition.walk() if statement.changes[0].condition else ():
        if isinstance(node, exp.Query):
            raise not_supported("OPTIMIZE with a subquery")
        if isinstance(node, exp.Column) and node.name.lower() not in known:
            raise QueryFailed(
                f"NOT_SUPPORTED: {position(node)}WHERE of OPTIMIZE can only use partition columns: {node.name}",
                SYNTAX_ERROR,
            )


def _groups(tasks: Sequence[FileScanTask], properties: dict[str, str]) -> Iterator[list[FileScanTask]]:
    """Yield the files of each partition that are rewritten together."""
    target = int(properties.get("write_target_data_file_size_bytes", _TARGET_BYTES))
    smallest = int(properties.get("optimize_rewrite_min_data_file_size_bytes", target * _SMALLEST))
    largest = int(properties.get("optimize_rewrite_max_data_file_size_bytes", target * _LARGEST))
    data_files = int(properties.get("optimize_rewrite_data_file_threshold", _DATA_FILES))
    delete_files = int(properties.get("optimize_rewrite_delete_file_threshold", _DELETE_FILES))
    partitions = defaultdict(list)
    for task in tasks:
        partitions[task.file.spec_id, str(task.file.partition)].append(task)
    for found in partitions.values():
        required = [
            task
            for task in found
            if len(task.delete_files) >= delete_files or task.file.file_size_in_bytes > largest
        ]
        small = [task for task in found if task.file.file_size_in_bytes < smallest and task not in required]
        chosen = required + small
        size = sum(task.file.file_size_in_bytes for task in chosen)
        if required or len(chosen) >= data_files or (len(chosen) > 1 and size >= target):
            yield chosen


class _Rewrite(_OverwriteFiles):
    """A snapshot with the operation ``replace``, which pyiceberg 0.12.0 does not write."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(Operation.OVERWRITE, transaction, transaction._table.io)

    def _summary(self, snapshot_properties: dict[str, str] = {}) -> Summary:  # noqa: B006 - as in the base class
        summary = super()._summary(snapshot_properties)
        return Summary(Operation.REPLACE, **summary.additional_properties)

    def _validate_concurrency(self) -> None:
        """Files that other commits add do not conflict with a rewrite. Source: BaseRewriteFiles.validate of Iceberg"""
        window = self._commit_window
        if window is None or window.is_empty() or window.head is None:
            return
        table, files = self._transaction._table, self._deleted_data_files
        _validate_data_files_exist(table, window.head, files, window.base)
        _validate_no_new_deletes_for_data_files(table, window.head, None, files, window.base)
